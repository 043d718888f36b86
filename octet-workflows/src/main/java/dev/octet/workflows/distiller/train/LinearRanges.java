package dev.octet.workflows.distiller.train;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.workflows.distiller.LinearQuantMode;
import org.bytedeco.pytorch.Tensor;

/** From the extremes of values to integers that stand for them. */
final class LinearRanges {
  private LinearRanges() {}

  /** Distiller's scale and zero point for each of some ranges. */
  static DistillerLinear of(LinearQuantMode mode, int bits, float[] low, float[] high) {
    if (!mode.isSymmetric()) {
      return DistillerLinear.asymmetric(
          bits, mode == LinearQuantMode.ASYMMETRIC_SIGNED, true, low, high);
    }
    float[] saturation = new float[low.length];
    for (int i = 0; i < low.length; i++) {
      saturation[i] = Math.max(Math.abs(low[i]), Math.abs(high[i]));
    }
    return DistillerLinear.symmetric(
        bits, mode == LinearQuantMode.SYMMETRIC_RESTRICTED, saturation);
  }

  /**
   * The integers for a parameter's own extremes.
   *
   * @param perChannel whether each index of the first axis has its own
   */
  static QuantParams of(LinearQuantMode mode, int bits, Tensor values, boolean perChannel) {
    try (Scope scope = Scope.open()) {
      Tensor rows = values.detach().reshape(perChannel ? values.size(0) : 1, -1);
      float[] low = Tensors.toFloats(rows.amin(new long[] {1}, false));
      float[] high = Tensors.toFloats(rows.amax(new long[] {1}, false));
      DistillerLinear linear = of(mode, bits, low, high);
      float[] scales = linear.scales();
      int[] zeros = new int[scales.length];
      for (int i = 0; i < zeros.length; i++) {
        zeros[i] = (int) -linear.zeroPoints()[i];
        scales[i] = 1 / scales[i];
      }
      Granularity granularity =
          perChannel && scales.length > 1 ? Granularity.perAxis(0) : Granularity.perTensor();
      return QuantParams.affine(scales, zeros, granularity, linear.qmin(), linear.qmax());
    }
  }
}
