package dev.octet.workflows.pytorch;

import dev.octet.torch.nn.Module;
import org.bytedeco.pytorch.Tensor;

/**
 * Marks where integers become floats. It is never observed, and is converted to a {@link
 * dev.octet.workflows.pytorch.quantized.DeQuantize}.
 */
public final class DeQuantStub extends Module {
  /** A border. */
  public DeQuantStub() {}

  @Override
  protected Tensor forward(Tensor x) {
    return x;
  }
}
