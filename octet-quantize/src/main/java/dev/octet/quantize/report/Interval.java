package dev.octet.quantize.report;

/**
 * A closed interval of values as it was seen or chosen. Unlike a range to quantize with it may be
 * empty of meaning: a tensor full of NaN has no extremes, and then both ends are NaN.
 *
 * @param min lower end
 * @param max upper end, not below {@code min} unless either is NaN
 */
public record Interval(double min, double max) {
  /** Refuses ends in the wrong order. */
  public Interval {
    if (min > max) {
      throw new IllegalArgumentException(
          "interval [" + min + ", " + max + "] is upside down; give the lower end first");
    }
  }
}
