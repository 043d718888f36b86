package dev.octet.core.range;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.math.BigInteger;
import org.jspecify.annotations.Nullable;

/**
 * A sum of finite floats without rounding, hence without order: every float is a whole multiple of
 * 2^-149, the sum is kept as that multiple and rounded once, when it is read.
 *
 * <p>At most 277 bits for one value, 340 for 2^63 of them.
 */
final class ExactSum {
  private static final int UNIT_EXPONENT = -149;
  private static final int MOST_BYTES = 48;

  private BigInteger units = BigInteger.ZERO;

  void add(float value) {
    int exponent = Math.max(Math.getExponent(value), Float.MIN_EXPONENT);
    int shift = exponent - Float.MIN_EXPONENT;
    long significand = (long) Math.scalb((double) value, -exponent + 23);
    units = units.add(BigInteger.valueOf(significand).shiftLeft(shift));
  }

  ExactSum plus(ExactSum other) {
    ExactSum sum = new ExactSum();
    sum.units = units.add(other.units);
    return sum;
  }

  /** The sum divided by {@code count}, to double precision. */
  double dividedBy(long count) {
    return quotient(units, count);
  }

  /** A multiple of 2^-149 divided by {@code count}, to double precision. */
  static double quotient(BigInteger units, long count) {
    // 64 bits below the unit keep a quotient exact to double, whatever its size.
    BigInteger quotient = units.shiftLeft(64).divide(BigInteger.valueOf(count));
    int excess = Math.max(0, quotient.abs().bitLength() - 62);
    return Math.scalb(
        (double) quotient.shiftRight(excess).longValue(), UNIT_EXPONENT - 64 + excess);
  }

  void writeTo(DataOutput out) throws IOException {
    byte[] bytes = units.toByteArray();
    out.writeByte(bytes.length);
    out.write(bytes);
  }

  static ExactSum read(DataInput in) throws IOException {
    int length = in.readByte();
    if (length < 1 || length > MOST_BYTES) {
      throw new CollectorStateException("a sum of " + length + " bytes; 1 to 48 were expected");
    }
    byte[] bytes = new byte[length];
    in.readFully(bytes);
    ExactSum sum = new ExactSum();
    sum.units = new BigInteger(bytes);
    return sum;
  }

  @Override
  public boolean equals(@Nullable Object object) {
    return object instanceof ExactSum other && units.equals(other.units);
  }

  @Override
  public int hashCode() {
    return units.hashCode();
  }
}
