package dev.octet.workflows.distiller;

import dev.octet.workflows.distiller.stats.TensorStats;
import org.jspecify.annotations.Nullable;

/** How much of the range that was seen is kept, so that what is common is finer. */
public enum ClipMode {
  /** All of it. */
  NONE,
  /** The mean over samples of a sample's extremes. */
  AVG,
  /** The mean and a number of standard deviations to either side, within what was seen. */
  N_STD,
  /** ACIQ's optimum for normally distributed values (Banner et al. 2018, arXiv 1810.05723). */
  GAUSS,
  /** ACIQ's optimum for Laplace distributed values. */
  LAPLACE;

  /** Distiller's tables of ACIQ's clips by bits, rounded as there; index 0 is 0 bits. */
  private static final double[] LAPLACE_CLIPS = {
    1.05, 1.86, 2.83, 3.89, 5.03, 6.2, 7.41, 8.64, 9.89
  };

  private static final double[] LAPLACE_CLIPS_POSITIVE = {
    1.86, 2.83, 3.89, 5.02, 6.2, 7.41, 8.64, 9.89, 11.16
  };

  private static final double[] GAUSS_CLIPS = {
    Double.NaN, 1.24, 1.71, 2.15, 2.55, 2.93, 3.28, 3.61, 3.92
  };

  private static final double[] GAUSS_CLIPS_POSITIVE = {
    Double.NaN, 1.71, 2.15, 2.55, 2.93, 3.28, 3.61, 3.92, 4.2
  };

  /**
   * The range to quantize.
   *
   * @param symmetric whether the range is about zero
   * @param bits of the integers; GAUSS and LAPLACE are known up to 8
   * @param nStds for N_STD, above 0
   * @param halfRange whether values come from a rectifier; GAUSS and LAPLACE of asymmetric ranges
   *     take it into account
   * @param what names the tensor for messages
   * @return lower and upper end
   * @throws IllegalArgumentException if a figure that is needed was not collected, or a setting is
   *     out of its range
   */
  double[] range(
      boolean symmetric,
      int bits,
      @Nullable Double nStds,
      boolean halfRange,
      TensorStats stats,
      String what) {
    if (!stats.isSeen()) {
      throw new IllegalArgumentException(
          what + " has no range: nothing was seen there when statistics were collected");
    }
    return switch (this) {
      case NONE -> about(symmetric, stats.min(), stats.max());
      case AVG ->
          about(
              symmetric,
              known(stats.avgMin(), "avg_min", what),
              known(stats.avgMax(), "avg_max", what));
      case N_STD -> {
        if (nStds == null || !(nStds > 0)) {
          throw new IllegalArgumentException(
              "clipping " + what + " by N_STD needs clip_n_stds above 0, not " + nStds);
        }
        double mean = known(stats.mean(), "mean", what);
        double reach = nStds * known(stats.std(), "std", what);
        yield about(
            symmetric, Math.max(stats.min(), mean - reach), Math.min(stats.max(), mean + reach));
      }
      case GAUSS, LAPLACE -> {
        boolean half = halfRange && !symmetric;
        double mean = known(stats.mean(), "mean", what);
        double reach =
            this == GAUSS
                ? known(stats.std(), "std", what) * gauss(bits, half, what)
                : known(stats.b(), "b", what) * laplace(bits, half, what);
        if (symmetric) {
          yield new double[] {-Math.abs(mean) - reach, Math.abs(mean) + reach};
        }
        double low = Math.max(known(stats.avgMin(), "avg_min", what), mean - reach);
        yield new double[] {low, low + (half ? reach : 2 * reach)};
      }
    };
  }

  private static double[] about(boolean symmetric, double low, double high) {
    double largest = Math.max(Math.abs(low), Math.abs(high));
    return symmetric ? new double[] {-largest, largest} : new double[] {low, high};
  }

  private static double gauss(int bits, boolean half, String what) {
    return entry(half ? GAUSS_CLIPS_POSITIVE : GAUSS_CLIPS, 1, bits, what);
  }

  private static double laplace(int bits, boolean half, String what) {
    return entry(half ? LAPLACE_CLIPS_POSITIVE : LAPLACE_CLIPS, 0, bits, what);
  }

  private static double entry(double[] table, int first, int bits, String what) {
    if (bits < first || bits >= table.length) {
      throw new IllegalArgumentException(
          "clipping "
              + what
              + " by GAUSS or LAPLACE is known for up to 8 bits, not "
              + bits
              + "; choose NONE, AVG or N_STD");
    }
    return table[bits];
  }

  private static double known(double figure, String key, String what) {
    if (Double.isNaN(figure)) {
      throw new IllegalArgumentException(
          "the statistics of " + what + " have no '" + key + "'; collect them anew");
    }
    return figure;
  }
}
