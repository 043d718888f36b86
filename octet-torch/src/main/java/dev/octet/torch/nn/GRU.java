package dev.octet.torch.nn;

import dev.octet.torch.op.Recurrence;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Gated recurrent units over sequences: {@code r, z = σ(...)}, {@code n = tanh(W_in·x + b_in +
 * r·(W_hn·h + b_hn))}, {@code h' = (1 - z)·n + z·h}.
 *
 * <p>{@code call(x)} gives the output of the last layer; {@link #run} also takes and gives states.
 */
public class GRU extends RecurrentLayer {
  /** Collects the settings of a GRU. */
  public static final class Builder extends RecurrentLayer.Builder<Builder> {
    private Builder(int inputSize, int hiddenSize) {
      super(inputSize, hiddenSize);
    }

    @Override
    Builder self() {
      return this;
    }

    /**
     * The layer.
     *
     * @throws IllegalArgumentException naming a setting that is out of its range
     */
    public GRU build() {
      return Substitution.of(new GRU(this));
    }
  }

  /**
   * The products of a step: the reset gate stands between them, so they are not summed.
   *
   * @param input {@code W_ih·x + b_ih}: r, z, n as [batch, 3 · hidden_size]
   * @param hidden {@code W_hh·h + b_hh}, the same
   */
  public record Products(Tensor input, Tensor hidden) {}

  private GRU(Builder builder) {
    super(builder.recurrence(Recurrence.Kind.GRU), true);
  }

  /**
   * For subclasses that hold weights in a form of their own, compute step by step and override
   * {@link #linear}: a layer without parameters.
   *
   * @param recurrence of a GRU
   */
  protected GRU(Recurrence recurrence) {
    super(recurrence, false);
  }

  /** The same layer over the same parameters. */
  public GRU(GRU from) {
    super(from);
  }

  /** A GRU whose input has {@code inputSize} features and whose state has {@code hiddenSize}. */
  public static Builder builder(int inputSize, int hiddenSize) {
    return new Builder(inputSize, hiddenSize);
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

  /** The matrix products of a step. */
  protected StepLinear<Products> linear(int layer, boolean reverse) {
    return CellSteps.apart(weights(layer, reverse));
  }

  @Override
  final Way way(int layer, boolean reverse) {
    StepLinear<Products> linear = linear(layer, reverse);
    return new Way(
        linear,
        (input, state) -> List.of(CellSteps.gru(linear.apply(input, state.get(0)), state.get(0))));
  }
}
