package dev.octet.workflows.distiller.train;

import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.distiller.LinearQuantMode;
import org.bytedeco.pytorch.Tensor;

/** A module whose output is quantized: {@code wrapped_module}, then {@code fake_q}. */
public final class FakeQuantizationWrapper extends Module {
  static final String INNER = "wrapped_module";

  private final Child<Module> wrapped;
  private final Child<FakeLinearQuantization> fakeQ;

  /**
   * Around a module, which belongs to the wrapper.
   *
   * @param bits 2 to 16
   * @param emaDecay in [0, 1)
   */
  public FakeQuantizationWrapper(
      Module wrappedModule, int bits, LinearQuantMode mode, float emaDecay) {
    FakeLinearQuantization quantization = new FakeLinearQuantization(bits, mode, emaDecay);
    wrapped = child(INNER, wrappedModule);
    fakeQ = child("fake_q", quantization);
    train(wrappedModule.isTraining());
  }

  /** The range that is tracked. */
  public FakeLinearQuantization fakeQ() {
    return fakeQ.get();
  }

  @Override
  protected Tensor forward(Tensor[] inputs) {
    return fakeQ.call(wrapped.call(inputs));
  }

  @Override
  protected Tensor forward(Tensor input) {
    return forward(new Tensor[] {input});
  }
}
