package dev.octet.core.range;

/**
 * Finds where to clip a histogram of magnitudes so that the clipped and coarsened histogram tells
 * least about itself apart from the original: the smallest Kullback–Leibler divergence (S. Migacz,
 * "8-bit inference with TensorRT", GTC 2017; pytorch-quantization's calibrator).
 *
 * <p>A candidate keeps the first i bins. The reference P is those bins, with everything beyond
 * added to the last; Q spreads the i bins over so many levels (bin j goes to level {@code floor(j ·
 * levels / i)}) and gives every non-empty bin of a level the mean of that level's non-empty bins.
 * With c for counts, T for their total and T<sub>i</sub> for that of the first i,
 *
 * <pre>
 * KL(P‖Q) = (Σ P log P − Σ over levels of P(level) · log mean(level)) / T − log T + log T_i
 * </pre>
 *
 * so that with running sums of c, of c log c and of non-empty bins a candidate costs one logarithm
 * a level, not a pass over its bins.
 */
public final class EntropySearch {
  private EntropySearch() {}

  /**
   * The best number of bins to keep, {@code start} to {@code counts.length}; of equal ones the
   * largest. A candidate whose last bin is empty but must take in what lies beyond is infinitely
   * bad. Without any candidate, or for an empty histogram, {@code counts.length}.
   *
   * @param counts counts of bins of equal width from zero up, not negative
   * @param levels how many levels the kept bins are spread over
   * @param start the fewest bins to keep, at least 1
   * @param stride the step from one candidate to the next, at least 1
   */
  public static int bestBins(long[] counts, int levels, int start, int stride) {
    int best = counts.length;
    double least = Double.POSITIVE_INFINITY;
    Sums sums = new Sums(counts);
    for (int bins = start; bins <= counts.length; bins += stride) {
      double divergence = sums.divergence(bins, levels);
      if (divergence <= least) {
        least = divergence;
        best = bins;
      }
    }
    return best;
  }

  /** The divergence of one candidate, in nats; infinite where P is not covered by Q. */
  public static double divergence(long[] counts, int levels, int bins) {
    return new Sums(counts).divergence(bins, levels);
  }

  /** Sums over the first i bins, for i from 0 to all. */
  private static final class Sums {
    private final long[] counts;
    private final long[] count;
    private final int[] filled;
    private final double[] countLogCount;

    Sums(long[] counts) {
      this.counts = counts;
      count = new long[counts.length + 1];
      filled = new int[counts.length + 1];
      countLogCount = new double[counts.length + 1];
      for (int i = 0; i < counts.length; i++) {
        count[i + 1] = count[i] + counts[i];
        filled[i + 1] = filled[i] + (counts[i] > 0 ? 1 : 0);
        countLogCount[i + 1] = countLogCount[i] + xLogX(counts[i]);
      }
    }

    private static double xLogX(long x) {
      return x > 0 ? x * log(x) : 0;
    }

    private static double log(long x) {
      return Math.log((double) x);
    }

    double divergence(int bins, int levels) {
      long total = count[counts.length];
      long kept = count[bins];
      long outside = total - kept;
      long last = counts[bins - 1];
      if (kept == 0 || (outside > 0 && last == 0)) {
        return Double.POSITIVE_INFINITY;
      }
      double own = countLogCount[bins - 1] + xLogX(last + outside);
      double cross = 0;
      int from = 0;
      // Level l ends before the first bin j with floor(j · levels / bins) > l, which is
      // ceil((l + 1) · bins / levels). Stepping there with a remainder needs no division.
      int step = bins / levels;
      int remainder = bins % levels;
      int ahead = 0; // to · levels − (l + 1) · bins, from 0 to levels − 1
      int to = 0;
      for (int level = 0; level < levels; level++) {
        to += step;
        ahead -= remainder;
        if (ahead < 0) {
          ahead += levels;
          to++;
        }
        long mass = count[to] - count[from];
        if (mass > 0) {
          double mean = (double) mass / (filled[to] - filled[from]);
          cross += (to == bins ? mass + outside : mass) * Math.log(mean);
        }
        from = to;
      }
      return (own - cross) / total - log(total) + log(kept);
    }
  }
}
