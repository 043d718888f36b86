package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.nn.LSTMCell;
import dev.octet.torch.nn.StepLinear;
import dev.octet.torch.op.Recurrence;
import org.bytedeco.pytorch.Tensor;

/**
 * An {@link LSTMCell} whose matrix products quantize what they are given in each call. Its children
 * {@code ih} and {@code hh} are the products.
 */
public final class DynamicLSTMCell extends LSTMCell implements Quantized {
  static final String KIND = "DynamicLSTMCell";

  private final DynamicProducts products;

  DynamicLSTMCell(LSTMCell from, DynamicSpec.Settings settings) {
    super(from.inputSize(), from.hiddenSize(), from.hasBias());
    products = DynamicProducts.of(from.weights(), settings).under(this::attach, "");
  }

  private DynamicLSTMCell(Recurrence recurrence, Parts parts) {
    super(recurrence.inputSize(), recurrence.hiddenSize(), recurrence.bias());
    products = DynamicProducts.of(parts, "").under(this::attach, "");
  }

  static DynamicLSTMCell of(Parts parts) {
    return new DynamicLSTMCell(
        Description.need(parts.description().recurrence(), "recurrence"), parts);
  }

  @Override
  protected StepLinear<Tensor> linear() {
    return products.summedStep();
  }

  @Override
  protected Description extraState() {
    return new Description.Builder(KIND)
        .cell(Recurrence.Kind.LSTM, inputSize(), hiddenSize(), hasBias())
        .build();
  }
}
