package dev.octet.workflows.pytorch.experimental;

import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.TraceException;
import dev.octet.torch.op.Tracer;
import org.bytedeco.pytorch.Tensor;

/**
 * Rounds to the levels of {@link APoTQuantizer} and lets gradients pass, while an observer learns
 * the range. A trace refuses it: no runtime has an operator for such levels.
 */
public final class APoTFakeQuantize extends Module {
  private final Child<APoTObserver> observer;
  private final boolean signed;
  private boolean observing = true;
  private boolean rounding = true;

  /**
   * Both on.
   *
   * @param signed whether levels are negative too; PyTorch's never are
   */
  public APoTFakeQuantize(APoTObserver observer, boolean signed) {
    this.observer = child("activation_post_process", observer);
    this.signed = signed;
  }

  /** Rounds inputs from here on, or lets them pass. */
  public void enableFakeQuant(boolean on) {
    rounding = on;
  }

  /** Shows inputs to the observer from here on, or keeps the range as it is. */
  public void enableObserver(boolean on) {
    observing = on;
  }

  /** The levels for what was seen. */
  public APoTQuantizer calculateQParams() {
    return observer.get().calculateQParams(signed);
  }

  @Override
  protected Tensor forward(Tensor x) {
    if (Tracer.current() != null) {
      throw new TraceException(
          "levels that are sums of powers of two have no operator; they are simulated only");
    }
    if (observing) {
      observer.call(x);
    }
    return rounding ? calculateQParams().fakeQuantize(x) : x;
  }

  @Override
  protected String settings() {
    return signed ? "signed" : "unsigned";
  }
}
