package dev.octet.core.affine;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Scales and zero points of one tensor: real value = scale · (q − zeroPoint), {@code qmin <= q <=
 * qmax}. Immutable.
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

  private QuantParams(
      float[] scales, int[] zeroPoints, Granularity granularity, int qmin, int qmax) {
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
  }

  /** Parameters with the given scales and zero points, which are copied. */
  public static QuantParams affine(
      float[] scales, int[] zeroPoints, Granularity granularity, int qmin, int qmax) {
    return new QuantParams(scales.clone(), zeroPoints.clone(), granularity, qmin, qmax);
  }

  /** Parameters for a whole tensor. */
  public static QuantParams affine(float scale, int zeroPoint, int qmin, int qmax) {
    return new QuantParams(
        new float[] {scale}, new int[] {zeroPoint}, Granularity.perTensor(), qmin, qmax);
  }

  /** Parameters for one range. */
  public static QuantParams of(QuantDescriptor descriptor, Range range) {
    return of(descriptor, List.of(range));
  }

  /**
   * Parameters that cover {@code ranges}, one for each scale.
   *
   * <p>Symmetric: scale = amax / qmax (ONNX, TensorRT). Affine: the range is widened to hold zero,
   * scale = (max − min) / (qmax − qmin), zero point = rint(qmin − min / scale). Computed in float64
   * and rounded once. A range without width gets scale 1.
   */
  public static QuantParams of(QuantDescriptor descriptor, List<Range> ranges) {
    float[] scales = new float[ranges.size()];
    int[] zeroPoints = new int[ranges.size()];
    int qmin = descriptor.qmin();
    int qmax = descriptor.qmax();
    for (int i = 0; i < scales.length; i++) {
      double min = Math.min(ranges.get(i).min(), 0);
      double max = Math.max(ranges.get(i).max(), 0);
      if (descriptor.symmetric()) {
        double amax = descriptor.signed() ? Math.max(-min, max) : max;
        scales[i] = scale(amax / qmax);
      } else {
        scales[i] = scale((max - min) / (qmax - qmin));
        double zero = Math.rint(qmin - min / scales[i]);
        zeroPoints[i] = (int) Math.max(qmin, Math.min(qmax, zero));
      }
    }
    return new QuantParams(scales, zeroPoints, descriptor.granularity(), qmin, qmax);
  }

  /** Zero becomes 1; anything that a float cannot hold as a normal number becomes the nearest. */
  private static float scale(double exact) {
    if (exact == 0) {
      return 1;
    }
    return Math.min(Float.MAX_VALUE, Math.max(Float.MIN_NORMAL, (float) exact));
  }

  /** A copy of the scales; each is positive and finite. */
  public float[] scales() {
    return scales.clone();
  }

  /** A copy of the zero points; each is in {@code [qmin, qmax]}. */
  public int[] zeroPoints() {
    return zeroPoints.clone();
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
    return 31 * Arrays.hashCode(scales) + Arrays.hashCode(zeroPoints) + qmin;
  }

  @Override
  public String toString() {
    return count() == 1
        ? "scale " + scales[0] + ", zero point " + zeroPoints[0]
        : count() + " scales " + granularity;
  }
}
