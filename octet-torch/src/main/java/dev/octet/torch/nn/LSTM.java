package dev.octet.torch.nn;

import dev.octet.torch.op.Ops;
import dev.octet.torch.op.Recurrence;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Long short-term memory over sequences: {@code i, f, o = σ(...)}, {@code g = tanh(...)}, {@code c'
 * = f·c + i·g}, {@code h' = o·tanh(c')}, each gate a linear function of input and hidden state.
 *
 * <p>{@code call(x)} gives the output of the last layer; {@link #run} also takes and gives states.
 */
public class LSTM extends RecurrentLayer {
  /** Collects the settings of an LSTM. */
  public static final class Builder extends RecurrentLayer.Builder<Builder> {
    private Builder(int inputSize, int hiddenSize) {
      super(inputSize, hiddenSize);
    }

    @Override
    Builder self() {
      return this;
    }

    /**
     * Features that each hidden state is projected to, below {@code hiddenSize}; no projection if
     * not set. A trace then holds the nodes of every step: ONNX's LSTM has no projection.
     */
    public Builder projSize(int size) {
      project(size);
      return this;
    }

    /**
     * The layer.
     *
     * @throws IllegalArgumentException naming a setting that is out of its range
     */
    public LSTM build() {
      return Substitution.of(new LSTM(this));
    }
  }

  private LSTM(Builder builder) {
    super(builder.recurrence(Recurrence.Kind.LSTM), true);
  }

  /**
   * For subclasses that hold weights in a form of their own, compute step by step and override
   * {@link #linear}: a layer without parameters.
   *
   * @param recurrence of an LSTM, without a projection
   */
  protected LSTM(Recurrence recurrence) {
    super(recurrence, false);
  }

  /** The same layer over the same parameters. */
  public LSTM(LSTM from) {
    super(from);
  }

  /** An LSTM whose input has {@code inputSize} features and whose state has {@code hiddenSize}. */
  public static Builder builder(int inputSize, int hiddenSize) {
    return new Builder(inputSize, hiddenSize);
  }

  /**
   * Output and states.
   *
   * @param input [time, batch, features], [batch, time, features] if {@code batchFirst}, or one
   *     sequence [time, features]
   * @param state to start from; null for zeros
   * @return in the layout of the input, owned by the scope around the call
   * @throws ModuleException if shapes or types do not fit
   */
  public final LstmOutput<Tensor> run(Tensor input, @Nullable LstmState state) {
    return inside(
        state == null ? new Tensor[] {input} : new Tensor[] {input, state.hidden(), state.cell()},
        scope -> {
          List<Tensor> made = padded(input, list(state));
          return new LstmOutput<>(
              scope.give(made.get(0)), scope.give(made.get(1)), scope.give(made.get(2)));
        });
  }

  /**
   * Output and states of packed sequences, the states in the order of the batch that was packed.
   *
   * @param state to start from, in the same order; null for zeros
   */
  public final LstmOutput<PackedSequence> run(PackedSequence input, @Nullable LstmState state) {
    return inside(
        state == null
            ? new Tensor[] {input.data()}
            : new Tensor[] {input.data(), state.hidden(), state.cell()},
        scope -> {
          List<Tensor> made = packed(input, list(state));
          return new LstmOutput<>(
              input.with(scope.give(made.get(0))),
              scope.give(made.get(1)),
              scope.give(made.get(2)));
        });
  }

  /**
   * The gates i, f, g, o before their functions, summed: {@code W_ih·x + b_ih + W_hh·h + b_hh}.
   *
   * @return [batch, 4 · hidden_size] of a step
   */
  protected StepLinear<Tensor> linear(int layer, boolean reverse) {
    return CellSteps.sum(weights(layer, reverse));
  }

  /** What a step does with them, where steps are computed one by one. */
  protected LstmGates gates(int layer, boolean reverse) {
    return LstmGates.PLAIN;
  }

  /** The projection of a step's hidden state; called only where there is one. */
  protected Tensor project(Tensor hidden, Tensor weight, int layer, boolean reverse) {
    return Ops.linear(hidden, weight, null);
  }

  @Override
  final Way way(int layer, boolean reverse) {
    StepLinear<Tensor> linear = linear(layer, reverse);
    LstmGates gates = gates(layer, reverse);
    Tensor projection = recurrence().projSize() == 0 ? null : weights(layer, reverse).hr();
    return new Way(
        linear,
        (input, state) -> {
          LstmState next = gates.step(linear.apply(input, state.get(0)), state.get(1));
          Tensor hidden =
              projection == null
                  ? next.hidden()
                  : project(next.hidden(), projection, layer, reverse);
          return List.of(hidden, next.cell());
        });
  }

  private static @Nullable List<Tensor> list(@Nullable LstmState state) {
    return state == null ? null : List.of(state.hidden(), state.cell());
  }
}
