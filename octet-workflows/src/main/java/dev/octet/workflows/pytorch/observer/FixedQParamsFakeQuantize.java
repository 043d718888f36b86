package dev.octet.workflows.pytorch.observer;

import dev.octet.torch.Scope;
import dev.octet.torch.nn.Child;
import dev.octet.torch.quant.LibTorchFakeQuantize;
import org.bytedeco.pytorch.Tensor;

/** Rounds by a scale and a zero point that are known from the start. */
public final class FixedQParamsFakeQuantize extends FakeQuantizeBase {
  private final Child<FixedQParamsObserver> observer;

  /** Rounds by the observer's parameters. */
  public FixedQParamsFakeQuantize(FixedQParamsObserver observer) {
    this.observer = child("activation_post_process", observer);
  }

  @Override
  public FixedQParamsObserver observer() {
    return observer.get();
  }

  @Override
  protected Tensor forward(Tensor x) {
    if (!isFakeQuantEnabled()) {
      return x;
    }
    QParams params = calculateQParams();
    try (Scope scope = Scope.open()) {
      Tensor y =
          LibTorchFakeQuantize.perTensor(
              x,
              HeldQParams.scale(params),
              HeldQParams.zeroPoint(params),
              params.qmin(),
              params.qmax());
      return scope.give(traced(y, x, params));
    }
  }

  @Override
  public QParams calculateQParams() {
    return observer().calculateQParams();
  }
}
