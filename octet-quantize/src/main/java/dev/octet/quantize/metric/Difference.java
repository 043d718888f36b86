package dev.octet.quantize.metric;

import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.HostTensor;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Sums over pairs of values, the float model's f and another's q, from which SQNR, cosine and the
 * largest error follow. Sums are float64; merging two halves equals the whole up to their rounding.
 *
 * <p>Pairs whose f is NaN or infinite are counted and left out: nothing can be said about them. A
 * pair whose f is finite and q is not is counted as infinite noise.
 */
public final class Difference {

  private long count;
  private long nonFinite;
  private long lost;
  private double signal;
  private double other;
  private double noise;
  private double product;
  private double largest;

  /**
   * Adds a pair of tensors, whatever their element types.
   *
   * @throws IllegalArgumentException if their shapes differ
   */
  public void add(HostTensor reference, HostTensor actual) {
    if (!Arrays.equals(reference.shape(), actual.shape())) {
      throw new IllegalArgumentException(
          "shapes differ: the float model gives " + reference + ", the other " + actual);
    }
    add(
        reference.to(ElementType.FLOAT32).floatBuffer(),
        actual.to(ElementType.FLOAT32).floatBuffer());
  }

  /** Adds pairs from the buffers' positions on; the positions stay. */
  public void add(FloatBuffer reference, FloatBuffer actual) {
    if (reference.remaining() != actual.remaining()) {
      throw new IllegalArgumentException(
          reference.remaining() + " values cannot be compared with " + actual.remaining());
    }
    int from = reference.position();
    int shift = actual.position() - from;
    for (int i = from; i < reference.limit(); i++) {
      add(reference.get(i), actual.get(i + shift));
    }
  }

  private void add(float f, float q) {
    if (!Float.isFinite(f)) {
      nonFinite++;
      return;
    }
    count++;
    if (!Float.isFinite(q)) {
      nonFinite++;
      lost++;
      return;
    }
    double error = (double) f - q;
    signal += (double) f * f;
    other += (double) q * q;
    product += (double) f * q;
    noise += error * error;
    largest = Math.max(largest, Math.abs(error));
  }

  /** The sums of this and {@code that}; neither changes. */
  public Difference merge(Difference that) {
    Difference merged = new Difference();
    merged.count = count + that.count;
    merged.nonFinite = nonFinite + that.nonFinite;
    merged.lost = lost + that.lost;
    merged.signal = signal + that.signal;
    merged.other = other + that.other;
    merged.noise = noise + that.noise;
    merged.product = product + that.product;
    merged.largest = Math.max(largest, that.largest);
    return merged;
  }

  /** The number of pairs with a finite f. */
  public long count() {
    return count;
  }

  /** The number of pairs with a NaN or an infinity. */
  public long nonFinite() {
    return nonFinite;
  }

  /**
   * Signal to noise, {@code 10 log10(sum f^2 / sum (f - q)^2)}, in decibels. Positive infinity
   * without noise (also when nothing was added); negative infinity when there is noise but no
   * signal, or a q is not finite.
   */
  public double sqnr() {
    if (lost > 0) {
      return Double.NEGATIVE_INFINITY;
    }
    return noise == 0 ? Double.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
  }

  /**
   * {@code sqrt(sum (f - q)^2 / sum f^2)}: the error as a share of the signal, 0 for equal values.
   * Infinite when there is noise but no signal, or a q is not finite.
   */
  public double normalizedL2() {
    if (lost > 0) {
      return Double.POSITIVE_INFINITY;
    }
    return noise == 0 ? 0 : Math.sqrt(noise / signal);
  }

  /**
   * {@code sum f q / sqrt(sum f^2 sum q^2)}, -1 to 1. 1 when both are all zero, 0 when one is or a
   * q is not finite.
   */
  public double cosine() {
    if (lost > 0) {
      return 0;
    }
    if (signal == 0 || other == 0) {
      return signal == other ? 1 : 0;
    }
    // Two roots: the product of the energies could overflow or vanish.
    return Math.max(-1, Math.min(1, product / (Math.sqrt(signal) * Math.sqrt(other))));
  }

  /** The largest {@code |f - q|}; infinite when a q is not finite, 0 when nothing was added. */
  public double maxError() {
    return lost > 0 ? Double.POSITIVE_INFINITY : largest;
  }
}
