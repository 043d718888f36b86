package dev.octet.core.format;

/**
 * The upper half of a float32: 8 bits of exponent, 7 of mantissa; ONNX's bfloat16. It has the range
 * of float32, subnormals with it.
 */
public final class BFloat16 {
  /** The largest finite value. */
  public static final float MAX_VALUE = 0x1.FEp127f;

  private BFloat16() {}

  /**
   * The code of the value nearest to {@code x}, ties to even. What rounds beyond {@link #MAX_VALUE}
   * becomes infinity; NaN becomes a quiet NaN of the same sign.
   */
  public static short encode(float x) {
    return (short) SmallFloat.BFLOAT16.encode(x, false);
  }

  /** The codes of {@code values}, as {@link #encode(float)} has them. */
  public static short[] encode(float[] values) {
    return SmallFloat.BFLOAT16.encodeAll(values, false);
  }

  /**
   * The codes of {@code values}, but what lies beyond {@link #MAX_VALUE}, infinities with it,
   * becomes that value.
   */
  public static short[] encodeSaturating(float[] values) {
    return SmallFloat.BFLOAT16.encodeAll(values, true);
  }

  /** The value of {@code code}, exact. */
  public static float decode(short code) {
    return SmallFloat.BFLOAT16.decode(code);
  }

  /** The values of {@code codes}, exact. */
  public static float[] decode(short[] codes) {
    return SmallFloat.BFLOAT16.decodeAll(codes);
  }
}
