package dev.octet.core.range;

import java.math.BigInteger;
import org.jspecify.annotations.Nullable;

/**
 * Mean and standard deviation of a stream of values, rounded once, at the end: sums of values and
 * of squares are kept without rounding, so neither the order of the values nor the way they were
 * parted changes a bit. NaN and infinities are left out.
 */
public final class Moments {
  /** Values between two emptyings of the bins: squares have 48 bits, bins 63. */
  private static final int CHUNK = 1 << 14;

  private static final int EXPONENTS = 255;

  private long count;
  // In units of 2^-149 and 2^-298.
  private BigInteger sum = BigInteger.ZERO;
  private BigInteger squares = BigInteger.ZERO;

  /** Of nothing yet. */
  public Moments() {}

  /** Takes in values. */
  public void add(float... values) {
    long[] sums = new long[EXPONENTS];
    long[] squared = new long[EXPONENTS];
    for (int start = 0; start < values.length; start += CHUNK) {
      int end = Math.min(values.length, start + CHUNK);
      for (int i = start; i < end; i++) {
        int bits = Float.floatToRawIntBits(values[i]);
        int exponent = (bits >>> 23) & 0xff;
        if (exponent == EXPONENTS) {
          continue;
        }
        long significand = significand(bits, exponent);
        // Subnormal values are counted in the units of the smallest normal ones.
        int bin = Math.max(1, exponent);
        sums[bin] += bits < 0 ? -significand : significand;
        squared[bin] += significand * significand;
        count++;
      }
      sum = sum.add(emptied(sums, 1));
      squares = squares.add(emptied(squared, 2));
    }
  }

  static long significand(int bits, int exponent) {
    long fraction = bits & 0x7fffff;
    return exponent == 0 ? fraction : fraction | 0x800000;
  }

  /** The sum of bins, whose units double {@code power} times from one to the next. */
  static BigInteger emptied(long[] bins, int power) {
    BigInteger total = BigInteger.ZERO;
    for (int bin = 1; bin < bins.length; bin++) {
      if (bins[bin] != 0) {
        total = total.add(BigInteger.valueOf(bins[bin]).shiftLeft(power * (bin - 1)));
        bins[bin] = 0;
      }
    }
    return total;
  }

  /** Of the values of both. */
  public Moments merge(Moments other) {
    Moments merged = new Moments();
    merged.count = Math.addExact(count, other.count);
    merged.sum = sum.add(other.sum);
    merged.squares = squares.add(other.squares);
    return merged;
  }

  /** How many finite values there were. */
  public long count() {
    return count;
  }

  /**
   * The arithmetic mean.
   *
   * @throws IllegalStateException if there was no finite value
   */
  public double mean() {
    requireSeen();
    return ExactSum.quotient(sum, count);
  }

  /**
   * The population standard deviation, {@code sqrt(Σ (x − mean)² / n)}.
   *
   * @throws IllegalStateException if there was no finite value
   */
  public double standardDeviation() {
    requireSeen();
    BigInteger spread =
        squares.multiply(BigInteger.valueOf(count)).subtract(sum.multiply(sum)); // n² · variance
    // 128 more bits keep the root exact to double.
    return Math.scalb(ExactSum.quotient(spread.shiftLeft(128).sqrt(), count), -64);
  }

  private void requireSeen() {
    if (count == 0) {
      throw new IllegalStateException("there was no finite value");
    }
  }

  @Override
  public boolean equals(@Nullable Object object) {
    return object instanceof Moments other
        && count == other.count
        && sum.equals(other.sum)
        && squares.equals(other.squares);
  }

  @Override
  public int hashCode() {
    return squares.hashCode();
  }
}
