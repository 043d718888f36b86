package dev.octet.core.range;

/**
 * What a collector saw of one channel (or of the whole tensor), whatever range it chose.
 *
 * @param finite how many finite values were seen
 * @param nan how many NaN were seen and left out
 * @param infinite how many infinities were seen and left out
 * @param min the smallest finite value; {@code 0} when none was seen
 * @param max the largest finite value; {@code 0} when none was seen
 */
public record Observed(long finite, long nan, long infinite, float min, float max) {

  /**
   * Whether finite values were seen and every one of them was zero. Such a channel gets scale 1.
   */
  public boolean allZero() {
    return finite > 0 && min == 0 && max == 0;
  }

  /** Whether any NaN or infinity was left out. */
  public boolean sawNonFinite() {
    return nan > 0 || infinite > 0;
  }
}
