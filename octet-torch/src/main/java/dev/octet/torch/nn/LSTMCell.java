package dev.octet.torch.nn;

import dev.octet.torch.op.Recurrence;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * One step of an {@link LSTM}: {@code call(x)} gives the hidden state after a step from zeros;
 * {@link #run} takes and gives both states.
 */
public class LSTMCell extends RecurrentCell {
  /** Collects the settings of an LSTM cell. */
  public static final class Builder {
    private final int inputSize;
    private final int hiddenSize;
    private boolean bias = true;

    private Builder(int inputSize, int hiddenSize) {
      this.inputSize = inputSize;
      this.hiddenSize = hiddenSize;
    }

    /** Whether the gates have biases; they do if not set. */
    public Builder bias(boolean on) {
      bias = on;
      return this;
    }

    /** The cell. */
    public LSTMCell build() {
      return Substitution.of(new LSTMCell(this));
    }
  }

  private LSTMCell(Builder builder) {
    super(Recurrence.Kind.LSTM, builder.inputSize, builder.hiddenSize, builder.bias, true);
  }

  /**
   * For subclasses that hold weights in a form of their own and override {@link #linear}: a cell
   * without parameters.
   */
  protected LSTMCell(int inputSize, int hiddenSize, boolean bias) {
    super(Recurrence.Kind.LSTM, inputSize, hiddenSize, bias, false);
  }

  /** The same cell over the same parameters. */
  public LSTMCell(LSTMCell from) {
    super(from);
  }

  /** A cell whose input has {@code inputSize} features and whose state has {@code hiddenSize}. */
  public static Builder builder(int inputSize, int hiddenSize) {
    return new Builder(inputSize, hiddenSize);
  }

  /**
   * The states after a step.
   *
   * @param input [batch, features], or [features]
   * @param state before it, the same with {@code hidden_size} features; null for zeros
   * @return owned by the scope around the call
   * @throws ModuleException if shapes or types do not fit
   */
  public final LstmState run(Tensor input, @Nullable LstmState state) {
    return inside(
        state == null ? new Tensor[] {input} : new Tensor[] {input, state.hidden(), state.cell()},
        scope -> {
          List<Tensor> next =
              advance(input, state == null ? null : List.of(state.hidden(), state.cell()));
          return new LstmState(scope.give(next.get(0)), scope.give(next.get(1)));
        });
  }

  @Override
  protected Tensor forward(Tensor input) {
    return advance(input, null).get(0);
  }

  /**
   * The gates i, f, g, o before their functions, summed: {@code W_ih·x + b_ih + W_hh·h + b_hh}.
   *
   * @return [batch, 4 · hidden_size] of a step
   */
  protected StepLinear<Tensor> linear() {
    return CellSteps.sum(weights());
  }

  /** What the step does with them. */
  protected LstmGates gates() {
    return LstmGates.PLAIN;
  }

  @Override
  final List<Tensor> step(Tensor input, List<Tensor> state) {
    LstmState next = gates().step(linear().apply(input, state.get(0)), state.get(1));
    return List.of(next.hidden(), next.cell());
  }
}
