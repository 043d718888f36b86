package dev.octet.core.format;

/**
 * A binary floating-point format of at most 16 bits: a sign, an exponent, a mantissa with a hidden
 * one, and subnormals. Codes without their sign are ordered as the values are, which is what makes
 * encoding short: a code is a number of steps from zero.
 */
enum SmallFloat {
  E4M3FN(4, 3, 0x7E, -1, 0x7F),
  E5M2(5, 2, 0x7B, 0x7C, 0x7F),
  FLOAT16(5, 10, 0x7BFF, 0x7C00, 0x7E00),
  BFLOAT16(8, 7, 0x7F7F, 0x7F80, 0x7FC0);

  /** Width of the exponent, whose bias is half its range. */
  private final int exponentBits;

  private final int mantissaBits;

  /**
   * The code of the largest finite value; those above it are infinity, if there is one, and NaN.
   */
  private final int largest;

  /** The code of infinity, or -1. */
  private final int infinity;

  /** The code to write for NaN. */
  private final int nan;

  SmallFloat(int exponentBits, int mantissaBits, int largest, int infinity, int nan) {
    this.exponentBits = exponentBits;
    this.mantissaBits = mantissaBits;
    this.largest = largest;
    this.infinity = infinity;
    this.nan = nan;
  }

  /** The code of the largest finite value. */
  int largest() {
    return largest;
  }

  /** The bit of a code that holds its sign. */
  int signBit() {
    return 1 << (exponentBits + mantissaBits);
  }

  /** The exponent of the smallest normal value, and of the step of the subnormal ones. */
  private int lowestExponent() {
    return 2 - (1 << (exponentBits - 1));
  }

  /**
   * The code of the value nearest to {@code x}, ties to the even code. What is larger than the
   * largest value becomes that value if {@code saturate}, otherwise infinity.
   */
  int encode(float x, boolean saturate) {
    int sign = Float.floatToRawIntBits(x) < 0 ? signBit() : 0;
    if (Float.isNaN(x)) {
      return sign | nan;
    }
    int beyond = saturate || infinity < 0 ? largest : infinity;
    if (Float.isInfinite(x)) {
      return sign | beyond;
    }
    int exponent = Math.max(Math.getExponent(x), lowestExponent());
    // A normal x is 2^mantissaBits or more of these steps. Its hidden one then counts as a step of
    // the exponent, which is why none is added here; and rounding up to the next power of two
    // carries into the exponent by itself.
    double steps = Math.rint(Math.abs((double) x) * powerOfTwo(mantissaBits - exponent));
    int code = ((exponent - lowestExponent()) << mantissaBits) + (int) steps;
    return sign | (code > largest ? beyond : code);
  }

  /** The value of {@code code}, exact; higher bits than the format has are ignored. */
  float decode(int code) {
    int magnitude = code & (signBit() - 1);
    float sign = (code & signBit()) == 0 ? 1 : -1;
    if (magnitude > largest) {
      return magnitude == infinity ? sign * Float.POSITIVE_INFINITY : Float.NaN;
    }
    int exponent = magnitude >> mantissaBits;
    int mantissa = magnitude & ((1 << mantissaBits) - 1);
    int steps = exponent == 0 ? mantissa : mantissa + (1 << mantissaBits);
    int step = lowestExponent() + Math.max(exponent - 1, 0) - mantissaBits;
    return sign * (float) (steps * powerOfTwo(step));
  }

  /** 2^exponent for an exponent that a normal double has. */
  private static double powerOfTwo(int exponent) {
    return Double.longBitsToDouble((long) (exponent + 1023) << 52);
  }

  short[] encodeAll(float[] values, boolean saturate) {
    short[] codes = new short[values.length];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (short) encode(values[i], saturate);
    }
    return codes;
  }

  float[] decodeAll(short[] codes) {
    float[] values = new float[codes.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = decode(codes[i]);
    }
    return values;
  }
}
