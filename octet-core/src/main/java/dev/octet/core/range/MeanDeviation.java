package dev.octet.core.range;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import org.jspecify.annotations.Nullable;

/**
 * The mean of {@code |x − center|} over a stream of values, the b of a Laplace distribution where
 * the center is the mean. As {@link Moments} it is rounded once, at the end. NaN and infinities are
 * left out.
 */
public final class MeanDeviation {
  private static final BigDecimal UNIT = new BigDecimal(Float.MIN_VALUE);

  private final double center;
  private long above;
  private long others;
  // In units of 2^-149.
  private BigInteger sumAbove = BigInteger.ZERO;
  private BigInteger sumOfOthers = BigInteger.ZERO;

  /**
   * Of nothing yet.
   *
   * @param center finite
   */
  public MeanDeviation(double center) {
    if (!Double.isFinite(center)) {
      throw new IllegalArgumentException("the center is " + center + "; it must be finite");
    }
    this.center = center;
  }

  /** Takes in values. */
  public void add(float... values) {
    long[] high = new long[256];
    long[] low = new long[256];
    for (float value : values) {
      int bits = Float.floatToRawIntBits(value);
      int exponent = (bits >>> 23) & 0xff;
      if (exponent == 0xff) {
        continue;
      }
      long significand = Moments.significand(bits, exponent);
      long signed = bits < 0 ? -significand : significand;
      // 24 bits each: an array has too few to fill 63.
      if (value > center) {
        high[Math.max(1, exponent)] += signed;
        above++;
      } else {
        low[Math.max(1, exponent)] += signed;
        others++;
      }
    }
    sumAbove = sumAbove.add(Moments.emptied(high, 1));
    sumOfOthers = sumOfOthers.add(Moments.emptied(low, 1));
  }

  /**
   * Of the values of both.
   *
   * @throws IllegalArgumentException if the centers differ
   */
  public MeanDeviation merge(MeanDeviation other) {
    if (center != other.center) {
      throw new IllegalArgumentException(
          "deviations from " + center + " and from " + other.center + " do not merge");
    }
    MeanDeviation merged = new MeanDeviation(center);
    merged.above = Math.addExact(above, other.above);
    merged.others = Math.addExact(others, other.others);
    merged.sumAbove = sumAbove.add(other.sumAbove);
    merged.sumOfOthers = sumOfOthers.add(other.sumOfOthers);
    return merged;
  }

  /**
   * The mean.
   *
   * @throws IllegalStateException if there was no finite value
   */
  public double mean() {
    if (above + others == 0) {
      throw new IllegalStateException("there was no finite value");
    }
    BigDecimal sums = new BigDecimal(sumAbove.subtract(sumOfOthers)).multiply(UNIT);
    BigDecimal centers =
        new BigDecimal(center)
            .multiply(BigDecimal.valueOf(above).subtract(BigDecimal.valueOf(others)));
    return sums.subtract(centers)
        .divide(BigDecimal.valueOf(above).add(BigDecimal.valueOf(others)), MathContext.DECIMAL128)
        .doubleValue();
  }

  @Override
  public boolean equals(@Nullable Object object) {
    return object instanceof MeanDeviation other
        && Double.compare(center, other.center) == 0
        && above == other.above
        && others == other.others
        && sumAbove.equals(other.sumAbove)
        && sumOfOthers.equals(other.sumOfOthers);
  }

  @Override
  public int hashCode() {
    return sumAbove.hashCode();
  }
}
