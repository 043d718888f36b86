package dev.octet.torch.graph;

import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The operators that are known, and what of them is not. */
final class Operators {
  private static final Map<String, Kernel> KERNELS = new HashMap<>();

  static {
    for (Map<String, Kernel> family :
        List.of(
            Elementwise.KERNELS,
            Layers.KERNELS,
            Pooling.KERNELS,
            Reductions.KERNELS,
            Movement.KERNELS,
            Resizing.KERNELS,
            Recurrent.KERNELS,
            Quantizers.KERNELS)) {
      KERNELS.putAll(family);
    }
  }

  private Operators() {}

  static Kernel kernel(Node node) {
    Kernel found = KERNELS.get(node.op());
    if (found == null) {
      throw new IllegalStateException("operator " + node.op() + " was not refused");
    }
    return found;
  }

  /** Why a node cannot be computed, or null where it can. */
  static @Nullable String refusal(Node node) {
    if (!node.domain().isEmpty()) {
      return "operators of domain '" + node.domain() + "' are not known";
    }
    if (!KERNELS.containsKey(node.op())) {
      return "the operator is not known";
    }
    return switch (node.op()) {
      case "MaxPool" -> reads(node, 1) ? "its indices are read" : null;
      case "LayerNormalization" ->
          reads(node, 1) || reads(node, 2) ? "its statistics are read" : null;
      case "BatchNormalization" ->
          node.outputs().stream().skip(1).anyMatch(out -> out != null && isRead(out))
              ? "its statistics are read"
              : node.intAttribute("spatial", 1) != 1 ? "spatial is 0" : null;
      case "AveragePool" ->
          node.intsAttribute("dilations", List.of()).stream().anyMatch(d -> d != 1)
              ? "its windows are dilated"
              : null;
      case "Resize" ->
          node.intAttribute("antialias", 0) != 0
                  || !node.stringAttribute("keep_aspect_ratio_policy", "stretch").equals("stretch")
                  || node.stringAttribute("coordinate_transformation_mode", "")
                      .equals("tf_crop_and_resize")
              ? "antialias, keep_aspect_ratio_policy and tf_crop_and_resize are not known"
              : null;
      case "LSTM", "GRU", "RNN" ->
          Recurrent.knowsActivations(node) ? null : "its activations are not known";
      case "QuantizeLinear", "DequantizeLinear" -> integers(node);
      default -> null;
    };
  }

  private static boolean reads(Node node, int output) {
    Value value = output < node.outputs().size() ? node.outputs().get(output) : null;
    return value != null && isRead(value);
  }

  private static boolean isRead(Value value) {
    return !value.uses().isEmpty() || value.isOutput();
  }

  private static @Nullable String integers(Node node) {
    Value zero = node.input(2);
    if (zero != null && zero.initializer() == null) {
      return "its zero point is not constant";
    }
    Tensor zeros = zero == null ? null : zero.initializer();
    if (zeros != null && (zeros.type().isFloat() || zeros.type().bits() < 8)) {
      return "integers of type " + zeros.type() + " are not known";
    }
    Value data = node.input(0);
    Tensor codes = data == null ? null : data.initializer();
    return codes != null && codes.type() != DataType.FLOAT && codes.type().bits() < 8
        ? "integers of type " + codes.type() + " are not known"
        : null;
  }
}
