package dev.octet.workflows.pytorch.quantized;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Where integers become real numbers: what a {@code DeQuantStub} is converted to. Since tensors
 * between modules are real numbers already, it gives back what it is given; in a compiled model
 * nothing behind it asks for integers.
 */
public final class DeQuantize extends QuantizedModule {
  static final String KIND = "DeQuantize";

  /** The border. */
  public DeQuantize() {
    super(List.of(), 0, null, true);
  }

  @Override
  protected Tensor forward(Tensor[] x) {
    check(x);
    return x[0];
  }

  @Override
  Tensor compute(Tensor... x) {
    return x[0];
  }

  @Override
  protected Description extraState() {
    return description(KIND).build();
  }
}
