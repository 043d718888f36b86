package dev.octet.workflows.pytorch.observer;

import org.bytedeco.pytorch.Tensor;

/** Says that an output keeps scale and zero point of the input, as a reshape's does. */
public final class ReuseInputObserver extends ObserverBase {

  /** Of quint8, PyTorch's default; the input's own type is what counts. */
  public ReuseInputObserver() {
    super(ObserverSettings.builder().build());
  }

  @Override
  protected Tensor forward(Tensor x) {
    return x;
  }

  @Override
  public boolean isObserved() {
    return true;
  }

  /** Always an error: the parameters are the input's. */
  @Override
  public QParams calculateQParams() {
    throw noQParams();
  }
}
