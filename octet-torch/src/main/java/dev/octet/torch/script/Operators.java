package dev.octet.torch.script;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which operators there are and what each is in ONNX, by their names without overload: a rule looks
 * at the arguments it got.
 */
final class Operators {

  /** Writes one call into the graph and binds its results. */
  @FunctionalInterface
  interface Rule {
    void apply(Call call);
  }

  /** Operators whose result follows from their arguments' shapes and types alone. */
  private static final Set<String> SHAPES_ONLY =
      Set.of(
          "zeros_like",
          "ones_like",
          "full_like",
          "empty_like",
          "new_zeros",
          "new_ones",
          "new_full",
          "new_empty",
          "zero_",
          "size",
          "sym_size",
          "dim",
          "numel",
          "len",
          "is_floating_point",
          "is_complex",
          "is_contiguous",
          "stride",
          "dtype",
          "device",
          "layout",
          "is_cuda",
          "is_cpu",
          "is_mps",
          "is_xla",
          "is_mkldnn",
          "is_quantized",
          "is_sparse",
          "requires_grad",
          "ndim",
          "shape",
          "is_nested",
          "is_leaf");

  /** Operators that make a number of a tensor's content. */
  private static final Set<String> VALUE_READERS =
      Set.of(
          "item",
          "Int",
          "Float",
          "Bool",
          "Complex",
          "ScalarImplicit",
          "IntImplicit",
          "FloatImplicit",
          "is_nonzero",
          "equal",
          "allclose",
          "tolist",
          "nonzero",
          "masked_select",
          "unique",
          "bincount",
          "__contains__");

  /** Further operators that may run on constants, all of which check their arguments. */
  private static final Set<String> CONSTANTS =
      Set.of(
          "zeros",
          "ones",
          "full",
          "empty",
          "arange",
          "linspace",
          "eye",
          "tensor",
          "scalar_tensor",
          "NumToTensor",
          "as_tensor",
          "meshgrid",
          "outer",
          "triu_indices",
          "tril_indices",
          "floordiv",
          "mod",
          "format",
          "percentFormat",
          "ord",
          "str",
          "startswith",
          "endswith",
          "lower",
          "upper",
          "strip",
          "join",
          "split",
          "list",
          "range",
          "is_scripting",
          "is_tracing",
          "is_autocast_enabled",
          "is_autocast_cpu_enabled",
          "copy",
          "get_device",
          "__not__",
          "__and__",
          "__or__",
          "__xor__",
          "__lshift__",
          "__rshift__",
          "__derive_index",
          "__range_length",
          "warn",
          "sorted",
          "sort",
          "index",
          "count",
          "slice",
          "mul",
          "eq",
          "ne",
          "degrees",
          "radians",
          "fmod",
          "copysign",
          "is_inference",
          "promote_types",
          "result_type",
          "can_cast",
          "broadcast_tensors",
          "infer_size",
          "max",
          "min",
          "any",
          "all");

  private static final Map<String, Rule> RULES = new HashMap<>();

  static {
    ArithmeticOperators.register(RULES);
    ReductionOperators.register(RULES);
    LayerOperators.register(RULES);
    PoolOperators.register(RULES);
    ShapeOperators.register(RULES);
    IndexOperators.register(RULES);
    RecurrentOperators.register(RULES);
    AttentionOperators.register(RULES);
    FakeQuantOperators.register(RULES);
  }

  private Operators() {}

  /** How operator {@code name}, without the mark of the in-place form, is written; or null. */
  static @Nullable Rule rule(String name) {
    return RULES.get(name);
  }

  /** Whether it may run, if only on constants. */
  static boolean runsOnConstants(String name) {
    return CONSTANTS.contains(name)
        || SHAPES_ONLY.contains(name)
        || SHAPES_ONLY.contains(name + "_")
        || VALUE_READERS.contains(name)
        || assumed(name) != null;
  }

  static boolean needsShapesOnly(String name) {
    return SHAPES_ONLY.contains(name);
  }

  static boolean readsValues(String name) {
    return VALUE_READERS.contains(name);
  }

  /** Whether its place in the graph counts even where all its arguments are constant. */
  static boolean alwaysWritten(String name) {
    return name.startsWith("fake_quantize_") || name.startsWith("fused_moving_avg");
  }

  /**
   * What an operator that asks for the state of the process is taken to return: as if gradients
   * were on, which keeps attention out of its fused form.
   */
  static @Nullable Object assumed(String name) {
    return switch (name) {
      case "is_grad_enabled" -> true;
      case "has_torch_function" -> false;
      default -> null;
    };
  }
}
