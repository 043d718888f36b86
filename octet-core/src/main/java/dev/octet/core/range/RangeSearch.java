package dev.octet.core.range;

import dev.octet.core.descriptor.RangeMethod;

/** How a range is chosen from what was seen of one channel: one rule, with its setting. */
sealed interface RangeSearch {

  /**
   * The rule behind a method that looks at values.
   *
   * @throws IllegalArgumentException for averages, which look at batches or samples
   */
  static RangeSearch of(RangeMethod method) {
    if (method instanceof RangeMethod.MinMax) {
      return new MinMax();
    }
    if (method instanceof RangeMethod.Percentile percentile) {
      return new Percentile(percentile.percent());
    }
    if (method instanceof RangeMethod.Entropy) {
      return new Entropy();
    }
    if (method instanceof RangeMethod.Mse) {
      return new Mse();
    }
    if (method instanceof RangeMethod.Octav) {
      return new Octav();
    }
    if (method instanceof RangeMethod.Aciq aciq) {
      return switch (aciq.distribution()) {
        case LAPLACE -> new AciqLaplace();
        case GAUSS -> new AciqGauss();
      };
    }
    if (method instanceof RangeMethod.NSigma sigma) {
      return new Sigma(sigma.n());
    }
    throw new IllegalArgumentException(
        "range method '%s' needs batches or samples; choose one that looks at values"
            .formatted(method));
  }

  /** The range this rule finds in a histogram, for values that are to be held in {@code levels}. */
  Range search(Histogram histogram, Levels levels);

  /** The word this rule goes by, in reports and in saved state. */
  String word();

  /** The rule's one setting, or 0 for a rule without. */
  default double setting() {
    return 0;
  }

  /** Everything seen, from the smallest value to the largest. */
  record MinMax() implements RangeSearch {
    static final String WORD = "min-max";

    @Override
    public Range search(Histogram histogram, Levels levels) {
      return new Range(histogram.min(), histogram.max());
    }

    @Override
    public String word() {
      return WORD;
    }
  }

  /**
   * Leaves out a share of the values. Symmetric grids: the smallest upper edge of a bin that has at
   * least {@code percent} % of the magnitudes below it. Others: at either end at most half of what
   * may be left out, so each end is judged by itself.
   */
  record Percentile(double percent) implements RangeSearch {
    static final String WORD = "percentile";

    public Percentile {
      if (!(percent > 50 && percent <= 100)) {
        throw new IllegalArgumentException(
            "percentile is " + percent + "; choose more than 50 and at most 100, e.g. 99.99");
      }
    }

    @Override
    public Range search(Histogram histogram, Levels levels) {
      double total = histogram.total();
      if (levels.symmetric()) {
        double needed = total * (percent / 100);
        long[] magnitudes = magnitudes(histogram);
        int bin = 0;
        for (double below = magnitudes[0]; below < needed && bin < magnitudes.length - 1; ) {
          below += magnitudes[++bin];
        }
        return levels.clip((bin + 1) * histogram.binWidth(), histogram.min(), histogram.max());
      }
      double spare = total * (100 - percent) / 200;
      int low = histogram.firstBin();
      for (double cut = histogram.count(low); cut <= spare && low < histogram.lastBin(); ) {
        cut += histogram.count(++low);
      }
      int high = histogram.lastBin();
      for (double cut = histogram.count(high); cut <= spare && high > low; ) {
        cut += histogram.count(--high);
      }
      return Levels.within(
          histogram.lowerEdge(low), histogram.upperEdge(high), histogram.min(), histogram.max());
    }

    @Override
    public String word() {
      return WORD;
    }

    @Override
    public double setting() {
      return percent;
    }
  }

  /**
   * Least Kullback–Leibler divergence of magnitudes, {@link EntropySearch}; exact zeros, which
   * never have a rounding error, are left out. At most 2048 bins are looked at. A grid with as many
   * levels as there are bins has nothing to gain and takes everything seen.
   */
  record Entropy() implements RangeSearch {
    static final String WORD = "entropy";
    private static final int MOST_BINS = 2048;
    private static final int FEWEST_BINS = 128;

    @Override
    public Range search(Histogram histogram, Levels levels) {
      long[] bins = magnitudes(histogram);
      bins[0] -= histogram.zeros();
      double width = histogram.binWidth();
      while (bins.length > MOST_BINS) {
        bins = halve(bins);
        width *= 2;
      }
      int grid = levels.magnitudes(histogram.min() >= 0 || histogram.max() <= 0);
      int best = EntropySearch.bestBins(bins, grid, Math.max(grid, FEWEST_BINS), 1);
      return levels.clip(best * width, histogram.min(), histogram.max());
    }

    private static long[] halve(long[] bins) {
      long[] halved = new long[(bins.length + 1) / 2];
      for (int i = 0; i < bins.length; i++) {
        halved[i / 2] += bins[i];
      }
      return halved;
    }

    @Override
    public String word() {
      return WORD;
    }
  }

  /**
   * Least squared error, {@link ClipSearch}; both ends are searched when the zero point is free.
   */
  record Mse() implements RangeSearch {
    static final String WORD = "mse";

    @Override
    public Range search(Histogram histogram, Levels levels) {
      return search(new HistogramDistribution(histogram), levels);
    }

    static Range search(Distribution values, Levels levels) {
      return levels.symmetric()
          ? levels.clip(ClipSearch.symmetric(values, levels), values.min(), values.max())
          : ClipSearch.affine(values, levels);
    }

    @Override
    public String word() {
      return WORD;
    }
  }

  /** OCTAV's fixed point, {@link ClipSearch#octav}. One-sided values have one bit more. */
  record Octav() implements RangeSearch {
    static final String WORD = "octav";

    @Override
    public Range search(Histogram histogram, Levels levels) {
      return search(new HistogramDistribution(histogram), levels);
    }

    static Range search(Distribution values, Levels levels) {
      boolean oneSided = values.min() >= 0 || values.max() <= 0;
      int bits = Integer.numberOfTrailingZeros(levels.magnitudes(oneSided)) + 1;
      double clip = ClipSearch.octav(values, bits);
      return levels.clip(clip > 0 ? clip : values.amax(), values.min(), values.max());
    }

    @Override
    public String word() {
      return WORD;
    }
  }

  /**
   * The mean plus and minus a reach. Symmetric grids take {@code |mean| + reach}, as Distiller
   * does; one-sided values on a grid that is theirs alone start at zero.
   */
  private static Range about(Distribution values, Levels levels, double reach, boolean half) {
    if (half) {
      return levels.clip(reach, values.min(), values.max());
    }
    if (levels.symmetric()) {
      return levels.clip(Math.abs(values.mean()) + reach, values.min(), values.max());
    }
    return Levels.within(values.mean() - reach, values.mean() + reach, values.min(), values.max());
  }

  /** Whether values lie on one side of zero and the grid has all its levels there. */
  private static boolean half(Distribution values, Levels levels) {
    boolean oneSided = values.min() >= 0 || values.max() <= 0;
    return levels.symmetric() ? !levels.signed() : oneSided;
  }

  /** ACIQ for the law of Laplace: {@link Aciq#laplace} times the mean absolute deviation. */
  record AciqLaplace() implements RangeSearch {
    static final String WORD = "aciq-laplace";

    @Override
    public Range search(Histogram histogram, Levels levels) {
      Distribution values = new HistogramDistribution(histogram);
      boolean half = half(values, levels);
      double reach = Aciq.laplace(levels.bits() + (half ? 1 : 0)) * values.meanAbsoluteDeviation();
      return about(values, levels, reach, half);
    }

    @Override
    public String word() {
      return WORD;
    }
  }

  /** ACIQ for the law of Gauss: {@link Aciq#gauss} times the standard deviation. */
  record AciqGauss() implements RangeSearch {
    static final String WORD = "aciq-gauss";

    @Override
    public Range search(Histogram histogram, Levels levels) {
      Distribution values = new HistogramDistribution(histogram);
      boolean half = half(values, levels);
      double reach = Aciq.gauss(levels.bits() + (half ? 1 : 0)) * values.standardDeviation();
      return about(values, levels, reach, half);
    }

    @Override
    public String word() {
      return WORD;
    }
  }

  /** The mean plus and minus {@code n} standard deviations, inside what was seen. */
  record Sigma(double n) implements RangeSearch {
    static final String WORD = "sigma";

    public Sigma {
      if (!(n > 0 && Double.isFinite(n))) {
        throw new IllegalArgumentException(
            "number of standard deviations is " + n + "; choose a positive number, e.g. 3");
      }
    }

    @Override
    public Range search(Histogram histogram, Levels levels) {
      Distribution values = new HistogramDistribution(histogram);
      return about(values, levels, n * values.standardDeviation(), false);
    }

    @Override
    public String word() {
      return WORD;
    }

    @Override
    public double setting() {
      return n;
    }
  }

  /** Counts by magnitude: bin k holds {@code [k, k+1)} widths on either side of zero. */
  private static long[] magnitudes(Histogram histogram) {
    int last = Math.max(-histogram.firstBin(), histogram.lastBin());
    long[] counts = new long[last + 1];
    counts[0] = histogram.count(0);
    for (int k = 1; k <= last; k++) {
      counts[k] = histogram.count(k) + histogram.count(-k);
    }
    return counts;
  }
}
