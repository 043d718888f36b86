package dev.octet.workflows.pytorch.observer;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import org.bytedeco.pytorch.Tensor;

/**
 * Knows scale and zero point from the start: outputs of sigmoid, softmax and tanh have the same
 * range whatever goes in. They are the buffers {@code scale} and {@code zero_point}.
 */
public final class FixedQParamsObserver extends ObserverBase {
  private final Tensor scale;
  private final Tensor zeroPoint;

  /**
   * Of these parameters.
   *
   * @param scale positive and finite
   * @param zeroPoint one of the integers
   */
  public FixedQParamsObserver(ObserverSettings settings, float scale, int zeroPoint) {
    super(settings);
    requireIntegers();
    requireStatic();
    if (!(scale > 0 && scale < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("scale is " + scale + "; it must be positive and finite");
    }
    if (zeroPoint < settings.qmin() || zeroPoint > settings.qmax()) {
      throw new IllegalArgumentException(
          "zero point is %d; choose %d to %d"
              .formatted(zeroPoint, settings.qmin(), settings.qmax()));
    }
    try (Scope scope = Scope.open()) {
      this.scale = buffer("scale", Tensors.of(new float[] {scale}, 1));
      this.zeroPoint = buffer("zero_point", Tensors.of(new float[] {zeroPoint}, 1));
    }
  }

  @Override
  protected Tensor forward(Tensor x) {
    return x;
  }

  @Override
  public boolean isObserved() {
    return true;
  }

  @Override
  public QParams calculateQParams() {
    return QParams.fixed(
        Tensors.toFloats(scale)[0], Tensors.toFloats(zeroPoint)[0], observerSettings());
  }

  @Override
  protected String settings() {
    return "scale=" + Tensors.toFloats(scale)[0] + ", zero_point=" + Tensors.toFloats(zeroPoint)[0];
  }
}
