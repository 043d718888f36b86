package dev.octet.torch.nn;

import dev.octet.torch.op.Recurrence;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * One step of a {@link GRU}: {@code call(x, h)} gives the state after it, {@code call(x)} that
 * after a step from zeros; x is [batch, features] or [features], h the same with {@code
 * hidden_size} features.
 */
public class GRUCell extends RecurrentCell {
  /** Collects the settings of a GRU cell. */
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
    public GRUCell build() {
      return Substitution.of(new GRUCell(this));
    }
  }

  private GRUCell(Builder builder) {
    super(Recurrence.Kind.GRU, builder.inputSize, builder.hiddenSize, builder.bias, true);
  }

  /**
   * For subclasses that hold weights in a form of their own and override {@link #linear}: a cell
   * without parameters.
   */
  protected GRUCell(int inputSize, int hiddenSize, boolean bias) {
    super(Recurrence.Kind.GRU, inputSize, hiddenSize, bias, false);
  }

  /** The same cell over the same parameters. */
  public GRUCell(GRUCell from) {
    super(from);
  }

  /** A cell whose input has {@code inputSize} features and whose state has {@code hiddenSize}. */
  public static Builder builder(int inputSize, int hiddenSize) {
    return new Builder(inputSize, hiddenSize);
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

  /** The matrix products of a step. */
  protected StepLinear<GRU.Products> linear() {
    return CellSteps.apart(weights());
  }

  @Override
  final List<Tensor> step(Tensor input, List<Tensor> state) {
    return List.of(CellSteps.gru(linear().apply(input, state.get(0)), state.get(0)));
  }
}
