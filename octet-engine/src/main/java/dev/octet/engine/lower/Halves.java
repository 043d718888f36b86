package dev.octet.engine.lower;

/** Floating-point numbers of 16 bits: IEEE 754's binary16 and bfloat16. */
final class Halves {
  private static final int MANTISSA = 10;
  private static final int BIAS = 15;
  private static final int INFINITY = 0x7C00;

  private Halves() {}

  /** What the bits of a binary16 number mean. */
  static double toReal(short bits) {
    int exponent = (bits >> MANTISSA) & 0x1F;
    int fraction = bits & 0x3FF;
    double magnitude;
    if (exponent == 0x1F) {
      magnitude = fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
    } else if (exponent == 0) {
      magnitude = Math.scalb((double) fraction, 1 - BIAS - MANTISSA);
    } else {
      magnitude = Math.scalb((double) (fraction | 0x400), exponent - BIAS - MANTISSA);
    }
    return bits < 0 ? -magnitude : magnitude;
  }

  /** The nearest binary16 number, ties to even. */
  static short ofReal(double value) {
    int sign = Double.doubleToRawLongBits(value) < 0 ? 0x8000 : 0;
    double magnitude = Math.abs(value);
    if (Double.isNaN(value)) {
      return (short) (sign | INFINITY | 0x200);
    }
    if (magnitude >= 65520) {
      return (short) (sign | INFINITY);
    }
    int exponent = Math.max(magnitude == 0 ? 1 - BIAS : Math.getExponent(magnitude), 1 - BIAS);
    // In units of the last place; a carry runs over into the exponent, as it should.
    long units = (long) Math.rint(Math.scalb(magnitude, MANTISSA - exponent));
    return (short) (sign | (int) (units + ((long) (exponent + BIAS - 1) << MANTISSA)));
  }

  /** The nearest bfloat16 number, ties to even. */
  static short brief(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
  }
}
