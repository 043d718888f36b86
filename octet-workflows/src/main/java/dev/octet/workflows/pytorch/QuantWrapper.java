package dev.octet.workflows.pytorch;

import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Module;
import org.bytedeco.pytorch.Tensor;

/** A module between a {@link QuantStub} and a {@link DeQuantStub}. */
public final class QuantWrapper extends Module {
  private final Child<QuantStub> quant;
  private final Child<DeQuantStub> dequant;
  private final Child<Module> module;

  /** Wraps a module of one input. */
  public QuantWrapper(Module module) {
    quant = child("quant", new QuantStub());
    dequant = child("dequant", new DeQuantStub());
    this.module = child("module", module);
    train(module.isTraining());
  }

  @Override
  protected Tensor forward(Tensor x) {
    return dequant.call(module.call(quant.call(x)));
  }
}
