package dev.octet.core.affine;

import dev.octet.core.descriptor.Granularity;
import java.util.Arrays;

/**
 * NVIDIA pytorch-quantization's integers, which are told their range by amax alone ({@code
 * tensor_quant} and {@code fake_tensor_quant} of version 2.2.1, on the CPU).
 *
 * <p>With {@code B = 2^(bits−1) − 1}, unsigned {@code 2^bits − 1}, the scale multiplies: {@code m =
 * B / amax}, {@code q = clamp(rint(x · m))}, {@code x' = q / m}, all in float32. The lowest integer
 * is 0 when unsigned, −B in the narrow range and −B − 1 otherwise. An amax of at most 2^−24 is
 * taken for none: all integers are 0 and the scale is given as 1. NaN stays NaN, infinities go to
 * the ends, and a zero keeps its sign.
 *
 * <p>Shapes and granularity are those of {@link Affine}, one amax where it has a scale; amax is
 * finite and not negative. All methods throw {@link IllegalArgumentException} where that does not
 * hold or sizes do not fit, and, unsigned, where a value is negative.
 *
 * @param bits 2 to 16
 * @param unsigned whether there are no negative integers
 * @param narrow whether the integer −B − 1 is left out; means nothing when unsigned
 */
public record AmaxQuantizer(int bits, boolean unsigned, boolean narrow) {
  /** The largest amax that is taken for none. */
  private static final float NONE = 0x1p-24f;

  public AmaxQuantizer {
    if (bits < 2 || bits > 16) {
      throw new IllegalArgumentException("bits is " + bits + "; choose 2 to 16");
    }
  }

  /** The original's default: signed, 8 bits, narrow range. */
  public static AmaxQuantizer int8() {
    return new AmaxQuantizer(8, false, true);
  }

  private int bound() {
    return (1 << (unsigned ? bits : bits - 1)) - 1;
  }

  /** The scales, {@code B / amax}: what an integer is divided by to become a real value. */
  public float[] scales(float... amax) {
    float[] scales = new float[amax.length];
    for (int i = 0; i < scales.length; i++) {
      if (!(amax[i] >= 0 && amax[i] < Float.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "amax %d is %s; it must be finite and not negative".formatted(i, amax[i]));
      }
      scales[i] = amax[i] <= NONE ? 1 : bound() / amax[i];
    }
    return scales;
  }

  /** The integers, as floats: there is a NaN and a negative zero among them. */
  public float[] quantize(float[] x, int[] shape, Granularity granularity, float... amax) {
    float[] ones = Formula.all(amax.length, 1);
    return run(x, shape, granularity, amax, ones);
  }

  /** What is left of {@code x} after quantizing and dequantizing. */
  public float[] fakeQuantize(float[] x, int[] shape, Granularity granularity, float... amax) {
    return run(x, shape, granularity, amax, scales(amax));
  }

  private float[] run(float[] x, int[] shape, Granularity granularity, float[] amax, float[] back) {
    Layout layout = layoutOf(x, shape, granularity, amax);
    requireSigns(x);
    float[] forward = scales(amax);
    for (int i = 0; i < forward.length; i++) {
      if (amax[i] <= NONE) {
        forward[i] = 0;
      }
    }
    float[] zero = new float[amax.length];
    float[] lo = Formula.all(amax.length, unsigned ? 0 : narrow ? -bound() : -bound() - 1);
    float[] hi = Formula.all(amax.length, bound());
    float[] y = new float[x.length];
    new Formula(Formula.Kind.MULTIPLY_DIVIDE, Formula.NanTo.NAN, forward, zero, lo, hi, zero, back)
        .apply(x, 0, y, 0, layout);
    return y;
  }

  /** Where the straight-through gradient passes: {@code |x| <= amax}; not at NaN. */
  public boolean[] mask(float[] x, int[] shape, Granularity granularity, float... amax) {
    Layout layout = layoutOf(x, shape, granularity, amax);
    boolean[] passes = new boolean[x.length];
    layout.walk(
        new Layout.Walker() {
          @Override
          public void shared(int at, int length, int group) {
            for (int i = at; i < at + length; i++) {
              passes[i] = Math.abs(x[i]) <= amax[group];
            }
          }

          @Override
          public void separate(int at, int length, int firstGroup) {
            for (int i = 0; i < length; i++) {
              passes[at + i] = Math.abs(x[at + i]) <= amax[firstGroup + i];
            }
          }
        });
    return passes;
  }

  /**
   * What is left of {@code x} on a grid of {@code 2^bits} steps from {@code min} to {@code max}
   * ({@code fake_affine_tensor_quant}): {@code step = (max − min) / (2^bits − 1)}, rounded to
   * multiples of step. Zero is one of them, but the ends may be off by up to half a step.
   *
   * @throws IllegalArgumentException if min is not below max, or one of them not finite
   */
  public static float[] fakeQuantizeRange(float[] x, float min, float max, int bits) {
    float step = (max - min) / ((1 << bits) - 1);
    if (!(step > 0) || Float.isInfinite(step) || bits < 2 || bits > 16) {
      throw new IllegalArgumentException(
          "range [%s, %s] has no %d-bit step; give finite ends, the smaller first, and 2 to 16 bits"
              .formatted(min, max, bits));
    }
    double first = Math.rint(min / step);
    if (Math.abs(first) > Rounding.LIMIT / 2) {
      throw new IllegalArgumentException(
          "range [%s, %s] is too far from zero for its width".formatted(min, max));
    }
    float[] zero = new float[1];
    float[] lo = {(float) first};
    float[] hi = {(float) first + (1 << bits) - 1};
    float[] steps = {step};
    float[] y = new float[x.length];
    new Formula(Formula.Kind.DIVIDE_MULTIPLY, Formula.NanTo.NAN, steps, zero, lo, hi, zero, steps)
        .apply(x, 0, y, 0, new Layout(1, 1, x.length, 0));
    return y;
  }

  private static Layout layoutOf(float[] x, int[] shape, Granularity granularity, float[] amax) {
    Layout layout = Layout.of(shape, granularity);
    if (layout.size() != x.length) {
      throw new IllegalArgumentException(
          "%d values do not fill shape %s, which holds %d"
              .formatted(x.length, Arrays.toString(shape), layout.size()));
    }
    if (layout.size() > 0 && layout.groups() != amax.length) {
      throw new IllegalArgumentException(
          "%d amax %s do not fit shape %s, which needs %d"
              .formatted(amax.length, granularity, Arrays.toString(shape), layout.groups()));
    }
    return layout;
  }

  private void requireSigns(float[] x) {
    for (int i = 0; unsigned && i < x.length; i++) {
      if (x[i] < 0) {
        throw new IllegalArgumentException(
            "value %d is %s, which unsigned integers cannot hold; choose signed ones"
                .formatted(i, x[i]));
      }
    }
  }
}
