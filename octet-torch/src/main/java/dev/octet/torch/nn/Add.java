package dev.octet.torch.nn;

import dev.octet.torch.op.Ops;
import org.bytedeco.pytorch.Tensor;

/** The sum of two tensors, broadcast. As a module its inputs can be quantized. */
public class Add extends Module {
  /** For subclasses. */
  protected Add() {}

  /** Another such layer, in the same mode; both are to be closed. */
  public Add(Add from) {
    sameModeAs(from);
  }

  /** A layer without settings. */
  public static Add of() {
    return Substitution.of(new Add());
  }

  @Override
  protected Tensor forward(Tensor[] inputs) {
    Inputs.two(inputs);
    return compute(inputs[0], inputs[1]);
  }

  /** The output for two inputs. */
  protected final Tensor compute(Tensor a, Tensor b) {
    return Ops.add(a, b);
  }
}
