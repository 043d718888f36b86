package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.torch.op.QuantOps;
import dev.octet.torch.quant.FakeQuantize;
import org.bytedeco.pytorch.Tensor;

/** The 8-bit integers of an activation: one scale and zero point, all integers of the type. */
final class Grid {
  private Grid() {}

  /**
   * Parameters of a whole tensor with all integers of the type that holds theirs, as LibTorch's
   * tensors have them: PyTorch's narrower ranges ({@code reduce_range}) make a scale wider and do
   * not hold values back.
   *
   * @throws IllegalArgumentException if there are several scales or more than 8 bits
   */
  static QuantParams of(QuantParams params, String what) {
    if (params.count() != 1 || params.granularity() instanceof Granularity.PerBlock) {
      throw new IllegalArgumentException(
          what + " has " + params + "; an activation has one scale for the tensor");
    }
    Dtype dtype = params.qmin() < 0 ? Dtype.QINT8 : Dtype.QUINT8;
    if (params.qmin() < dtype.qmin() || params.qmax() > dtype.qmax()) {
      throw new IllegalArgumentException(
          "%s has integers from %d to %d; the engine computes with those of 8 bits"
              .formatted(what, params.qmin(), params.qmax()));
    }
    return QuantParams.affine(params.scale(0), params.zeroPoint(0), dtype.qmin(), dtype.qmax());
  }

  /** What is left of a tensor, as a tracked operation. */
  static Tensor round(Tensor x, QuantParams params) {
    return QuantOps.quantizeDequantize(FakeQuantize.affine(x, params), x, params);
  }

  /** The type of the integers. */
  static Dtype dtype(QuantParams params) {
    return params.qmin() < 0 ? Dtype.QINT8 : Dtype.QUINT8;
  }
}
