package dev.octet.core.range;

import java.util.Arrays;

/**
 * What a histogram collector counted of one channel, as a picture that no longer changes.
 *
 * <p>A value x lies in bin {@code trunc(x / binWidth)}, so bin 0 is twice as wide as the others: it
 * holds {@code (−binWidth, binWidth)}.
 */
public final class Histogram {
  private final double binWidth;
  private final int firstBin;
  private final long[] counts;
  private final long zeros;
  private final float min;
  private final float max;

  /** Takes {@code counts} over; nobody else may change it. */
  Histogram(double binWidth, int firstBin, long[] counts, long zeros, float min, float max) {
    this.binWidth = binWidth;
    this.firstBin = firstBin;
    this.counts = counts;
    this.zeros = zeros;
    this.min = min;
    this.max = max;
  }

  /** The width of a bin, a power of two, in the tensor's units. */
  public double binWidth() {
    return binWidth;
  }

  /** The number of the lowest bin, zero or negative. */
  public int firstBin() {
    return firstBin;
  }

  /** The number of the highest bin, zero or positive. */
  public int lastBin() {
    return firstBin + counts.length - 1;
  }

  /** How many values lie in a bin; none in one that is not between first and last. */
  public long count(int bin) {
    int index = bin - firstBin;
    return index >= 0 && index < counts.length ? counts[index] : 0;
  }

  /** The lower bound of a bin. Whether a value equal to it is in the bin depends on the sign. */
  public double lowerEdge(int bin) {
    return bin > 0 ? bin * binWidth : (bin - 1) * binWidth;
  }

  /** The upper bound of a bin, which is the lower bound of the next. */
  public double upperEdge(int bin) {
    return bin < 0 ? bin * binWidth : (bin + 1) * binWidth;
  }

  /** How many of the values in bin 0 are exactly zero. */
  public long zeros() {
    return zeros;
  }

  /** How many values there are in all bins. */
  public long total() {
    return Arrays.stream(counts).sum();
  }

  /** The smallest value seen. */
  public float min() {
    return min;
  }

  /** The largest value seen. */
  public float max() {
    return max;
  }
}
