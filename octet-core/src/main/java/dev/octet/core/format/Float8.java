package dev.octet.core.format;

/** Floats of 8 bits for neural networks (Micikevicius et al. 2022, arXiv 2209.05433). */
public enum Float8 {
  /**
   * 4 bits of exponent, 3 of mantissa, no infinities; ONNX's float8e4m3fn. Largest value 448,
   * smallest normal one 2^-6, smallest 2^-9.
   */
  E4M3FN(SmallFloat.E4M3FN),

  /**
   * 5 bits of exponent, 2 of mantissa, infinities; ONNX's float8e5m2. Largest value 57344, smallest
   * normal one 2^-14, smallest 2^-16.
   */
  E5M2(SmallFloat.E5M2);

  private final SmallFloat format;

  Float8(SmallFloat format) {
    this.format = format;
  }

  /** The largest finite value. */
  public float maxValue() {
    return format.decode(format.largest());
  }

  /**
   * The code of the value nearest to {@code x}, ties to even. What lies beyond {@link #maxValue},
   * infinities with it, becomes that value (ONNX: {@code saturate}); NaN stays NaN with its sign.
   */
  public byte encode(float x) {
    return (byte) format.encode(x, true);
  }

  /** The value of {@code code}, exact. */
  public float decode(byte code) {
    return format.decode(code);
  }
}
