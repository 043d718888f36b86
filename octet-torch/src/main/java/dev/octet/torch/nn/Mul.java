package dev.octet.torch.nn;

import dev.octet.torch.op.Ops;
import org.bytedeco.pytorch.Tensor;

/**
 * The product of two tensors element by element, broadcast. As a module its inputs can be
 * quantized.
 */
public class Mul extends Module {
  /** For subclasses. */
  protected Mul() {}

  /** Another such layer, in the same mode; both are to be closed. */
  public Mul(Mul from) {
    sameModeAs(from);
  }

  /** A layer without settings. */
  public static Mul of() {
    return Substitution.of(new Mul());
  }

  @Override
  protected Tensor forward(Tensor[] inputs) {
    Inputs.two(inputs);
    return compute(inputs[0], inputs[1]);
  }

  /** The output for two inputs. */
  protected final Tensor compute(Tensor a, Tensor b) {
    return Ops.mul(a, b);
  }
}
