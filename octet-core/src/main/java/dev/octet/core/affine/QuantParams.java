package dev.octet.core.affine;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Scales and zero points of one tensor: real value = scale · (q − zeroPoint), {@code qmin <= q <=
 * qmax}. Every scale is positive and finite, every zero point in {@code [qmin, qmax]}, so that zero
 * is exactly representable. Immutable.
 *
 * <p>With {@link Granularity.PerBlock} the scales are in row-major order of the tensor's shape with
 * the blocked axis shortened to its number of blocks, as ONNX orders them.
 */
public final class QuantParams {
  private final float[] scales;
  private final int[] zeroPoints;
  private final Granularity granularity;
  private final int qmin;
  private final int qmax;
  private final List<Integer> withoutWidth;

  private QuantParams(
      float[] scales,
      int[] zeroPoints,
      Granularity granularity,
      int qmin,
      int qmax,
      List<Integer> withoutWidth) {
    if (qmin >= qmax) {
      throw new IllegalArgumentException(
          "integers from " + qmin + " to " + qmax + " hold nothing; give the smaller end first");
    }
    if (granularity instanceof Granularity.PerTensor && scales.length > 1) {
      throw new IllegalArgumentException(
          scales.length + " scales for a whole tensor; give one, or another granularity");
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
      if (zeroPoints[i] < qmin || zeroPoints[i] > qmax) {
        throw new IllegalArgumentException(
            "zero point " + i + " is " + zeroPoints[i] + "; choose " + qmin + " to " + qmax);
      }
    }
    this.scales = scales;
    this.zeroPoints = zeroPoints;
    this.granularity = granularity;
    this.qmin = qmin;
    this.qmax = qmax;
    this.withoutWidth = withoutWidth;
  }

  /** Parameters with the given scales and zero points, which are copied. */
  public static QuantParams affine(
      float[] scales, int[] zeroPoints, Granularity granularity, int qmin, int qmax) {
    return new QuantParams(scales.clone(), zeroPoints.clone(), granularity, qmin, qmax, List.of());
  }

  /** Parameters for a whole tensor. */
  public static QuantParams affine(float scale, int zeroPoint, int qmin, int qmax) {
    return new QuantParams(
        new float[] {scale}, new int[] {zeroPoint}, Granularity.perTensor(), qmin, qmax, List.of());
  }

  /** Parameters for one range. */
  public static QuantParams of(QuantDescriptor descriptor, Range range) {
    return of(descriptor, List.of(range));
  }

  /**
   * Parameters that cover {@code ranges}, one for each scale, in the order of the scales.
   *
   * <p>Symmetric: the zero point is 0 and scale = amax / qmax (ONNX, TensorRT); unsigned symmetric
   * takes the upper end for amax. Affine: the range is widened to hold zero, scale = (max − min) /
   * (qmax − qmin), zero point = rint(qmin − min / scale), clamped. Computed in float64; the scale
   * is rounded to float32 once, and the zero point follows the rounded scale.
   *
   * <p>A range without width gets scale 1 and is listed by {@link #withoutWidth}. A scale too small
   * for a normal float becomes {@link Float#MIN_NORMAL}, one too large {@link Float#MAX_VALUE}.
   *
   * @throws IllegalArgumentException for a descriptor of floats of 8 bits
   */
  public static QuantParams of(QuantDescriptor descriptor, List<Range> ranges) {
    if (descriptor.float8() != null) {
      throw new IllegalArgumentException(
          "'" + descriptor + "' has no integers, and so no zero points; choose integers here");
    }
    float[] scales = new float[ranges.size()];
    int[] zeroPoints = new int[ranges.size()];
    List<Integer> withoutWidth = new ArrayList<>();
    int qmin = descriptor.qmin();
    int qmax = descriptor.qmax();
    for (int i = 0; i < scales.length; i++) {
      double min = Math.min(ranges.get(i).min(), 0);
      double max = Math.max(ranges.get(i).max(), 0);
      double exact;
      if (descriptor.symmetric()) {
        exact = (descriptor.signed() ? Math.max(-min, max) : max) / qmax;
      } else {
        exact = (max - min) / (qmax - qmin);
      }
      if (exact == 0) {
        withoutWidth.add(i);
        scales[i] = 1;
      } else {
        scales[i] = Math.min(Float.MAX_VALUE, Math.max(Float.MIN_NORMAL, (float) exact));
      }
      if (!descriptor.symmetric()) {
        double zero = Math.rint(qmin - min / scales[i]);
        zeroPoints[i] = (int) Math.max(qmin, Math.min(qmax, zero));
      }
    }
    return new QuantParams(
        scales, zeroPoints, descriptor.granularity(), qmin, qmax, List.copyOf(withoutWidth));
  }

  /**
   * The uint8 parameters that ONNX's DynamicQuantizeLinear finds for a tensor of this range. Other
   * than {@link #of(QuantDescriptor, Range)} it computes in float32, which can differ in the last
   * bit of the scale. A range without width gets scale 1.
   */
  public static QuantParams dynamic(Range range) {
    float min = Math.min(range.min(), 0);
    float max = Math.max(range.max(), 0);
    float scale = (max - min) / 255;
    if (!(scale >= Float.MIN_NORMAL) || Float.isInfinite(scale)) {
      return of(QuantDescriptor.uint8Activation(), range);
    }
    float zero = (float) Math.rint(-min / scale);
    return affine(scale, (int) Math.max(0, Math.min(255, zero)), 0, 255);
  }

  /** A copy of the scales; each is positive and finite. */
  public float[] scales() {
    return scales.clone();
  }

  /** A copy of the zero points; each is in {@code [qmin, qmax]}. */
  public int[] zeroPoints() {
    return zeroPoints.clone();
  }

  /** Scale {@code index}. */
  public float scale(int index) {
    return scales[index];
  }

  /** Zero point {@code index}. */
  public int zeroPoint(int index) {
    return zeroPoints[index];
  }

  /**
   * The indices of scales that are 1 because their range had no width: all that was seen there was
   * zero (or, unsigned symmetric, nothing above it). Empty for parameters given directly. Not part
   * of equality.
   */
  public List<Integer> withoutWidth() {
    return withoutWidth;
  }

  /** How many scales there are. */
  public int count() {
    return scales.length;
  }

  /** Which elements share a scale. */
  public Granularity granularity() {
    return granularity;
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
    return other instanceof QuantParams that
        && Arrays.equals(scales, that.scales)
        && Arrays.equals(zeroPoints, that.zeroPoints)
        && granularity.equals(that.granularity)
        && qmin == that.qmin
        && qmax == that.qmax;
  }

  @Override
  public int hashCode() {
    return Objects.hash(
        Arrays.hashCode(scales), Arrays.hashCode(zeroPoints), granularity, qmin, qmax);
  }

  @Override
  public String toString() {
    return count() == 1
        ? "scale " + scales[0] + ", zero point " + zeroPoints[0]
        : count() + " scales " + granularity;
  }
}
