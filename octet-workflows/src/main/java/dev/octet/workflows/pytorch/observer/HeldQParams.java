package dev.octet.workflows.pytorch.observer;

import dev.octet.torch.Tensors;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Scales and zero points between a module's buffers and the numbers. */
final class HeldQParams {
  private HeldQParams() {}

  static Tensor scale(QParams params) {
    return Tensors.of(params.scales(), params.count());
  }

  /** Int, or Float where zero points are not rounded. */
  static Tensor zeroPoint(QParams params) {
    Tensor floats = Tensors.of(params.zeroPoints(), params.count());
    return params.hasFloatZeroPoints() ? floats : floats.to(ScalarType.Int);
  }

  static QParams read(Tensor scale, Tensor zeroPoint, ObserverBase observer) {
    float[] scales = Tensors.toFloats(scale);
    int axis = scales.length > 1 || observer.channelAxis() >= 0 ? observer.channelAxis() : -1;
    return QParams.given(scales, Tensors.toFloats(zeroPoint), observer.observerSettings(), axis);
  }
}
