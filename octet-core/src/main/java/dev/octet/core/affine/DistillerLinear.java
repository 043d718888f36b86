package dev.octet.core.affine;

import dev.octet.core.descriptor.Granularity;
import java.util.Arrays;

/**
 * Intel Distiller's linear quantization, whose scale multiplies and whose zero point is subtracted:
 * {@code q = clamp(rint(scale · x − zeroPoint))}, {@code x' = (q + zeroPoint) / scale} ({@code
 * q_utils} at its last commit). Everything is float32, parameters too, as it is there for tensors;
 * where Distiller computes parameters of Python numbers in float64 they can differ by an ulp. With
 * one scale for a whole tensor or one for each index of an axis. Zero points need not be whole. NaN
 * stays NaN, infinities go to the ends. Immutable.
 */
public final class DistillerLinear {
  private final float[] scales;
  private final float[] zeroPoints;
  private final int qmin;
  private final int qmax;

  private DistillerLinear(float[] scales, float[] zeroPoints, int qmin, int qmax) {
    this.scales = scales;
    this.zeroPoints = zeroPoints;
    this.qmin = qmin;
    this.qmax = qmax;
  }

  /**
   * The integers of {@code [−saturation, saturation]}, one saturation for each scale. Restricted:
   * {@code scale = (2^(bits−1) − 1) / saturation}, integers of ±(2^(bits−1) − 1). Otherwise {@code
   * scale = ((2^bits − 1) / 2) / saturation}, which puts saturation half a step beyond the largest
   * integer; the lowest integer is −2^(bits−1). A saturation of 0 gives scale 1.
   *
   * @throws IllegalArgumentException if a saturation is negative or not finite, or bits are not 2
   *     to 16
   */
  public static DistillerLinear symmetric(int bits, boolean restricted, float... saturation) {
    int half = 1 << (requireBits(bits) - 1);
    float levels = restricted ? half - 1 : (2 * half - 1) / 2f;
    float[] scales = new float[saturation.length];
    for (int i = 0; i < scales.length; i++) {
      if (!(saturation[i] >= 0 && saturation[i] < Float.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "saturation %d is %s; it must be finite and not negative".formatted(i, saturation[i]));
      }
      scales[i] = saturation[i] == 0 ? 1 : scale(levels, saturation[i]);
    }
    int lowest = restricted ? 1 - half : -half;
    return new DistillerLinear(scales, new float[scales.length], lowest, half - 1);
  }

  /**
   * The integers of {@code [min, max]} widened to hold zero: {@code scale = (2^bits − 1) / (max −
   * min)}, {@code zeroPoint = scale · min}, signed {@code 2^(bits−1)} more; one min and max for
   * each scale. A range without width gets scale 1.
   *
   * @param wholeZeroPoint whether the zero point is rounded, so that zero is exactly representable
   * @throws IllegalArgumentException if a min is above its max or one of them not finite, or bits
   *     are not 2 to 16
   */
  public static DistillerLinear asymmetric(
      int bits, boolean signed, boolean wholeZeroPoint, float[] min, float[] max) {
    int steps = (1 << requireBits(bits)) - 1;
    int lowest = signed ? -(1 << (bits - 1)) : 0;
    if (min.length != max.length) {
      throw new IllegalArgumentException(
          min.length + " minima and " + max.length + " maxima; give one of each for every scale");
    }
    float[] scales = new float[min.length];
    float[] zeroPoints = new float[min.length];
    for (int i = 0; i < scales.length; i++) {
      if (!(min[i] <= max[i]) || Float.isInfinite(min[i]) || Float.isInfinite(max[i])) {
        throw new IllegalArgumentException(
            "range %d is [%s, %s]; give finite ends, the smaller first"
                .formatted(i, min[i], max[i]));
      }
      float low = Math.min(min[i], 0);
      float width = Math.max(max[i], 0) - low;
      scales[i] = width == 0 ? 1 : scale(steps, width);
      float zero = scales[i] * low;
      zeroPoints[i] = (wholeZeroPoint ? (float) Math.rint(zero) : zero) - lowest;
    }
    return new DistillerLinear(scales, zeroPoints, lowest, lowest + steps);
  }

  /**
   * One given scale and zero point.
   *
   * @throws IllegalArgumentException if the scale is not positive and finite, or the integers are
   *     upside down or beyond ±2^21
   */
  public static DistillerLinear of(float scale, float zeroPoint, int qmin, int qmax) {
    if (!(scale > 0) || Float.isInfinite(scale)) {
      throw new IllegalArgumentException("scale is " + scale + "; it must be positive and finite");
    }
    if (qmin >= qmax || qmin < -Rounding.LIMIT / 2 || qmax > Rounding.LIMIT / 2) {
      throw new IllegalArgumentException(
          "integers from %d to %d; give the smaller end first, within ±2^21".formatted(qmin, qmax));
    }
    return new DistillerLinear(new float[] {scale}, new float[] {zeroPoint}, qmin, qmax);
  }

  /**
   * The same with a scale and zero point for each group.
   *
   * @throws IllegalArgumentException also if there are not as many zero points as scales, or none
   */
  public static DistillerLinear of(float[] scales, float[] zeroPoints, int qmin, int qmax) {
    if (scales.length == 0 || scales.length != zeroPoints.length) {
      throw new IllegalArgumentException(
          scales.length + " scales and " + zeroPoints.length + " zero points; give one of each");
    }
    for (float scale : scales) {
      of(scale, 0, qmin, qmax);
    }
    return new DistillerLinear(scales.clone(), zeroPoints.clone(), qmin, qmax);
  }

  /**
   * The scale of symmetric integers that need not fit 16 bits, such as those of accumulators:
   * {@code ((2^bits − 1) / 2) / saturation}, 1 for a saturation of 0.
   *
   * @param bits 2 to 32
   * @throws IllegalArgumentException if bits are not that, or the saturation is negative or not
   *     finite
   */
  public static float symmetricScale(int bits, float saturation) {
    if (bits < 2 || bits > 32) {
      throw new IllegalArgumentException("bits is " + bits + "; choose 2 to 32");
    }
    if (!(saturation >= 0 && saturation < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "saturation is " + saturation + "; it must be finite and not negative");
    }
    float levels = (float) (((1L << bits) - 1) / 2.0);
    return saturation == 0 ? 1 : scale(levels, saturation);
  }

  /**
   * The same integers in ONNX's convention: scale {@code 1 / scale}, zero point {@code −zeroPoint}.
   * The last bit of a dequantized value can differ.
   *
   * @param granularity which elements share a scale
   * @throws IllegalArgumentException if a zero point is not whole, or not among the integers
   */
  public QuantParams toQuantParams(Granularity granularity) {
    float[] steps = new float[scales.length];
    int[] zeros = new int[scales.length];
    for (int i = 0; i < steps.length; i++) {
      steps[i] = 1 / scales[i];
      zeros[i] = (int) -zeroPoints[i];
      if (zeros[i] != -zeroPoints[i]) {
        throw new IllegalArgumentException(
            "zero point " + i + " is " + zeroPoints[i] + ", which is not whole");
      }
    }
    return QuantParams.affine(steps, zeros, granularity, qmin, qmax);
  }

  private static int requireBits(int bits) {
    if (bits < 2 || bits > 16) {
      throw new IllegalArgumentException("bits is " + bits + "; choose 2 to 16");
    }
    return bits;
  }

  /**
   * {@code levels / width}, but as PyTorch divides a number by a tensor: by way of the reciprocal.
   * What overflows becomes the largest float.
   */
  private static float scale(float levels, float width) {
    return Math.min(Float.MAX_VALUE, 1 / width * levels);
  }

  /** A copy of the scales. */
  public float[] scales() {
    return scales.clone();
  }

  /** A copy of the zero points. */
  public float[] zeroPoints() {
    return zeroPoints.clone();
  }

  /** The smallest integer. */
  public int qmin() {
    return qmin;
  }

  /** The largest integer. */
  public int qmax() {
    return qmax;
  }

  /**
   * The integers of {@code x}, as floats: there may be NaN among them.
   *
   * @param granularity which elements share a scale
   * @throws IllegalArgumentException if the sizes do not fit
   */
  public float[] quantize(float[] x, int[] shape, Granularity granularity) {
    return run(x, shape, granularity, new float[scales.length], Formula.all(scales.length, 1));
  }

  /**
   * What is left of {@code x} after quantizing and dequantizing.
   *
   * @param granularity which elements share a scale
   * @throws IllegalArgumentException if the sizes do not fit
   */
  public float[] fakeQuantize(float[] x, int[] shape, Granularity granularity) {
    float[] unshift = new float[scales.length];
    for (int i = 0; i < unshift.length; i++) {
      unshift[i] = -zeroPoints[i];
    }
    return run(x, shape, granularity, unshift, scales);
  }

  private float[] run(
      float[] x, int[] shape, Granularity granularity, float[] unshift, float[] back) {
    Layout layout = Layout.of(shape, granularity);
    if (layout.size() != x.length || (x.length > 0 && layout.groups() != scales.length)) {
      throw new IllegalArgumentException(
          "%d values and %d scales %s do not fit shape %s, which holds %d and needs %d"
              .formatted(
                  x.length,
                  scales.length,
                  granularity,
                  Arrays.toString(shape),
                  layout.size(),
                  layout.groups()));
    }
    float[] lo = Formula.all(scales.length, qmin);
    float[] hi = Formula.all(scales.length, qmax);
    float[] y = new float[x.length];
    new Formula(
            Formula.Kind.MULTIPLY_DIVIDE,
            Formula.NanTo.NAN,
            scales,
            zeroPoints,
            lo,
            hi,
            unshift,
            back)
        .apply(x, 0, y, 0, layout);
    return y;
  }
}
