package dev.octet.torch.nn;

import dev.octet.torch.op.Ops;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** Tensors one after the other along a dimension. As a module its inputs can be quantized. */
public class Concat extends Module {
  private final int dim;

  /** For subclasses. */
  protected Concat(int dim) {
    this.dim = dim;
  }

  /**
   * A layer that puts its inputs together along {@code dim}; a negative one counts from the last.
   */
  public static Concat of(int dim) {
    return Substitution.of(new Concat(dim));
  }

  @Override
  protected Tensor forward(Tensor[] inputs) {
    return compute(inputs);
  }

  /** The output for these inputs. */
  protected final Tensor compute(Tensor... inputs) {
    return Ops.cat(List.of(inputs), dim);
  }

  /** Along which dimension inputs are put together. */
  public final int dim() {
    return dim;
  }

  @Override
  protected String settings() {
    return "dim=" + dim;
  }
}
