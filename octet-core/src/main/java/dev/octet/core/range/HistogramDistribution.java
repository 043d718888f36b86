package dev.octet.core.range;

/**
 * A histogram read as a density that is even within each bin, with a spike of exact zeros beside
 * it. The outermost bins end at the extremes really seen.
 *
 * <p>Moments of order 0, 1 and 2 are summed up once at the bin edges; up to any point between they
 * follow in closed form. The squared error of a grid then costs a few operations for each of its
 * levels and none for its bins, and is right also where a step is finer than a bin.
 */
final class HistogramDistribution implements Distribution {
  /** From this many levels on rounding inside the clip is taken as even noise, step²/12. */
  private static final int MANY_LEVELS = 1 << 12;

  private final Histogram histogram;
  private final double[] edges;
  private final double[] counts;
  // Moments of everything below edges[i].
  private final double[] zeroth;
  private final double[] first;
  private final double[] second;

  HistogramDistribution(Histogram histogram) {
    this.histogram = histogram;
    int bins = histogram.lastBin() - histogram.firstBin() + 1;
    edges = new double[bins + 1];
    counts = new double[bins];
    zeroth = new double[bins + 1];
    first = new double[bins + 1];
    second = new double[bins + 1];
    for (int i = 0; i < bins; i++) {
      int bin = histogram.firstBin() + i;
      counts[i] = histogram.count(bin) - (bin == 0 ? histogram.zeros() : 0);
      edges[i] = clamp(histogram.lowerEdge(bin));
    }
    edges[bins] = clamp(histogram.upperEdge(histogram.lastBin()));
    for (int i = 0; i < bins; i++) {
      addBin(i);
    }
  }

  private double clamp(double edge) {
    return Math.min(Math.max(edge, histogram.min()), histogram.max());
  }

  private void addBin(int i) {
    double a = edges[i];
    double b = edges[i + 1];
    zeroth[i + 1] = zeroth[i] + counts[i];
    first[i + 1] = first[i] + counts[i] * (a + b) / 2;
    second[i + 1] = second[i] + counts[i] * (a * a + a * b + b * b) / 3;
  }

  /** The bin that {@code x}, strictly between the outermost edges, lies in. */
  private int binOf(double x) {
    int bin = (int) (x / histogram.binWidth()) - histogram.firstBin();
    return Math.min(Math.max(bin, 0), counts.length - 1);
  }

  /** The moment of {@code order} of all values but exact zeros up to {@code x}. */
  private double moment(int order, double x) {
    double[] sums = order == 0 ? zeroth : order == 1 ? first : second;
    if (x <= edges[0]) {
      return 0;
    }
    if (x >= edges[counts.length]) {
      return sums[counts.length];
    }
    int i = binOf(x);
    double a = edges[i];
    double part = counts[i] * (x - a) / (edges[i + 1] - a);
    return sums[i]
        + switch (order) {
          case 0 -> part;
          case 1 -> part * (a + x) / 2;
          default -> part * (a * a + a * x + x * x) / 3;
        };
  }

  @Override
  public double min() {
    return histogram.min();
  }

  @Override
  public double max() {
    return histogram.max();
  }

  @Override
  public double total() {
    return nonZeros() + histogram.zeros();
  }

  @Override
  public double nonZeros() {
    return zeroth[counts.length];
  }

  @Override
  public double mean() {
    return first[counts.length] / total();
  }

  @Override
  public double meanAbsoluteDeviation() {
    double mean = mean();
    double above = first[counts.length] - first(mean) - mean * (nonZeros() - zeroth(mean));
    double below = mean * zeroth(mean) - first(mean);
    return (above + below + Math.abs(mean) * histogram.zeros()) / total();
  }

  @Override
  public double standardDeviation() {
    double mean = mean();
    return Math.sqrt(Math.max(0, second[counts.length] / total() - mean * mean));
  }

  private double zeroth(double x) {
    return moment(0, x);
  }

  private double first(double x) {
    return moment(1, x);
  }

  @Override
  public double tailCount(double bound) {
    return nonZeros() - zeroth(bound) + zeroth(-bound);
  }

  @Override
  public double tailSum(double bound) {
    return first[counts.length] - first(bound) - first(-bound);
  }

  @Override
  public double squaredError(double scale, int low, int high) {
    if (high - low >= MANY_LEVELS) {
      double from = scale * (low - 0.5);
      double to = scale * (high + 0.5);
      double inside = zeroth(to) - zeroth(from);
      return inside * scale * scale / 12
          + around(scale * low, Double.NEGATIVE_INFINITY, from)
          + around(scale * high, to, Double.POSITIVE_INFINITY);
    }
    // Cells from left to right; what lies beyond the outermost levels belongs to them.
    double m0 = 0;
    double m1 = 0;
    double m2 = 0;
    double error = 0;
    for (int k = low; k <= high; k++) {
      double to = k == high ? Double.POSITIVE_INFINITY : scale * (k + 0.5);
      double n0 = zeroth(to);
      if (n0 == m0) {
        continue; // an empty cell
      }
      double n1 = first(to);
      double n2 = moment(2, to);
      double level = scale * k;
      error += n2 - m2 - 2 * level * (n1 - m1) + level * level * (n0 - m0);
      m0 = n0;
      m1 = n1;
      m2 = n2;
    }
    return Math.max(0, error);
  }

  private double around(double level, double from, double to) {
    return moment(2, to)
        - moment(2, from)
        - 2 * level * (first(to) - first(from))
        + level * level * (zeroth(to) - zeroth(from));
  }
}
