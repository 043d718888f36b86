package dev.octet.workflows.pytorch.observer;

import dev.octet.torch.Tensors;
import java.util.Arrays;
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
    Tensor numbers = Tensors.of(params.zeroPoints(), params.count());
    return numbers.to(params.hasFloatZeroPoints() ? ScalarType.Float : ScalarType.Int);
  }

  static QParams read(Tensor scale, Tensor zeroPoint, ObserverBase observer) {
    float[] scales = Tensors.toFloats(scale);
    int axis = scales.length > 1 || observer.channelAxis() >= 0 ? observer.channelAxis() : -1;
    double[] zeros = new double[scales.length];
    if (observer.observerSettings().qscheme() == QScheme.PER_CHANNEL_AFFINE_FLOAT_QPARAMS) {
      float[] floats = Tensors.toFloats(zeroPoint);
      Arrays.setAll(zeros, i -> floats[i]);
    } else {
      long[] longs = Tensors.toLongs(zeroPoint);
      Arrays.setAll(zeros, i -> longs[i]);
    }
    return QParams.given(scales, zeros, observer.observerSettings(), axis);
  }
}
