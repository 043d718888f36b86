package dev.octet.workflows.pytorch.observer;

import org.bytedeco.pytorch.Tensor;

/** Does nothing; the type says what the tensor is to have. */
public final class NoopObserver extends ObserverBase {

  /** For a type; PyTorch's default is float16. */
  public NoopObserver(QuantDtype dtype) {
    super(ObserverSettings.builder().dtype(dtype).build());
  }

  @Override
  protected Tensor forward(Tensor x) {
    return x;
  }

  @Override
  public boolean isObserved() {
    return false;
  }

  /** Always an error: there is no range. */
  @Override
  public QParams calculateQParams() {
    throw noQParams();
  }

  @Override
  protected String settings() {
    return "dtype=" + dtype();
  }
}
