package dev.octet.core.affine;

import dev.octet.core.format.Float8;

/**
 * Floats of 8 bits with a scale that puts amax onto the format's largest value, as
 * pytorch-quantization's {@code scaled_e4m3} has them: {@code scale = largest / amax}, {@code x' =
 * float8(x · scale) / scale}. What lies beyond amax becomes amax; {@code |x| < 2^−24} becomes 0;
 * NaN stays NaN.
 *
 * @param format which 8 bits
 * @param amax above 2^−24 and finite
 */
public record ScaledFloat8(Float8 format, float amax) {
  private static final float TINY = 0x1p-24f;

  public ScaledFloat8 {
    if (!(amax > TINY && amax < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("amax is " + amax + "; it must be finite and above 2^-24");
    }
  }

  /** Without a scale: amax is the format's largest value. */
  public static ScaledFloat8 unscaled(Float8 format) {
    return new ScaledFloat8(format, format.maxValue());
  }

  /** What is left of {@code x}. */
  public float[] fakeQuantize(float[] x) {
    float scale = format.maxValue() / amax;
    float[] y = new float[x.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = Math.abs(x[i]) < TINY ? 0 : format.decode(format.encode(x[i] * scale)) / scale;
    }
    return y;
  }

  /** Where the straight-through gradient passes: {@code |x| <= amax}; not at NaN. */
  public boolean[] mask(float[] x) {
    boolean[] passes = new boolean[x.length];
    for (int i = 0; i < passes.length; i++) {
      passes[i] = Math.abs(x[i]) <= amax;
    }
    return passes;
  }
}
