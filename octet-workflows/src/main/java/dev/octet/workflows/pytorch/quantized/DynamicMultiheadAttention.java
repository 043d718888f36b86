package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.MultiheadAttention;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * A {@link MultiheadAttention} whose projections quantize what they are given in each call; the
 * products of scores and values stay float. Its children {@code q_proj}, {@code k_proj}, {@code
 * v_proj} and {@code out_proj} are the projections.
 */
public final class DynamicMultiheadAttention extends MultiheadAttention implements Quantized {
  static final String KIND = "DynamicMultiheadAttention";

  private static final String OUT = "out_proj";

  private final Map<Projection, DynamicLinear> projections = new EnumMap<>(Projection.class);

  DynamicMultiheadAttention(MultiheadAttention from, DynamicSpec.Settings settings) {
    super(from);
    for (Projection which : Projection.values()) {
      add(which, DynamicProducts.linear(from.weight(which), from.bias(which), settings, false));
    }
    Module out = from.get(OUT);
    if (out.getClass() == Linear.class) {
      Linear linear = (Linear) out;
      replace(OUT, DynamicProducts.linear(linear.weight(), linear.bias(), settings, false));
    }
    withoutFloats();
  }

  private DynamicMultiheadAttention(MultiheadAttention like, Parts parts) {
    super(like);
    for (Projection which : Projection.values()) {
      add(which, DynamicLinear.of(parts.child(name(which))));
    }
    replace(OUT, DynamicLinear.of(parts.child(OUT)));
    withoutFloats();
  }

  static DynamicMultiheadAttention of(Parts parts, Module like) {
    if (!(like instanceof MultiheadAttention attention)) {
      throw new IllegalArgumentException(
          "the model has " + like + " where the file has an attention");
    }
    return new DynamicMultiheadAttention(attention, parts);
  }

  private static String name(Projection which) {
    return which.name().toLowerCase(Locale.ROOT).charAt(0) + "_proj";
  }

  private void add(Projection which, DynamicLinear made) {
    child(name(which), made);
    projections.put(which, made);
  }

  private void withoutFloats() {
    removeParameter("in_proj_weight");
    removeParameter("in_proj_bias");
  }

  @Override
  protected Tensor projected(Projection which, Tensor x) {
    DynamicLinear found = projections.get(which);
    return found == null ? super.projected(which, x) : found.call(x);
  }

  /** What this module is. */
  Description describe() {
    return new Description.Builder(KIND).build();
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
