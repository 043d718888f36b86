package dev.octet.torch.nn;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * The matrix products of a recurrent cell: what its gates take, before their functions. A quantized
 * layer puts its own in place; it is made once for a sequence, so weights are quantized once, and
 * applied in every step.
 *
 * @param <G> one tensor where the products of input and hidden state are summed, {@link
 *     GRU.Products} where the cell needs both
 */
@FunctionalInterface
public interface StepLinear<G> {
  /**
   * The products of one step.
   *
   * @param input [batch, input features]
   * @param hidden the hidden state before the step, [batch, hidden features]
   */
  G apply(Tensor input, Tensor hidden);

  /**
   * What {@link #apply} is given in place of the inputs; called once with those of all steps, so
   * that a layer can multiply them together.
   *
   * @param inputs of each step, [sequences that have it, input features]
   * @return as many, with the same rows
   */
  default List<Tensor> before(List<Tensor> inputs) {
    return inputs;
  }
}
