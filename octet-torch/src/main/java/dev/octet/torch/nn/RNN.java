package dev.octet.torch.nn;

import dev.octet.torch.op.Ops;
import dev.octet.torch.op.Recurrence;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The plain recurrent network over sequences: {@code h' = tanh(W_ih·x + b_ih + W_hh·h + b_hh)}, or
 * relu in its place.
 *
 * <p>{@code call(x)} gives the output of the last layer; {@link #run} also takes and gives states.
 */
public class RNN extends RecurrentLayer {
  /** The function of a step. */
  public enum Nonlinearity {
    /** Hyperbolic tangent. */
    TANH,
    /** Zero below zero. */
    RELU;

    Tensor apply(Tensor sum) {
      return this == TANH ? Ops.tanh(sum) : Ops.relu(sum);
    }
  }

  /** Collects the settings of an RNN. */
  public static final class Builder extends RecurrentLayer.Builder<Builder> {
    private Nonlinearity nonlinearity = Nonlinearity.TANH;

    private Builder(int inputSize, int hiddenSize) {
      super(inputSize, hiddenSize);
    }

    @Override
    Builder self() {
      return this;
    }

    /** The function of a step; tanh if not set. */
    public Builder nonlinearity(Nonlinearity function) {
      nonlinearity = function;
      return this;
    }

    /**
     * The layer.
     *
     * @throws IllegalArgumentException naming a setting that is out of its range
     */
    public RNN build() {
      return Substitution.of(new RNN(this));
    }
  }

  private RNN(Builder builder) {
    super(
        builder.recurrence(
            builder.nonlinearity == Nonlinearity.TANH
                ? Recurrence.Kind.RNN_TANH
                : Recurrence.Kind.RNN_RELU),
        true);
  }

  /** The same layer over the same parameters. */
  public RNN(RNN from) {
    super(from);
  }

  /** An RNN whose input has {@code inputSize} features and whose state has {@code hiddenSize}. */
  public static Builder builder(int inputSize, int hiddenSize) {
    return new Builder(inputSize, hiddenSize);
  }

  /** The function of a step. */
  public final Nonlinearity nonlinearity() {
    return recurrence().kind() == Recurrence.Kind.RNN_TANH ? Nonlinearity.TANH : Nonlinearity.RELU;
  }

  /**
   * Output and state.
   *
   * @param input [time, batch, features], [batch, time, features] if {@code batchFirst}, or one
   *     sequence [time, features]
   * @param hidden to start from, [num_layers · directions, batch, hidden_size], no batch where the
   *     input has none; null for zeros
   * @return in the layout of the input, owned by the scope around the call
   * @throws ModuleException if shapes or types do not fit
   */
  public final RecurrentOutput<Tensor> run(Tensor input, @Nullable Tensor hidden) {
    return inside(
        hidden == null ? new Tensor[] {input} : new Tensor[] {input, hidden},
        scope -> {
          List<Tensor> made = padded(input, hidden == null ? null : List.of(hidden));
          return new RecurrentOutput<>(scope.give(made.get(0)), scope.give(made.get(1)));
        });
  }

  /**
   * Output and state of packed sequences, the state in the order of the batch that was packed.
   *
   * @param hidden to start from, in the same order; null for zeros
   */
  public final RecurrentOutput<PackedSequence> run(PackedSequence input, @Nullable Tensor hidden) {
    return inside(
        hidden == null ? new Tensor[] {input.data()} : new Tensor[] {input.data(), hidden},
        scope -> {
          List<Tensor> made = packed(input, hidden == null ? null : List.of(hidden));
          return new RecurrentOutput<>(
              input.with(scope.give(made.get(0))), scope.give(made.get(1)));
        });
  }

  /** The sum that the function of a step takes. */
  protected StepLinear<Tensor> linear(int layer, boolean reverse) {
    return CellSteps.sum(weights(layer, reverse));
  }

  @Override
  final Way way(int layer, boolean reverse) {
    StepLinear<Tensor> linear = linear(layer, reverse);
    Nonlinearity function = nonlinearity();
    return new Way(
        linear, (input, state) -> List.of(function.apply(linear.apply(input, state.get(0)))));
  }

  @Override
  protected String settings() {
    return super.settings() + (nonlinearity() == Nonlinearity.RELU ? ", nonlinearity='relu'" : "");
  }
}
