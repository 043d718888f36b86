package dev.octet.core.range;

/**
 * How values are spread, as the searches for a clip ask it. Zeros count in totals, mean and
 * deviations; they never have a rounding error, because every grid holds zero.
 */
interface Distribution {

  /** The smallest value. */
  double min();

  /** The largest value. */
  double max();

  /** How many values there are. */
  double total();

  /** How many values are not exactly zero. */
  double nonZeros();

  /** The arithmetic mean. */
  double mean();

  /** The mean of {@code |x − mean|}. */
  double meanAbsoluteDeviation();

  /** The population standard deviation. */
  double standardDeviation();

  /** The number of values with magnitude above {@code bound}. */
  double tailCount(double bound);

  /** The sum of the magnitudes above {@code bound}. */
  double tailSum(double bound);

  /**
   * {@code Σ (x − Q(x))²}, where Q takes x to the nearest of {@code scale · k}, low ≤ k ≤ high.
   *
   * @param scale positive
   * @param low zero or negative
   * @param high zero or positive
   */
  double squaredError(double scale, int low, int high);

  /** The largest magnitude. */
  default double amax() {
    return Math.max(-min(), max());
  }
}
