package dev.octet.workflows.distiller;

import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.Module;
import org.bytedeco.pytorch.Tensor;

/**
 * A layer that computes in a float type of its own, and gives its output in FP32. Inputs that are
 * float are cast.
 */
public final class FPWrapper extends Module {
  private final Module wrapped;
  private final Precision precision;

  /**
   * Casts a layer.
   *
   * @param from its parameters and buffers change their type
   * @param bits 16, 32 or 64
   */
  public FPWrapper(Module from, int bits) {
    precision = Precision.ofBits(bits);
    wrapped = child("wrapped_module", from).get();
    precision.cast(from);
    sameModeAs(from);
  }

  @Override
  protected Tensor forward(Tensor[] inputs) {
    Tensor[] cast = inputs.clone();
    if (!(wrapped instanceof Embedding)) {
      for (int i = 0; i < cast.length; i++) {
        cast[i] = precision.of(cast[i]);
      }
    }
    return Precision.FP32.of(wrapped.call(cast));
  }

  @Override
  protected String settings() {
    return precision.name();
  }
}
