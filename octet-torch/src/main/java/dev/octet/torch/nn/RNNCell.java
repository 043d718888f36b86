package dev.octet.torch.nn;

import dev.octet.torch.op.Recurrence;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * One step of an {@link RNN}: {@code call(x, h)} gives the state after it, {@code call(x)} that
 * after a step from zeros; x is [batch, features] or [features], h the same with {@code
 * hidden_size} features.
 */
public class RNNCell extends RecurrentCell {
  /** Collects the settings of an RNN cell. */
  public static final class Builder {
    private final int inputSize;
    private final int hiddenSize;
    private boolean bias = true;
    private RNN.Nonlinearity nonlinearity = RNN.Nonlinearity.TANH;

    private Builder(int inputSize, int hiddenSize) {
      this.inputSize = inputSize;
      this.hiddenSize = hiddenSize;
    }

    /** Whether there are biases; there are if not set. */
    public Builder bias(boolean on) {
      bias = on;
      return this;
    }

    /** The function of a step; tanh if not set. */
    public Builder nonlinearity(RNN.Nonlinearity function) {
      nonlinearity = function;
      return this;
    }

    /** The cell. */
    public RNNCell build() {
      return Substitution.of(new RNNCell(this));
    }
  }

  private final RNN.Nonlinearity nonlinearity;

  private RNNCell(Builder builder) {
    super(
        builder.nonlinearity == RNN.Nonlinearity.TANH
            ? Recurrence.Kind.RNN_TANH
            : Recurrence.Kind.RNN_RELU,
        builder.inputSize,
        builder.hiddenSize,
        builder.bias,
        true);
    nonlinearity = builder.nonlinearity;
  }

  /**
   * For subclasses that hold weights in a form of their own and override {@link #linear}: a cell
   * without parameters.
   */
  protected RNNCell(int inputSize, int hiddenSize, boolean bias, RNN.Nonlinearity nonlinearity) {
    super(
        nonlinearity == RNN.Nonlinearity.TANH ? Recurrence.Kind.RNN_TANH : Recurrence.Kind.RNN_RELU,
        inputSize,
        hiddenSize,
        bias,
        false);
    this.nonlinearity = nonlinearity;
  }

  /** The same cell over the same parameters. */
  public RNNCell(RNNCell from) {
    super(from);
    nonlinearity = from.nonlinearity;
  }

  /** A cell whose input has {@code inputSize} features and whose state has {@code hiddenSize}. */
  public static Builder builder(int inputSize, int hiddenSize) {
    return new Builder(inputSize, hiddenSize);
  }

  /** The function of a step. */
  public final RNN.Nonlinearity nonlinearity() {
    return nonlinearity;
  }

  @Override
  protected Tensor forward(Tensor[] inputs) {
    return inputs.length == 2
        ? advance(inputs[0], List.of(inputs[1])).get(0)
        : super.forward(inputs);
  }

  @Override
  protected Tensor forward(Tensor input) {
    return advance(input, null).get(0);
  }

  /** The sum that the function of a step takes. */
  protected StepLinear<Tensor> linear() {
    return CellSteps.sum(weights());
  }

  @Override
  final List<Tensor> step(Tensor input, List<Tensor> state) {
    return List.of(nonlinearity.apply(linear().apply(input, state.get(0))));
  }

  @Override
  protected String settings() {
    return super.settings()
        + (nonlinearity == RNN.Nonlinearity.RELU ? ", nonlinearity='relu'" : "");
  }
}
