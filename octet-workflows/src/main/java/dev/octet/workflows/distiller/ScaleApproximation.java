package dev.octet.workflows.distiller;

/**
 * A factor as integer hardware applies it: {@code multiplier / 2^shift}.
 *
 * @param multiplier whole, below {@code 2^multBits}
 * @param shift whole; negative where the factor exceeds the multiplier's range
 */
public record ScaleApproximation(double multiplier, double shift) {
  /**
   * The largest such factor that is not above the given one: {@code shift = floor(log2((2^multBits
   * − 1) / factor))}, {@code multiplier = floor(factor · 2^shift)}.
   *
   * @param factor above 0
   * @param multBits bits of the multiplier, 1 to 31
   * @param limitShift whether the shift is at most {@code multBits}
   */
  public static ScaleApproximation of(double factor, int multBits, boolean limitShift) {
    if (!(factor > 0) || Double.isInfinite(factor)) {
      throw new IllegalArgumentException("the factor " + factor + " is not positive and finite");
    }
    if (multBits < 1 || multBits > 31) {
      throw new IllegalArgumentException(
          "scale_approx_mult_bits is " + multBits + "; choose 1 to 31");
    }
    int shift = Math.getExponent((Math.pow(2, multBits) - 1) / factor);
    if (limitShift) {
      shift = Math.min(shift, multBits);
    }
    return new ScaleApproximation(Math.floor(Math.scalb(factor, shift)), shift);
  }

  /** The factor. */
  public double value() {
    return multiplier * Math.pow(2, -shift);
  }
}
