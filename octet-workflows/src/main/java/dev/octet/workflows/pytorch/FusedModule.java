package dev.octet.workflows.pytorch;

import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;

/**
 * Layers that count as one when a model is observed and converted: PyTorch's {@code
 * torch.ao.nn.intrinsic}. They compute one after the other, under the names {@code 0}, {@code 1}
 * and so on; made by {@link Quantization#fuseModules} and {@link Quantization#fuseModulesQat}.
 */
public final class FusedModule extends Sequential {
  private final String kind;

  FusedModule(String kind, Module... modules) {
    super(modules);
    this.kind = kind;
    train(modules[0].isTraining());
  }

  /** PyTorch's name of the class, such as {@code ConvReLU2d}. */
  public String kind() {
    return kind;
  }

  /** Whether a batch normalisation follows a layer with weights, to be folded into it later. */
  boolean isForTraining() {
    return kind.contains("Bn");
  }

  @Override
  public String toString() {
    return kind + "(" + settings() + ")";
  }
}
