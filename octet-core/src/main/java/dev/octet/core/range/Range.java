package dev.octet.core.range;

/**
 * A closed interval {@code [min, max]} of real values, in the units of the tensor it describes.
 *
 * <p>Both ends are finite and {@code min <= max}. A range need not contain zero; turning it into a
 * scale and a zero point widens it until it does.
 */
public record Range(float min, float max) {

  public Range {
    if (!Float.isFinite(min) || !Float.isFinite(max)) {
      throw new IllegalArgumentException(
          "range [" + min + ", " + max + "] is not finite; leave NaN and infinities out");
    }
    if (min > max) {
      throw new IllegalArgumentException(
          "range [" + min + ", " + max + "] is upside down; give the smaller end first");
    }
  }

  /** The range {@code [-amax, amax]}; {@code amax} is finite and not negative. */
  public static Range symmetric(float amax) {
    return new Range(-amax, amax);
  }

  /** The largest magnitude in the range. */
  public float amax() {
    return Math.max(Math.abs(min), Math.abs(max));
  }

  /** The smallest range that holds this one and {@code other}. */
  public Range union(Range other) {
    return new Range(Math.min(min, other.min), Math.max(max, other.max));
  }
}
