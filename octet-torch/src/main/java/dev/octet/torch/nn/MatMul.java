package dev.octet.torch.nn;

import dev.octet.torch.op.Ops;
import org.bytedeco.pytorch.Tensor;

/**
 * The matrix product of the last two dimensions of two tensors. As a module its inputs can be
 * quantized.
 */
public class MatMul extends Module {
  /** For subclasses. */
  protected MatMul() {}

  /** Another such layer, in the same mode; both are to be closed. */
  public MatMul(MatMul from) {
    sameModeAs(from);
  }

  /** A layer without settings. */
  public static MatMul of() {
    return Substitution.of(new MatMul());
  }

  @Override
  protected Tensor forward(Tensor[] inputs) {
    Inputs.two(inputs);
    return compute(inputs[0], inputs[1]);
  }

  /** The output for two inputs. */
  protected final Tensor compute(Tensor a, Tensor b) {
    return Ops.matmul(a, b);
  }
}
