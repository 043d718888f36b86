package dev.octet.quantize.report;

import java.util.Arrays;

/**
 * The scales of one tensor in brief: a per-channel tensor may have thousands.
 *
 * @param min smallest scale
 * @param median middle scale; of an even count the mean of the middle two
 * @param max largest scale
 * @param count number of scales: 1 per tensor, or one per channel or block
 */
public record ScaleSummary(double min, double median, double max, int count) {
  /** Refuses an empty summary. */
  public ScaleSummary {
    if (count < 1) {
      throw new IllegalArgumentException("'count' is " + count + "; summarize one scale or more");
    }
  }

  /**
   * Summarizes the scales of a tensor.
   *
   * @param scales at least one scale, in any order; not changed
   * @throws IllegalArgumentException if there is none
   */
  public static ScaleSummary of(double... scales) {
    if (scales.length == 0) {
      throw new IllegalArgumentException(
          "no scale to summarize; a quantized tensor has at least one");
    }
    double[] sorted = scales.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    // Halved before adding: two scales near Double.MAX_VALUE must not add up to infinity.
    double median = sorted[(n - 1) / 2] / 2 + sorted[n / 2] / 2;
    return new ScaleSummary(sorted[0], n % 2 == 1 ? sorted[n / 2] : median, sorted[n - 1], n);
  }
}
