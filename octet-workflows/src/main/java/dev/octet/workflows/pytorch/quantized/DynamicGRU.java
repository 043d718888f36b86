package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.nn.GRU;
import dev.octet.torch.nn.StepLinear;
import dev.octet.torch.op.Recurrence;
import dev.octet.torch.op.StoredWeight;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A {@link GRU} whose matrix products quantize what they are given in each call; gates and states
 * stay float. Its children {@code ih_l0}, {@code hh_l0}, ..., {@code hh_l1_reverse} are the
 * products.
 *
 * <p>Called by itself, the products run on the engine one by one; in a compiled model all of it
 * does. A trace holds the nodes of as many steps as its example has. Layers of less than 384
 * features in the state, and those of 16-bit floats, are one node there that takes any length: its
 * weights are stored as they are here, its products are floats, since small products of integers
 * take longer than those.
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
    Recurrence recurrence = DynamicProducts.recurrence(parts, Recurrence.Kind.GRU);
    return new DynamicGRU(recurrence, DynamicProducts.of(recurrence, parts));
  }

  @Override
  protected boolean isStepwise() {
    return true;
  }

  @Override
  protected StepLinear<GRU.Products> linear(int layer, boolean reverse) {
    return DynamicProducts.at(products, layer, reverse).apart();
  }

  @Override
  protected @Nullable List<StoredWeight> traced() {
    return DynamicProducts.traced(recurrence(), products);
  }

  @Override
  protected Description extraState() {
    return new Description.Builder(KIND).recurrence(recurrence()).build();
  }
}
