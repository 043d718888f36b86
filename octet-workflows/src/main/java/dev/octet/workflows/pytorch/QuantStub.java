package dev.octet.workflows.pytorch;

import dev.octet.torch.nn.Module;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Marks where floats become integers. It passes what it is given until the model is prepared, is
 * observed then, and is converted to a {@link dev.octet.workflows.pytorch.quantized.Quantize}.
 */
public final class QuantStub extends Module {
  private final @Nullable QConfig qconfig;

  /** Observed as the mapping says. */
  public QuantStub() {
    qconfig = null;
  }

  /** Observed by a qconfig of its own, whatever the mapping says. */
  public QuantStub(QConfig qconfig) {
    this.qconfig = qconfig;
  }

  /** Its own qconfig, if it has one. */
  @Nullable QConfig qconfig() {
    return qconfig;
  }

  @Override
  protected Tensor forward(Tensor x) {
    return x;
  }
}
