package dev.octet.torch.nn;

import dev.octet.torch.op.Ops;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * What an LSTM's step does with its matrix products. A subclass whose single operations are to be
 * observed or quantized puts its own in the place of {@link #PLAIN}.
 */
@FunctionalInterface
public interface LstmGates {
  /** An operation of the step. */
  enum Part {
    /** {@code i = σ(·)}. */
    INPUT_GATE,
    /** {@code f = σ(·)}. */
    FORGET_GATE,
    /** {@code g = tanh(·)}. */
    CELL_GATE,
    /** {@code o = σ(·)}. */
    OUTPUT_GATE,
    /** {@code f · c}. */
    FORGET,
    /** {@code i · g}. */
    TAKE,
    /** {@code c' = f·c + i·g}. */
    CELL,
    /** {@code tanh(c')}. */
    SQUASH,
    /** {@code h' = o · tanh(c')}. */
    HIDDEN
  }

  /** The operations as they are. */
  LstmGates PLAIN =
      (part, x) ->
          switch (part) {
            case INPUT_GATE, FORGET_GATE, OUTPUT_GATE -> Ops.sigmoid(x[0]);
            case CELL_GATE, SQUASH -> Ops.tanh(x[0]);
            case FORGET, TAKE, HIDDEN -> Ops.mul(x[0], x[1]);
            case CELL -> Ops.add(x[0], x[1]);
          };

  /** The result of an operation. */
  Tensor apply(Part part, Tensor... x);

  /**
   * The states after a step.
   *
   * @param gates i, f, g, o before their functions: [batch, 4 · hidden]
   * @param cell the cell state before: [batch, hidden]
   */
  default LstmState step(Tensor gates, Tensor cell) {
    List<Tensor> parts = Ops.chunk(gates, 4, 1);
    Tensor kept = apply(Part.FORGET, apply(Part.FORGET_GATE, parts.get(1)), cell);
    Tensor input = apply(Part.INPUT_GATE, parts.get(0));
    Tensor taken = apply(Part.TAKE, input, apply(Part.CELL_GATE, parts.get(2)));
    Tensor next = apply(Part.CELL, kept, taken);
    Tensor output = apply(Part.OUTPUT_GATE, parts.get(3));
    return new LstmState(apply(Part.HIDDEN, output, apply(Part.SQUASH, next)), next);
  }
}
