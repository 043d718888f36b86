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
   * Scale and zero point of {@code per_channel_affine_float_qparams}, which embeddings use: the
   * range need not hold zero, and the zero point is a number that is not rounded.
   */
  public record FloatZeroPoint(float scale, float zeroPoint) {

    /** A range narrower than {@code eps} levels gets scale 1. */
    public static FloatZeroPoint of(Range range, int qmin, int qmax, float eps) {
      float scale = (range.max() - range.min()) / ((float) qmax - qmin);
      float used = scale > eps ? scale : 1;
      return new FloatZeroPoint(used, -range.min() / used);
    }
  }
}
