package dev.octet.workflows.pytorch.observer;

import org.bytedeco.pytorch.Tensor;

/**
 * Holds a place: says which type a tensor is to have where no range is needed beforehand, that is
 * for float16 and for what is quantized by the range of each call.
 */
public final class PlaceholderObserver extends ObserverBase {

  /** Stands for a tensor with these settings. */
  public PlaceholderObserver(ObserverSettings settings) {
    super(settings);
  }

  @Override
  protected Tensor forward(Tensor x) {
    return x;
  }

  @Override
  public boolean isObserved() {
    return true;
  }

  /** Always an error: there is no range. */
  @Override
  public QParams calculateQParams() {
    throw noQParams();
  }

  @Override
  protected String settings() {
    return "dtype=" + dtype() + ", is_dynamic=" + isDynamic();
  }
}
