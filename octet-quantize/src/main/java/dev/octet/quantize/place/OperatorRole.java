package dev.octet.quantize.place;

import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import java.util.Map;
import java.util.Set;

/** What an operator means to placement. */
enum OperatorRole {
  /** Multiplies by weights (or two activations) and sums: where integer arithmetic pays. */
  COMPUTE,
  /** Adds or multiplies two activations; takes part when both already are integers. */
  BINARY,
  /** Only moves or selects values, so that its outputs share the parameters of its input. */
  PASS_THROUGH,
  /** Joins several inputs into one value; all of them share parameters. */
  CONCAT,
  /** Averages: stays within its input's range but has parameters of its own. */
  AVERAGE,
  /** Cuts off values; part of the unit that computes them when nobody else reads those. */
  ACTIVATION,
  /** Looks rows up in a table of weights. */
  LOOKUP,
  /** A recurrent layer, whose weights alone are stored as integers. */
  RECURRENT,
  /** Everything else: computed in float. */
  FLOAT;

  private static final Map<String, OperatorRole> BY_OPERATOR =
      Map.ofEntries(
          Map.entry("Conv", COMPUTE),
          Map.entry("ConvTranspose", COMPUTE),
          Map.entry("Gemm", COMPUTE),
          Map.entry("MatMul", COMPUTE),
          Map.entry("Add", BINARY),
          Map.entry("Mul", BINARY),
          Map.entry("MaxPool", PASS_THROUGH),
          Map.entry("Reshape", PASS_THROUGH),
          Map.entry("Flatten", PASS_THROUGH),
          Map.entry("Transpose", PASS_THROUGH),
          Map.entry("Squeeze", PASS_THROUGH),
          Map.entry("Unsqueeze", PASS_THROUGH),
          Map.entry("Slice", PASS_THROUGH),
          Map.entry("Split", PASS_THROUGH),
          Map.entry("Expand", PASS_THROUGH),
          Map.entry("Tile", PASS_THROUGH),
          Map.entry("DepthToSpace", PASS_THROUGH),
          Map.entry("SpaceToDepth", PASS_THROUGH),
          Map.entry("Identity", PASS_THROUGH),
          Map.entry("Concat", CONCAT),
          Map.entry("AveragePool", AVERAGE),
          Map.entry("GlobalAveragePool", AVERAGE),
          Map.entry("Relu", ACTIVATION),
          Map.entry("Clip", ACTIVATION),
          Map.entry("LSTM", RECURRENT),
          Map.entry("GRU", RECURRENT),
          Map.entry("RNN", RECURRENT));

  /**
   * Data-moving operators whose other inputs and attributes decide whether zero is all they add.
   */
  private static final Set<String> CONDITIONAL = Set.of("Pad", "Gather", "Resize");

  static OperatorRole of(Node node) {
    if (!node.domain().isEmpty()) {
      return FLOAT;
    }
    return CONDITIONAL.contains(node.op())
        ? conditional(node)
        : BY_OPERATOR.getOrDefault(node.op(), FLOAT);
  }

  private static OperatorRole conditional(Node node) {
    return switch (node.op()) {
      case "Pad" -> padsWithZero(node) ? PASS_THROUGH : FLOAT;
      case "Gather" -> constantFloat(node) ? LOOKUP : PASS_THROUGH;
      default -> copiesNearest(node) ? PASS_THROUGH : FLOAT;
    };
  }

  /** Zero is exactly representable under every parameter, so padding with it changes no range. */
  private static boolean padsWithZero(Node pad) {
    if (!pad.stringAttribute("mode", "constant").equals("constant")) {
      return true;
    }
    var value = pad.input(2);
    if (value == null) {
      return pad.floatAttribute("value", 0) == 0;
    }
    var constant = value.constant();
    return constant != null
        && constant.type() == DataType.FLOAT
        && constant.elementCount() == 1
        && constant.toFloats()[0] == 0;
  }

  /** What lies outside the input is another number only with crops, and zero unless it is named. */
  private static boolean copiesNearest(Node resize) {
    return resize.stringAttribute("mode", "nearest").equals("nearest")
        && resize.floatAttribute("extrapolation_value", 0) == 0;
  }

  private static boolean constantFloat(Node gather) {
    var data = gather.input(0);
    return data != null && data.constant() != null && data.constant().type().isFloat();
  }
}
