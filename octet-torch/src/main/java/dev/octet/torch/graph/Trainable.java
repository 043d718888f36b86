package dev.octet.torch.graph;

import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Which constants of a graph belong to its state, by what reads them. */
enum Trainable {
  /** Weights, biases, factors of normalization, tables: gradients change them. */
  PARAMETER,
  /** Running statistics of BatchNormalization. */
  STATISTIC,
  /** Integers behind a DequantizeLinear that stand for weights: their real values are trained. */
  CODES;

  /** Sums with such numbers mask values out. */
  private static final float LARGEST_WEIGHT = 1e4f;

  private static final Set<String> MOVES =
      Set.of(
          "Identity",
          "Reshape",
          "Transpose",
          "Squeeze",
          "Unsqueeze",
          "Flatten",
          "Expand",
          "Cast",
          "Slice",
          "Tile",
          "QuantizeLinear",
          "DequantizeLinear");

  /** In the order of the file. */
  static Map<Value, Trainable> of(Graph graph) {
    Map<Value, Trainable> found = new LinkedHashMap<>();
    for (Value value : graph.values()) {
      Tensor tensor = value.initializer();
      if (tensor == null) {
        continue;
      }
      if (value.uses().stream().anyMatch(Trainable::isStatistic)) {
        found.put(value, STATISTIC);
      } else if (isCodes(value, tensor)) {
        found.put(value, CODES);
      } else if (isFloat(tensor) && isWeight(value, tensor)) {
        found.put(value, PARAMETER);
      }
    }
    return found;
  }

  private static boolean isFloat(Tensor tensor) {
    return switch (tensor.type()) {
      case FLOAT, DOUBLE, FLOAT16, BFLOAT16 -> tensor.elementCount() > 0;
      default -> false;
    };
  }

  private static boolean isStatistic(Value.Use use) {
    return use.node().is("BatchNormalization") && use.index() >= 3;
  }

  private static boolean isCodes(Value value, Tensor tensor) {
    if (tensor.type() != DataType.INT8
        && tensor.type() != DataType.UINT8
        && tensor.type() != DataType.INT32) {
      return false;
    }
    Node reader = value.onlyConsumer();
    if (reader == null || !reader.is("DequantizeLinear") || reader.input(0) != value) {
      return false;
    }
    Value scale = reader.input(1);
    return scale != null && scale.initializer() != null && isWeight(reader.output(), tensor);
  }

  private static boolean isWeight(Value value, Tensor tensor) {
    return value.uses().stream().anyMatch(use -> isWeight(use, tensor));
  }

  private static boolean isWeight(Value.Use use, Tensor tensor) {
    Node node = use.node();
    int input = use.index();
    if (!node.domain().isEmpty()) {
      return false;
    }
    if (MOVES.contains(node.op())) {
      return input == 0 && isWeight(node.output(), tensor);
    }
    return switch (node.op()) {
      case "Conv", "ConvTranspose" -> input == 1 || input == 2;
      case "Gemm", "MatMul", "Einsum" -> true;
      case "BatchNormalization",
          "LayerNormalization",
          "InstanceNormalization",
          "GroupNormalization" ->
          input == 1 || input == 2;
      case "PRelu" -> input == 1;
      case "Gather" -> input == 0;
      case "LSTM", "GRU", "RNN" -> (input >= 1 && input <= 3) || input == 7;
      case "Add", "Sub", "Mul", "Div", "Concat" -> tensor.elementCount() > 1 && isModest(tensor);
      default -> false;
    };
  }

  private static boolean isModest(Tensor tensor) {
    if (tensor.type() != DataType.FLOAT && tensor.type() != DataType.DOUBLE) {
      return true;
    }
    for (float element : tensor.toFloats()) {
      if (!(Math.abs(element) < LARGEST_WEIGHT)) {
        return false;
      }
    }
    return true;
  }
}
