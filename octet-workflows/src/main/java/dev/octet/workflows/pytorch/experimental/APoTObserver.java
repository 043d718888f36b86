package dev.octet.workflows.pytorch.experimental;

import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.observer.MinMaxObserver;
import dev.octet.workflows.pytorch.observer.ObserverSettings;
import org.bytedeco.pytorch.Tensor;

/** Learns the largest magnitude for {@link APoTQuantizer}. */
public final class APoTObserver extends Module {
  private final int b;
  private final int k;
  private final Child<MinMaxObserver> extremes =
      child("extremes", new MinMaxObserver(ObserverSettings.builder().build()));

  /** Of {@code b} bits, {@code k} of each number that is added; see {@link APoTQuantizer#of}. */
  public APoTObserver(int b, int k) {
    APoTQuantizer.of(b, k, false, 1); // refuses what are no numbers of bits
    this.b = b;
    this.k = k;
  }

  @Override
  protected Tensor forward(Tensor x) {
    return extremes.call(x);
  }

  /**
   * The levels for what was seen.
   *
   * @throws IllegalStateException before the first batch
   */
  public APoTQuantizer calculateQParams(boolean signed) {
    if (!extremes.get().isObserved()) {
      throw new IllegalStateException(this + " has seen no values; call it on data first");
    }
    float min = Tensors.toFloats(extremes.get().minVal())[0];
    float max = Tensors.toFloats(extremes.get().maxVal())[0];
    return APoTQuantizer.of(b, k, signed, Math.max(Math.max(-min, max), 0));
  }

  @Override
  protected String settings() {
    return "b=" + b + ", k=" + k;
  }
}
