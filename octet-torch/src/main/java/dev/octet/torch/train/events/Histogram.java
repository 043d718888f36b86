package dev.octet.torch.train.events;

import java.util.Arrays;

/**
 * How values are distributed: counts in bins of one width, from the least value to the greatest.
 * NaN and infinities are left out.
 */
public final class Histogram {

  private static final int BINS = 64;

  final double min;
  final double max;
  final double sum;
  final double sumOfSquares;
  final double[] limits;
  final double[] counts;

  private Histogram(
      double min, double max, double sum, double sumOfSquares, double[] limits, double[] counts) {
    this.min = min;
    this.max = max;
    this.sum = sum;
    this.sumOfSquares = sumOfSquares;
    this.limits = limits;
    this.counts = counts;
  }

  /** The distribution of these values in 64 bins, or in one if they are all the same or none. */
  public static Histogram of(float[] values) {
    double min = Double.POSITIVE_INFINITY;
    double max = Double.NEGATIVE_INFINITY;
    double sum = 0;
    double sumOfSquares = 0;
    for (float value : values) {
      if (Float.isFinite(value)) {
        min = Math.min(min, value);
        max = Math.max(max, value);
        sum += value;
        sumOfSquares += (double) value * value;
      }
    }
    if (min > max) {
      return new Histogram(0, 0, 0, 0, new double[] {0}, new double[] {0});
    }
    int bins = min == max ? 1 : BINS;
    double width = (max - min) / bins;
    double[] limits = new double[bins];
    for (int i = 0; i < bins; i++) {
      limits[i] = i == bins - 1 ? max : min + (i + 1) * width;
    }
    double[] counts = new double[bins];
    for (float value : values) {
      if (Float.isFinite(value)) {
        counts[width == 0 ? 0 : (int) Math.min(bins - 1, (value - min) / width)]++;
      }
    }
    return new Histogram(min, max, sum, sumOfSquares, limits, counts);
  }

  /** The number of finite values. */
  public long count() {
    return (long) Arrays.stream(counts).sum();
  }
}
