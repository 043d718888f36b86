package dev.octet.core.range;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A histogram of a stream of values that depends only on which values came, not on their order.
 *
 * <p>A value x lies in bin {@code trunc(x / width)}: bin k &gt; 0 holds {@code [k·width,
 * (k+1)·width)}, negative bins mirror that, and bin 0 holds {@code (−width, width)}. The width is a
 * power of two, the smallest for which {@code size} bins a side reach the largest magnitude seen.
 * When a larger magnitude comes the width doubles and bins 2k and 2k+1 become bin k; because {@code
 * trunc(trunc(x / w) / 2) = trunc(x / 2w)}, the counts are then what they would have been with that
 * width from the start. Multiplying by the inverse of a power of two is exact, so is every index.
 *
 * <p>At least half of the bins on the longer side are in use, unless every magnitude is below
 * {@code size · 2^-126}. Memory: at most {@code 2 · size} counts of 64 bits; half of that while no
 * value is negative.
 */
final class StreamingHistogram {
  private static final int LEAST_EXPONENT = Float.MIN_EXPONENT;

  private final int size;
  private Extremes extremes = new Extremes();
  private int exponent = LEAST_EXPONENT;
  private long zeros;

  /** Bins from {@code -origin} up; empty until the first finite value. */
  private long[] counts = {};

  /** Index of bin 0 in {@link #counts}: 0 until a negative value comes, {@code size} after. */
  private int origin;

  /** A histogram of {@code size} bins a side, a power of two from 2 on. */
  StreamingHistogram(int size) {
    if (size < 2 || Integer.bitCount(size) != 1) {
      throw new IllegalArgumentException(
          "histogram has " + size + " bins a side; choose a power of two from 2 on");
    }
    this.size = size;
  }

  void add(float[] values, int offset, int length) {
    // In pieces that stay in the second-level cache between the two passes.
    for (int i = 0; i < length; i += ChannelLayout.CHUNK) {
      addChunk(values, offset + i, Math.min(ChannelLayout.CHUNK, length - i));
    }
  }

  private void addChunk(float[] values, int offset, int length) {
    long nonFinite = extremes.nonFinite();
    extremes.add(values, offset, length);
    if (extremes.finite == 0) {
      return;
    }
    reach(exponentFor(amax()));
    allocate(extremes.min < 0);
    if (extremes.nonFinite() == nonFinite) {
      count(values, offset, length);
    } else {
      countFinite(values, offset, length);
    }
  }

  private void count(float[] values, int offset, int length) {
    long[] bins = counts;
    int first = origin;
    float inverse = inverseWidth();
    int nonZeros = 0;
    for (int i = offset, end = offset + length; i < end; i++) {
      float value = values[i];
      bins[first + (int) (value * inverse)]++;
      // 1 unless all bits but the sign are 0. A comparison here would be a branch, and mispredicted
      // half of the time after a ReLU.
      nonZeros += -(Float.floatToRawIntBits(value) & Integer.MAX_VALUE) >>> 31;
    }
    zeros += length - nonZeros;
  }

  private void countFinite(float[] values, int offset, int length) {
    float inverse = inverseWidth();
    for (int i = offset; i < offset + length; i++) {
      float value = values[i];
      if (Float.isFinite(value)) {
        counts[origin + (int) (value * inverse)]++;
        if (value == 0) {
          zeros++;
        }
      }
    }
  }

  private float inverseWidth() {
    return Math.scalb(1f, -exponent);
  }

  private float amax() {
    return Math.max(-extremes.min, extremes.max);
  }

  /** The smallest exponent e with {@code amax < size · 2^e}. */
  private int exponentFor(float amax) {
    int bits = Integer.numberOfTrailingZeros(size);
    return Math.max(LEAST_EXPONENT, Math.getExponent(amax) + 1 - bits);
  }

  /** Doubles the width until its exponent is at least {@code target}. */
  private void reach(int target) {
    if (target <= exponent) {
      return;
    }
    int shift = Math.min(target - exponent, 31);
    exponent = target;
    if (counts.length == 0) {
      return;
    }
    for (int k = 1; k < size; k++) { // from the middle outwards, so nothing is moved twice
      move(origin + k, origin + (k >> shift));
      if (origin > 0) {
        move(origin - k, origin - (k >> shift));
      }
    }
  }

  private void move(int from, int to) {
    long count = counts[from];
    counts[from] = 0;
    counts[to] += count;
  }

  private void allocate(boolean signed) {
    int wanted = signed ? size : 0;
    if (counts.length > 0 && origin >= wanted) {
      return;
    }
    long[] wider = new long[wanted + size];
    System.arraycopy(counts, 0, wider, wanted, counts.length);
    counts = wider;
    origin = wanted;
  }

  StreamingHistogram merge(StreamingHistogram other) {
    StreamingHistogram merged = new StreamingHistogram(size);
    merged.extremes = extremes.merge(other.extremes);
    merged.exponent = Math.max(exponent, other.exponent);
    merged.zeros = zeros + other.zeros;
    if (merged.extremes.finite > 0) {
      merged.allocate(merged.extremes.min < 0);
      merged.addBins(this);
      merged.addBins(other);
    }
    return merged;
  }

  private void addBins(StreamingHistogram other) {
    int shift = Math.min(exponent - other.exponent, 31);
    for (int i = 0; i < other.counts.length; i++) {
      int k = i - other.origin;
      int bin = k < 0 ? -(-k >> shift) : k >> shift;
      counts[origin + bin] += other.counts[i];
    }
  }

  int size() {
    return size;
  }

  Observed observed() {
    return extremes.observed();
  }

  /** A copy for readers; the histogram has seen a finite value. */
  Histogram snapshot() {
    double width = Math.scalb(1.0, exponent);
    int first = (int) (extremes.min / width);
    int last = (int) (extremes.max / width);
    first = Math.min(first, 0);
    last = Math.max(last, 0);
    long[] copy = Arrays.copyOfRange(counts, origin + first, origin + last + 1);
    return new Histogram(width, first, copy, zeros, extremes.min, extremes.max);
  }

  void writeTo(DataOutput out) throws IOException {
    extremes.writeTo(out);
    if (extremes.finite == 0) {
      return;
    }
    out.writeInt(exponent);
    out.writeLong(zeros);
    out.writeInt((int) Arrays.stream(counts).filter(count -> count != 0).count());
    for (int i = 0; i < counts.length; i++) {
      if (counts[i] != 0) {
        out.writeInt(i - origin);
        out.writeLong(counts[i]);
      }
    }
  }

  static StreamingHistogram read(int size, DataInput in) throws IOException {
    StreamingHistogram read = new StreamingHistogram(size);
    read.extremes = Extremes.read(in);
    if (read.extremes.finite == 0) {
      return read;
    }
    int exponent = in.readInt();
    read.reach(read.exponentFor(read.amax()));
    if (exponent != read.exponent) {
      throw new CollectorStateException(
          "bin width is 2^%d where extremes %s and %s ask for 2^%d"
              .formatted(exponent, read.extremes.min, read.extremes.max, read.exponent));
    }
    read.zeros = CollectorFormat.readCount(in, "number of zeros");
    read.allocate(read.extremes.min < 0);
    read.readBins(in);
    return read;
  }

  private void readBins(DataInput in) throws IOException {
    int filled = in.readInt();
    if (filled < 1 || filled > counts.length) {
      throw new CollectorStateException(
          filled + " filled bins in a histogram of " + counts.length + " bins");
    }
    double width = Math.scalb(1.0, exponent);
    int first = (int) (extremes.min / width);
    int last = (int) (extremes.max / width);
    int previous = Integer.MIN_VALUE;
    long total = 0;
    for (int i = 0; i < filled; i++) {
      int bin = in.readInt();
      long count = CollectorFormat.readCount(in, "count of bin " + bin);
      if (bin <= previous || bin < first || bin > last || count == 0) {
        throw new CollectorStateException(
            "bin %d with count %d is empty, out of order or outside [%d, %d]"
                .formatted(bin, count, first, last));
      }
      counts[origin + bin] = count;
      previous = bin;
      total = Math.addExact(total, count);
    }
    if (total != extremes.finite || zeros > counts[origin]) {
      throw new CollectorStateException(
          "bins hold %d values and %d zeros where %d values were counted"
              .formatted(total, zeros, extremes.finite));
    }
  }

  @Override
  public boolean equals(@Nullable Object object) {
    return object instanceof StreamingHistogram other
        && size == other.size
        && exponent == other.exponent
        && zeros == other.zeros
        && extremes.equals(other.extremes)
        && Arrays.equals(counts, other.counts);
  }

  @Override
  public int hashCode() {
    return extremes.hashCode();
  }
}
