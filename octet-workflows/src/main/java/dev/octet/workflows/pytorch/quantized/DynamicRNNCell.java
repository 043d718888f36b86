package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.nn.RNN;
import dev.octet.torch.nn.RNNCell;
import dev.octet.torch.nn.StepLinear;
import dev.octet.torch.op.Recurrence;
import org.bytedeco.pytorch.Tensor;

/**
 * An {@link RNNCell} whose matrix products quantize what they are given in each call. Its children
 * {@code ih} and {@code hh} are the products.
 */
public final class DynamicRNNCell extends RNNCell implements Quantized {
  static final String KIND = "DynamicRNNCell";

  private final DynamicProducts products;

  DynamicRNNCell(RNNCell from, DynamicSpec.Settings settings) {
    super(from.inputSize(), from.hiddenSize(), from.hasBias(), from.nonlinearity());
    products = DynamicProducts.of(from.weights(), settings).under(this::attach, "");
  }

  private DynamicRNNCell(Recurrence recurrence, Parts parts) {
    super(
        recurrence.inputSize(),
        recurrence.hiddenSize(),
        recurrence.bias(),
        Description.nonlinearity(recurrence));
    products = DynamicProducts.of(parts, "").under(this::attach, "");
  }

  static DynamicRNNCell of(Parts parts) {
    return new DynamicRNNCell(
        Description.need(parts.description().recurrence(), "recurrence"), parts);
  }

  @Override
  protected StepLinear<Tensor> linear() {
    return products.summedStep();
  }

  @Override
  protected Description extraState() {
    return new Description.Builder(KIND)
        .cell(
            nonlinearity() == RNN.Nonlinearity.RELU
                ? Recurrence.Kind.RNN_RELU
                : Recurrence.Kind.RNN_TANH,
            inputSize(),
            hiddenSize(),
            hasBias())
        .build();
  }
}
