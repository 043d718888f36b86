package dev.octet.core.affine;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.range.Range;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Scales and zero points of one axis where a zero point is a real number: real value = scale · (q −
 * zeroPoint), {@code qmin <= q <= qmax}. Zero need not be one of the values. PyTorch's {@code
 * per_channel_affine_float_qparams}, which its embeddings have a row each of. Immutable.
 */
public final class FloatQuantParams {
  /** PyTorch's least scale, 2^-23: a range that gives no more gets scale 1. */
  private static final float EPS = 0x1p-23f;

  private final float[] scales;
  private final float[] zeroPoints;
  private final int axis;
  private final int qmin;
  private final int qmax;

  private FloatQuantParams(float[] scales, float[] zeroPoints, int axis, int qmin, int qmax) {
    if (qmin >= qmax || qmin < -128 || qmax > 255) {
      throw new IllegalArgumentException(
          "integers from " + qmin + " to " + qmax + " are none of at most 8 bits");
    }
    if (scales.length == 0 || scales.length != zeroPoints.length) {
      throw new IllegalArgumentException(
          scales.length + " scales and " + zeroPoints.length + " zero points; give one of each");
    }
    for (int i = 0; i < scales.length; i++) {
      if (!(scales[i] > 0) || Float.isInfinite(scales[i])) {
        throw new IllegalArgumentException(
            "scale " + i + " is " + scales[i] + "; it must be positive and finite");
      }
      if (!Float.isFinite(zeroPoints[i])) {
        throw new IllegalArgumentException(
            "zero point " + i + " is " + zeroPoints[i] + "; it must be finite");
      }
    }
    this.scales = scales;
    this.zeroPoints = zeroPoints;
    this.axis = axis;
    this.qmin = qmin;
    this.qmax = qmax;
  }

  /**
   * Parameters with the given scales and zero points, which are copied.
   *
   * @param scales positive and finite, one for each index of the axis
   * @param zeroPoints finite, likewise
   * @param axis what keeps its own scale; negative counts from the last
   * @param qmin the smallest integer, -128 or more
   * @param qmax the largest integer, 255 or less
   */
  public static FloatQuantParams of(
      float[] scales, float[] zeroPoints, int axis, int qmin, int qmax) {
    return new FloatQuantParams(scales.clone(), zeroPoints.clone(), axis, qmin, qmax);
  }

  /**
   * Parameters that cover ranges, which are not widened to hold zero, as PyTorch's observers
   * compute them: {@code scale = (max − min) / (qmax − qmin)}, 1 where that is at most 2^-23;
   * {@code zeroPoint = −min / scale}; in float32.
   *
   * @param ranges one for each index of the axis
   */
  public static FloatQuantParams covering(List<Range> ranges, int axis, int qmin, int qmax) {
    float[] scales = new float[ranges.size()];
    float[] zeroPoints = new float[ranges.size()];
    for (int i = 0; i < scales.length; i++) {
      Range range = ranges.get(i);
      float scale = (range.max() - range.min()) / ((float) qmax - qmin);
      scales[i] = scale > EPS ? scale : 1;
      zeroPoints[i] = -1 * range.min() / scales[i];
    }
    return new FloatQuantParams(scales, zeroPoints, axis, qmin, qmax);
  }

  /**
   * The integers of {@code x}: {@code clamp(rint(zeroPoint + x · inv))}, {@code inv} the float32
   * quotient 1 / scale. NaN becomes the largest.
   */
  public int[] quantize(float[] x, int[] shape) {
    Layout layout = layout(x.length, shape);
    float[] forward = new float[scales.length];
    float[] shift = new float[scales.length];
    for (int i = 0; i < forward.length; i++) {
      forward[i] = 1 / scales[i];
      shift[i] = -zeroPoints[i];
    }
    int count = scales.length;
    Formula formula =
        new Formula(
            Formula.Kind.MULTIPLY_MULTIPLY,
            Formula.NanTo.HIGHEST,
            forward,
            shift,
            Formula.all(count, qmin),
            Formula.all(count, qmax),
            new float[count],
            Formula.all(count, 1));
    int[] q = new int[x.length];
    formula.applyToCodes(x, 0, q, 0, new int[count], layout);
    return q;
  }

  /** The real values of {@code q}, each step rounded to float32. */
  public float[] dequantize(int[] q, int[] shape) {
    Layout layout = layout(q.length, shape);
    float[] y = new float[q.length];
    layout.walk(
        new Layout.Walker() {
          @Override
          public void shared(int at, int length, int group) {
            for (int i = at; i < at + length; i++) {
              y[i] = (q[i] - zeroPoints[group]) * scales[group];
            }
          }

          @Override
          public void separate(int at, int length, int firstGroup) {
            for (int i = 0; i < length; i++) {
              int group = firstGroup + i;
              y[at + i] = (q[at + i] - zeroPoints[group]) * scales[group];
            }
          }
        });
    return y;
  }

  private Layout layout(int length, int[] shape) {
    Layout layout = Layout.of(shape, Granularity.perAxis(axis));
    if (length != layout.size() || (length > 0 && layout.groups() != scales.length)) {
      throw new IllegalArgumentException(
          "%d values of shape %s do not fit %d scales of axis %d"
              .formatted(length, Arrays.toString(shape), scales.length, axis));
    }
    return layout;
  }

  /** A copy of the scales. */
  public float[] scales() {
    return scales.clone();
  }

  /** A copy of the zero points. */
  public float[] zeroPoints() {
    return zeroPoints.clone();
  }

  /** How many scales there are. */
  public int count() {
    return scales.length;
  }

  /** What keeps its own scale. */
  public int axis() {
    return axis;
  }

  /** The smallest integer. */
  public int qmin() {
    return qmin;
  }

  /** The largest integer. */
  public int qmax() {
    return qmax;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof FloatQuantParams that
        && Arrays.equals(scales, that.scales)
        && Arrays.equals(zeroPoints, that.zeroPoints)
        && axis == that.axis
        && qmin == that.qmin
        && qmax == that.qmax;
  }

  @Override
  public int hashCode() {
    return Objects.hash(Arrays.hashCode(scales), Arrays.hashCode(zeroPoints), axis, qmin, qmax);
  }

  @Override
  public String toString() {
    return scales.length + " scales of axis " + axis + " with real zero points";
  }
}
