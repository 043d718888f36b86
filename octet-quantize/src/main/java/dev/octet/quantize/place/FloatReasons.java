package dev.octet.quantize.place;

import dev.octet.graph.Node;
import java.util.Map;
import java.util.Set;

/** Why an operator that placement has no integer form for stays float, in words for a report. */
final class FloatReasons {
  private static final Map<String, String> BY_OPERATOR =
      Map.ofEntries(
          Map.entry("Softmax", "softmax loses its small probabilities in 8 bits"),
          Map.entry("LogSoftmax", "softmax loses its small probabilities in 8 bits"),
          Map.entry("LayerNormalization", "normalization needs the precision of float"),
          Map.entry("InstanceNormalization", "normalization needs the precision of float"),
          Map.entry("GroupNormalization", "normalization needs the precision of float"),
          Map.entry(
              "BatchNormalization", "it does not follow a convolution it could be folded into"),
          Map.entry("Gelu", "GELU needs the precision of float"),
          Map.entry("Erf", "GELU needs the precision of float"));

  private static final Set<String> SHAPE_ARITHMETIC =
      Set.of("Shape", "Size", "Range", "ConstantOfShape", "Constant", "Cast", "NonZero", "Where");

  private static final Set<String> CONTROL_FLOW = Set.of("If", "Loop", "Scan");

  private FloatReasons() {}

  static String of(Node node) {
    if (!node.domain().isEmpty()) {
      return "operators of domain '" + node.domain() + "' are left as they are";
    }
    if (CONTROL_FLOW.contains(node.op())) {
      return "nested graphs are left as they are";
    }
    if (SHAPE_ARITHMETIC.contains(node.op())) {
      return "it works on shapes, indices or types";
    }
    return BY_OPERATOR.getOrDefault(node.op(), "no integer form of " + node.op() + " is used");
  }
}
