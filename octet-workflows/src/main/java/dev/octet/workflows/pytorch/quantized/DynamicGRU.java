package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.nn.GRU;
import dev.octet.torch.nn.StepLinear;
import dev.octet.torch.op.Recurrence;
import java.util.Map;

/**
 * A {@link GRU} whose matrix products quantize what they are given in each call; gates and states
 * stay float. Its children {@code ih_l0}, {@code hh_l0}, ..., {@code hh_l1_reverse} are the
 * products.
 *
 * <p>Called by itself, the products run on the engine one by one; in a compiled model, where a
 * trace holds the nodes of as many steps as its example has, all of it does.
 */
public final class DynamicGRU extends GRU implements Quantized {
  static final String KIND = "DynamicGRU";

  private final Map<String, DynamicProducts> products;

  DynamicGRU(GRU from, DynamicSpec.Settings settings) {
    this(from.recurrence(), DynamicProducts.of(from.recurrence(), from::weights, settings));
  }

  private DynamicGRU(Recurrence recurrence, Map<String, DynamicProducts> products) {
    super(recurrence);
    this.products = products;
    products.forEach((suffix, made) -> made.under(this::attach, suffix));
    eval();
  }

  static DynamicGRU of(Parts parts) {
    Recurrence recurrence = Description.need(parts.description().recurrence(), "recurrence");
    if (recurrence.kind() != Recurrence.Kind.GRU || recurrence.projSize() != 0) {
      throw new IllegalArgumentException(recurrence + " is no GRU of this kind");
    }
    return new DynamicGRU(recurrence, DynamicProducts.of(recurrence, parts));
  }

  @Override
  protected boolean isStepwise() {
    return true;
  }

  @Override
  protected StepLinear<GRU.Products> linear(int layer, boolean reverse) {
    DynamicProducts found = products.get(Recurrence.suffix(layer, reverse));
    if (found == null) {
      throw new IllegalArgumentException("there is no layer " + layer);
    }
    return found.apart();
  }

  /** What this module is. */
  Description describe() {
    return new Description.Builder(KIND).recurrence(recurrence()).build();
  }

  @Override
  protected String extraState() {
    return describe().text();
  }

  @Override
  protected void loadExtraState(String text) {
    Description.requireSame(text, describe());
  }
}
