package dev.octet.core.range.parity;

import dev.octet.core.range.Range;

/**
 * Scale and zero point as PyTorch's observers compute them from a range (2.13), in float32.
 *
 * <p>They differ from ONNX's in the symmetric scale, which divides by {@code (qmax − qmin) / 2},
 * 127.5 for 8 bits, and in a least scale, {@code eps}.
 */
public record TorchQuantizationParameters(float scale, int zeroPoint) {

  /** The peer's default for the least scale, 2^-23. */
  public static final float EPS = 0x1p-23f;

  /** The least scale of {@link #chosen}. */
  private static final float LEAST = 6.1e-5f;

  private static final double WITHOUT_WIDTH = 0.1;

  /** For a range that is widened to hold zero; the zero point lies between qmin and qmax. */
  public static TorchQuantizationParameters affine(Range range, int qmin, int qmax, float eps) {
    float min = Math.min(0, range.min());
    float max = Math.max(0, range.max());
    float scale = Math.max((max - min) / ((float) qmax - qmin), eps);
    double zeroPoint = qmin - Math.rint(min / scale);
    return new TorchQuantizationParameters(scale, (int) Math.min(Math.max(zeroPoint, qmin), qmax));
  }

  /**
   * For a range that is widened to {@code [−amax, amax]}.
   *
   * @param zeroPoint 0 for signed types, 128 for quint8, {@code floor((qmin + qmax) / 2)} for
   *     quint8 with a range of its own
   */
  public static TorchQuantizationParameters symmetric(
      Range range, int qmin, int qmax, int zeroPoint, float eps) {
    float half = (float) (((double) qmax - qmin) / 2);
    return new TorchQuantizationParameters(Math.max(range.amax() / half, eps), zeroPoint);
  }

  /**
   * As LibTorch's operators choose them for one tensor ({@code quantize_per_tensor_dynamic}, {@code
   * linear_dynamic}, the fused moving average), in float64: the range is widened to hold zero, a
   * scale of zero becomes 0.1 and a smaller one than 6.1e-5 that, and the zero point is taken from
   * the end of the range where it is more exact.
   */
  public static TorchQuantizationParameters chosen(Range range, int qmin, int qmax) {
    double min = Math.min(0, range.min());
    double max = Math.max(0, range.max());
    double scale = (max - min) / ((double) qmax - qmin);
    if ((float) scale == 0 || Float.isInfinite(1 / (float) scale)) {
      scale = WITHOUT_WIDTH;
    }
    if (scale < LEAST) {
      float wider = LEAST / (float) scale;
      if (min == 0) {
        max = LEAST * (qmax - qmin);
      } else if (max == 0) {
        min = -LEAST * (qmax - qmin);
      } else {
        min = (float) min * wider;
        max = (float) max * wider;
      }
      scale = LEAST;
    }
    double errorOfMin = Math.abs(qmin) - Math.abs(min / scale);
    double errorOfMax = Math.abs(qmax) - Math.abs(max / scale);
    double zeroPoint = errorOfMin < errorOfMax ? qmin - min / scale : qmax - max / scale;
    return new TorchQuantizationParameters(
        (float) scale, (int) Math.rint(Math.min(Math.max(zeroPoint, qmin), qmax)));
  }
}
