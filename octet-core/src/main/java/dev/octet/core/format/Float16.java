package dev.octet.core.format;

/**
 * IEEE 754 binary16: 5 bits of exponent, 10 of mantissa; ONNX's float16. Normal values reach down
 * to 2^-14, subnormal ones to 2^-24.
 */
public final class Float16 {
  /** The largest finite value. */
  public static final float MAX_VALUE = 65504f;

  private Float16() {}

  /**
   * The code of the value nearest to {@code x}, ties to even. What rounds beyond {@link #MAX_VALUE}
   * becomes infinity; NaN becomes a quiet NaN of the same sign.
   */
  public static short encode(float x) {
    return (short) SmallFloat.FLOAT16.encode(x, false);
  }

  /** The codes of {@code values}, as {@link #encode(float)} has them. */
  public static short[] encode(float[] values) {
    return SmallFloat.FLOAT16.encodeAll(values, false);
  }

  /**
   * The codes of {@code values}, but what lies beyond {@link #MAX_VALUE}, infinities with it,
   * becomes that value.
   */
  public static short[] encodeSaturating(float[] values) {
    return SmallFloat.FLOAT16.encodeAll(values, true);
  }

  /** The value of {@code code}, exact. */
  public static float decode(short code) {
    return SmallFloat.FLOAT16.decode(code);
  }

  /** The values of {@code codes}, exact. */
  public static float[] decode(short[] codes) {
    return SmallFloat.FLOAT16.decodeAll(codes);
  }
}
