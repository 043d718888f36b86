package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.MultiheadAttention;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;

/**
 * A {@link MultiheadAttention} whose projections are modules: the children {@code q_proj}, {@code
 * k_proj}, {@code v_proj} and {@code out_proj}, in the place of the joint weight.
 */
abstract class ProjectedAttention extends MultiheadAttention {
  static final String OUT = "out_proj";

  private final Map<Projection, Child<Module>> projections = new EnumMap<>(Projection.class);

  /**
   * An attention with the settings of another.
   *
   * @param out takes the place of {@code out_proj}, which stays the other's
   */
  ProjectedAttention(MultiheadAttention like, Function<Projection, Module> make, Module out) {
    super(like);
    for (Projection which : Projection.values()) {
      projections.put(which, child(name(which), make.apply(which)));
    }
    replace(OUT, out);
    removeParameter("in_proj_weight");
    removeParameter("in_proj_bias");
  }

  static String name(Projection which) {
    return which.name().toLowerCase(Locale.ROOT).charAt(0) + "_proj";
  }

  /** A layer of the model in whose place a file has an attention. */
  static MultiheadAttention like(Module layer) {
    if (!(layer instanceof MultiheadAttention attention)) {
      throw new IllegalArgumentException(
          "the model has " + layer + " where the file has an attention");
    }
    return attention;
  }

  @Override
  protected Tensor projected(Projection which, Tensor x) {
    return Objects.requireNonNull(projections.get(which)).call(x);
  }

  /** What this module is. */
  @Override
  protected abstract Description extraState();
}
