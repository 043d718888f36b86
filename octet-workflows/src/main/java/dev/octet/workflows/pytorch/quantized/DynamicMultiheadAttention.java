package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.MultiheadAttention;

/**
 * A {@link MultiheadAttention} whose projections quantize what they are given in each call; the
 * products of scores and values stay float. Its children {@code q_proj}, {@code k_proj}, {@code
 * v_proj} and {@code out_proj} are the projections.
 */
public final class DynamicMultiheadAttention extends ProjectedAttention implements Quantized {
  static final String KIND = "DynamicMultiheadAttention";

  DynamicMultiheadAttention(MultiheadAttention from, DynamicSpec.Settings settings) {
    super(
        from,
        which -> DynamicProducts.linear(from.weight(which), from.bias(which), settings, false),
        out(from.get(OUT), settings));
  }

  private DynamicMultiheadAttention(MultiheadAttention like, Parts parts) {
    super(
        like,
        which -> DynamicLinear.of(parts.child(name(which))),
        DynamicLinear.of(parts.child(OUT)));
  }

  private static Module out(Module from, DynamicSpec.Settings settings) {
    return from.getClass() == Linear.class ? QuantizedModules.dynamic(from, settings, false) : from;
  }

  static DynamicMultiheadAttention of(Parts parts, Module layer) {
    return new DynamicMultiheadAttention(like(layer), parts);
  }

  @Override
  protected Description extraState() {
    return new Description.Builder(KIND).build();
  }
}
