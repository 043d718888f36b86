package dev.octet.workflows.pytorch.fx;

import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.shape.Shapes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** PyTorch's names of operators, and which of them an ONNX node is. */
final class OperatorKinds {
  /** Functions, methods and Java's layers under the names that they go by here. */
  private static final Map<String, String> SYNONYMS =
      Map.ofEntries(
          Map.entry("linear", "Linear"),
          Map.entry("conv1d", "Conv1d"),
          Map.entry("conv2d", "Conv2d"),
          Map.entry("conv3d", "Conv3d"),
          Map.entry("conv_transpose1d", "ConvTranspose1d"),
          Map.entry("conv_transpose2d", "ConvTranspose2d"),
          Map.entry("conv_transpose3d", "ConvTranspose3d"),
          Map.entry("batch_norm", "BatchNorm2d"),
          Map.entry("layer_norm", "LayerNorm"),
          Map.entry("group_norm", "GroupNorm"),
          Map.entry("instance_norm", "InstanceNorm2d"),
          Map.entry("relu", "ReLU"),
          Map.entry("relu_", "ReLU"),
          Map.entry("relu6", "ReLU6"),
          Map.entry("elu", "ELU"),
          Map.entry("leaky_relu", "LeakyReLU"),
          Map.entry("prelu", "PReLU"),
          Map.entry("hardtanh", "Hardtanh"),
          Map.entry("hardtanh_", "Hardtanh"),
          Map.entry("clamp", "Hardtanh"),
          Map.entry("hardswish", "Hardswish"),
          Map.entry("hardsigmoid", "Hardsigmoid"),
          Map.entry("hardsigmoid_", "Hardsigmoid"),
          Map.entry("sigmoid", "Sigmoid"),
          Map.entry("sigmoid_", "Sigmoid"),
          Map.entry("tanh", "Tanh"),
          Map.entry("tanh_", "Tanh"),
          Map.entry("softmax", "Softmax"),
          Map.entry("gelu", "GELU"),
          Map.entry("embedding", "Embedding"),
          Map.entry("embedding_bag", "EmbeddingBag"),
          Map.entry("max_pool1d", "MaxPool1d"),
          Map.entry("max_pool2d", "MaxPool2d"),
          Map.entry("max_pool3d", "MaxPool3d"),
          Map.entry("avg_pool1d", "AvgPool1d"),
          Map.entry("avg_pool2d", "AvgPool2d"),
          Map.entry("avg_pool3d", "AvgPool3d"),
          Map.entry("adaptive_avg_pool1d", "AdaptiveAvgPool1d"),
          Map.entry("adaptive_avg_pool2d", "AdaptiveAvgPool2d"),
          Map.entry("adaptive_avg_pool3d", "AdaptiveAvgPool3d"),
          Map.entry("pixel_shuffle", "PixelShuffle"),
          Map.entry("pixel_unshuffle", "PixelUnshuffle"),
          Map.entry("Upsample", "interpolate"),
          Map.entry("Flatten", "flatten"),
          Map.entry("Add", "add"),
          Map.entry("Mul", "mul"),
          Map.entry("MatMul", "matmul"),
          Map.entry("Concat", "cat"),
          Map.entry("view", "reshape"),
          Map.entry("permute", "transpose"),
          Map.entry("chunk", "split"),
          Map.entry("expand", "repeat"),
          Map.entry("size", "shape"));

  private OperatorKinds() {}

  /** The name that an operator goes by. */
  static String canonical(String name) {
    return SYNONYMS.getOrDefault(name, name);
  }

  /** All names that an operator goes by, the one used here first. */
  static List<String> names(String kind) {
    List<String> names = new ArrayList<>(List.of(kind));
    SYNONYMS.forEach(
        (name, canonical) -> {
          if (canonical.equals(kind)) {
            names.add(name);
          }
        });
    return names;
  }

  /** What a node is; the ONNX operator itself where PyTorch has no name for it here. */
  static String of(Node node, Shapes shapes) {
    if (!node.domain().isEmpty()) {
      return node.domain() + "." + node.op();
    }
    return switch (node.op()) {
      case "Conv" -> "Conv" + dims(node.input(1), shapes);
      case "ConvTranspose" -> "ConvTranspose" + dims(node.input(1), shapes);
      case "Gemm" -> isLinear(node) ? "Linear" : "addmm";
      case "MatMul" -> isLinear(node) ? "Linear" : "matmul";
      case "BatchNormalization" -> "BatchNorm" + normDims(node, shapes);
      case "InstanceNormalization" -> "InstanceNorm" + normDims(node, shapes);
      case "LayerNormalization" -> "LayerNorm";
      case "GroupNormalization" -> "GroupNorm";
      case "Relu" -> "ReLU";
      case "Clip" -> isRelu6(node) ? "ReLU6" : "Hardtanh";
      case "LeakyRelu" -> "LeakyReLU";
      case "PRelu" -> "PReLU";
      case "Elu" -> "ELU";
      case "HardSwish" -> "Hardswish";
      case "HardSigmoid" -> "Hardsigmoid";
      case "Gelu" -> "GELU";
      case "Sigmoid", "Tanh", "Softmax", "Identity", "LSTM", "GRU", "RNN" -> node.op();
      case "MaxPool" -> "MaxPool" + dims(node.input(0), shapes);
      case "AveragePool" -> "AvgPool" + dims(node.input(0), shapes);
      case "GlobalAveragePool" -> "AdaptiveAvgPool" + dims(node.input(0), shapes);
      case "ReduceMean" -> "mean";
      case "Add" -> "add";
      case "Mul" -> "mul";
      case "Sub" -> "sub";
      case "Div" -> "div";
      case "Concat" -> "cat";
      case "Slice" -> "narrow";
      case "Expand", "Tile" -> "repeat";
      case "Resize" -> "interpolate";
      case "DepthToSpace" -> "PixelShuffle";
      case "SpaceToDepth" -> "PixelUnshuffle";
      case "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Split", "Shape" ->
          node.op().toLowerCase(Locale.ROOT);
      case "Gather" -> isTable(node) ? "Embedding" : "gather";
      default -> node.op();
    };
  }

  /** Whether a constant matrix multiplies the rows of the first input. */
  private static boolean isLinear(Node node) {
    Tensor weight = constant(node, 1);
    return weight != null
        && weight.rank() == 2
        && !isConstant(node, 0)
        && node.intAttribute("transA", 0) == 0;
  }

  private static boolean isTable(Node node) {
    Tensor table = constant(node, 0);
    return table != null
        && table.type() == DataType.FLOAT
        && table.rank() == 2
        && node.intAttribute("axis", 0) == 0;
  }

  private static boolean isRelu6(Node clip) {
    Tensor low = constant(clip, 1);
    Tensor high = constant(clip, 2);
    return low != null
        && high != null
        && low.type() == DataType.FLOAT
        && high.type() == DataType.FLOAT
        && low.elementCount() == 1
        && high.elementCount() == 1
        && low.toFloats()[0] == 0
        && high.toFloats()[0] == 6;
  }

  private static boolean isConstant(Node node, int input) {
    return constant(node, input) != null;
  }

  private static @Nullable Tensor constant(Node node, int input) {
    Value value = node.input(input);
    return value == null ? null : value.constant();
  }

  /** {@code [batch, channels, ...]}: 2d unless known to be otherwise. */
  private static String dims(@Nullable Value value, Shapes shapes) {
    OptionalInt rank = value == null ? OptionalInt.empty() : shapes.rank(value);
    return (rank.isPresent() && rank.getAsInt() > 2 ? rank.getAsInt() - 2 : 2) + "d";
  }

  /** A matrix of features is normalized by what PyTorch calls 1d. */
  private static String normDims(Node norm, Shapes shapes) {
    Value input = norm.input(0);
    OptionalInt rank = input == null ? OptionalInt.empty() : shapes.rank(input);
    if (rank.isPresent()) {
      return Math.max(1, rank.getAsInt() - 2) + "d";
    }
    Node layer = input == null ? null : input.producer();
    if (layer != null && (layer.is("Conv") || layer.is("ConvTranspose"))) {
      return dims(layer.input(1), shapes);
    }
    return layer != null && (layer.is("Gemm") || layer.is("MatMul")) ? "1d" : "2d";
  }
}
