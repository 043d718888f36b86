package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.nn.GRU;
import dev.octet.torch.nn.GRUCell;
import dev.octet.torch.nn.StepLinear;
import dev.octet.torch.op.Recurrence;

/**
 * A {@link GRUCell} whose matrix products quantize what they are given in each call. Its children
 * {@code ih} and {@code hh} are the products.
 */
public final class DynamicGRUCell extends GRUCell implements Quantized {
  static final String KIND = "DynamicGRUCell";

  private final DynamicProducts products;

  DynamicGRUCell(GRUCell from, DynamicSpec.Settings settings) {
    super(from.inputSize(), from.hiddenSize(), from.hasBias());
    products = DynamicProducts.of(from.weights(), settings).under(this::attach, "");
  }

  private DynamicGRUCell(Recurrence recurrence, Parts parts) {
    super(recurrence.inputSize(), recurrence.hiddenSize(), recurrence.bias());
    products = DynamicProducts.of(parts, "").under(this::attach, "");
  }

  static DynamicGRUCell of(Parts parts) {
    return new DynamicGRUCell(
        Description.need(parts.description().recurrence(), "recurrence"), parts);
  }

  @Override
  protected StepLinear<GRU.Products> linear() {
    return products.apartStep();
  }

  @Override
  protected Description extraState() {
    return new Description.Builder(KIND)
        .cell(Recurrence.Kind.GRU, inputSize(), hiddenSize(), hasBias())
        .build();
  }
}
