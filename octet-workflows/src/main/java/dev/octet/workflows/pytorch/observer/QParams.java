package dev.octet.workflows.pytorch.observer;

import dev.octet.core.affine.FloatQuantParams;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.range.Range;
import dev.octet.core.range.parity.TorchQuantizationParameters;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code calculate_qparams()} gives: scales and zero points, one of each or one for each
 * channel, and the integers that they are for. Immutable.
 */
public final class QParams {
  private final float[] scales;
  private final double[] zeroPoints;
  private final ObserverSettings settings;
  private final int channelAxis;

  private QParams(float[] scales, double[] zeroPoints, ObserverSettings settings, int channelAxis) {
    this.scales = scales;
    this.zeroPoints = zeroPoints;
    this.settings = settings;
    this.channelAxis = channelAxis;
  }

  /**
   * As PyTorch's observers compute them, in float32.
   *
   * @param ranges one, or one for each channel
   * @param channelAxis the axis of the channels; -1 for one range
   */
  static QParams of(List<Range> ranges, ObserverSettings settings, int channelAxis) {
    float[] scales = new float[ranges.size()];
    double[] zeroPoints = new double[scales.length];
    int qmin = settings.qmin();
    int qmax = settings.qmax();
    if (settings.qscheme() == QScheme.PER_CHANNEL_AFFINE_FLOAT_QPARAMS) {
      FloatQuantParams found = FloatQuantParams.covering(ranges, channelAxis, qmin, qmax);
      float[] zeros = found.zeroPoints();
      Arrays.setAll(zeroPoints, i -> zeros[i]);
      return new QParams(found.scales(), zeroPoints, settings, channelAxis);
    }
    for (int i = 0; i < scales.length; i++) {
      TorchQuantizationParameters found =
          settings.qscheme().isSymmetric()
              ? TorchQuantizationParameters.symmetric(
                  ranges.get(i), qmin, qmax, middle(settings), settings.eps())
              : TorchQuantizationParameters.affine(ranges.get(i), qmin, qmax, settings.eps());
      scales[i] = found.scale();
      zeroPoints[i] = found.zeroPoint();
    }
    return new QParams(scales, zeroPoints, settings, channelAxis);
  }

  /** Given ones, for a whole tensor. */
  static QParams fixed(float scale, double zeroPoint, ObserverSettings settings) {
    return new QParams(new float[] {scale}, new double[] {zeroPoint}, settings, -1);
  }

  /** Given ones; the arrays are kept. */
  static QParams given(
      float[] scales, double[] zeroPoints, ObserverSettings settings, int channelAxis) {
    return new QParams(scales, zeroPoints, settings, channelAxis);
  }

  private static int middle(ObserverSettings settings) {
    if (settings.dtype().isSigned()) {
      return 0;
    }
    boolean own = settings.quantMin() != null;
    return own
        ? Math.floorDiv(settings.qmin() + settings.qmax(), 2)
        : 1 << (settings.dtype().bits() - 1);
  }

  /** A copy of the scales. */
  public float[] scales() {
    return scales.clone();
  }

  /** A copy of the zero points; whole numbers unless {@link #hasFloatZeroPoints()}. */
  public double[] zeroPoints() {
    return zeroPoints.clone();
  }

  /** How many scales there are. */
  public int count() {
    return scales.length;
  }

  /** The type of the integers. */
  public QuantDtype dtype() {
    return settings.dtype();
  }

  /** How these were found. */
  public QScheme qscheme() {
    return settings.qscheme();
  }

  /** The axis that has a scale for each index, or -1 where one holds for all. */
  public int channelAxis() {
    return channelAxis;
  }

  /** The smallest integer. */
  public int qmin() {
    return settings.qmin();
  }

  /** The largest integer. */
  public int qmax() {
    return settings.qmax();
  }

  /** Whether zero points are numbers that were not rounded. */
  public boolean hasFloatZeroPoints() {
    return settings.qscheme() == QScheme.PER_CHANNEL_AFFINE_FLOAT_QPARAMS;
  }

  /**
   * As Octet's own parameters.
   *
   * @throws IllegalStateException if zero points are not rounded
   */
  public QuantParams toQuantParams() {
    if (hasFloatZeroPoints()) {
      throw new IllegalStateException(
          "zero points of " + qscheme() + " are no integers; they quantize embeddings only");
    }
    int[] zeros = new int[zeroPoints.length];
    for (int i = 0; i < zeros.length; i++) {
      zeros[i] = (int) zeroPoints[i];
    }
    Granularity granularity =
        channelAxis < 0 ? Granularity.perTensor() : Granularity.perAxis(channelAxis);
    return QuantParams.affine(scales, zeros, granularity, qmin(), qmax());
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof QParams that
        && Arrays.equals(scales, that.scales)
        && Arrays.equals(zeroPoints, that.zeroPoints)
        && settings.equals(that.settings)
        && channelAxis == that.channelAxis;
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(scales) * 31 + Arrays.hashCode(zeroPoints);
  }

  @Override
  public String toString() {
    return count() == 1
        ? "scale " + scales[0] + ", zero point " + zeroPoints[0] + " of " + dtype()
        : count() + " scales of " + dtype() + " along axis " + channelAxis;
  }
}
