package dev.octet.torch.nn;

import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The functions of the gates: what a cell does with its matrix products, as PyTorch has it. */
final class CellSteps {
  private CellSteps() {}

  /**
   * {@code n = tanh(n_x + σ(r)·n_h)}, {@code h' = (1 - σ(z))·n + σ(z)·h}.
   *
   * @param products r, z, n of input and hidden state
   */
  static Tensor gru(GRU.Products products, Tensor hidden) {
    List<Tensor> input = Ops.chunk(products.input(), 3, 1);
    List<Tensor> state = Ops.chunk(products.hidden(), 3, 1);
    Tensor reset = Ops.sigmoid(Ops.add(input.get(0), state.get(0)));
    Tensor update = Ops.sigmoid(Ops.add(input.get(1), state.get(1)));
    Tensor fresh = Ops.tanh(Ops.add(input.get(2), Ops.mul(reset, state.get(2))));
    return Ops.add(fresh, Ops.mul(update, Ops.sub(hidden, fresh)));
  }

  /** A parameter's values at the start: uniform in ±1/√hidden. */
  static Tensor uniform(int hiddenSize, long... shape) {
    double bound = 1 / Math.sqrt(hiddenSize);
    return Init.uniform(Tensors.uninitialised(ScalarType.Float, shape), -bound, bound);
  }

  /** The products of both, summed. */
  static StepLinear<Tensor> sum(CellWeights weights) {
    return (input, hidden) ->
        Ops.add(
            Ops.linear(input, weights.ih(), weights.biasIh()),
            Ops.linear(hidden, weights.hh(), weights.biasHh()));
  }

  /** The products of both, apart. */
  static StepLinear<GRU.Products> apart(CellWeights weights) {
    return (input, hidden) ->
        new GRU.Products(
            Ops.linear(input, weights.ih(), weights.biasIh()),
            Ops.linear(hidden, weights.hh(), weights.biasHh()));
  }
}
