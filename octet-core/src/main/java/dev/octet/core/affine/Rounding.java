package dev.octet.core.affine;

/** Rounding to the nearest integer, ties to the even one: the only rounding there is. */
final class Rounding {
  /**
   * The largest magnitude that {@link #nearest} takes: 2^22. It exceeds every distance between two
   * 16-bit integers.
   */
  static final float LIMIT = 1 << 22;

  /** 1.5 · 2^23: in {@code [2^23, 2^24]} floats are exactly the integers. */
  private static final float INTEGERS = 12_582_912f;

  private Rounding() {}

  /**
   * The integer nearest to {@code v}, {@code |v| <= 2^22}; NaN stays NaN, and zero is positive.
   *
   * <p>The same as {@link Math#rint}, but in two additions that compilers turn into vector code,
   * which on JDK 17 they do not for {@code rint} of a float. The sum lies in {@code [2^23, 2^24]},
   * so the addition itself rounds to an integer, half to even as all Java arithmetic does; {@link
   * #INTEGERS} is even, so even integers stay even; and the subtraction is exact. {@code
   * RoundingTest} compares the two for every float in reach.
   */
  static float nearest(float v) {
    return (v + INTEGERS) - INTEGERS;
  }
}
