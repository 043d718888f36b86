package dev.octet.quantize.inspect;

import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.quantize.inspect.Inspection.IntegerTensor;
import dev.octet.quantize.inspect.Inspection.Layer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads off a model that holds integers which nodes work on them, and with which scales. */
public final class QuantizedModel {
  private static final Set<String> CONVERSIONS =
      Set.of("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear");

  private static final Set<String> INTEGER_OPERATORS =
      Set.of("ConvInteger", "MatMulInteger", "MatMulNBits", "DynamicQuantizeLSTM");

  private static final Set<String> WEIGHTED_OPERATORS =
      Set.of("Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN");

  private final Graph graph;
  private final Map<Node, String> floats = new LinkedHashMap<>();

  /** Reads {@code graph}, which must not change while this is used. */
  public QuantizedModel(Graph graph) {
    this.graph = graph;
    for (Node node : graph.nodes()) {
      String reason = whyFloat(node);
      if (reason != null) {
        floats.put(node, reason);
      }
    }
  }

  /** Whether any node of {@code graph} makes or reads quantized integers. */
  public static boolean holdsIntegers(Graph graph) {
    return graph.nodes().stream()
        .anyMatch(node -> CONVERSIONS.contains(node.op()) || isIntegerOperator(node));
  }

  /** Whether {@code node}, of this graph, computes on integers once a runtime has fused it. */
  public boolean isQuantized(Node node) {
    return !floats.containsKey(node);
  }

  private static boolean isIntegerOperator(Node node) {
    return INTEGER_OPERATORS.contains(node.op()) || node.op().startsWith("QLinear");
  }

  /** Every node that does not only convert. */
  List<Layer> layers() {
    List<Layer> layers = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (!CONVERSIONS.contains(node.op())) {
        String reason = floats.get(node);
        layers.add(new Layer(node.label(), node.op(), reason == null, reason));
      }
    }
    return layers;
  }

  private @Nullable String whyFloat(Node node) {
    if (isIntegerOperator(node)) {
      return null;
    }
    boolean weights = false;
    boolean data = false;
    boolean floatWeights = false;
    for (int i = 0; i < node.inputs().size(); i++) {
      Value input = node.input(i);
      Node producer = input == null ? null : input.producer();
      if (producer != null && producer.is("DequantizeLinear")) {
        boolean constant = source(producer) != null;
        weights |= constant;
        data |= !constant;
      }
      Tensor constant = input == null ? null : input.constant();
      floatWeights |=
          i == 1
              && WEIGHTED_OPERATORS.contains(node.op())
              && constant != null
              && constant.type().isFloat();
    }
    boolean computes = weights || floatWeights;
    if (weights || (data && !floatWeights)) {
      return null;
    }
    if (computes) {
      return data ? "its weights are float" : "neither its input nor its weights are integers";
    }
    return isFused(node) ? null : "it reads float values";
  }

  /** Whether it only stands between a node on integers and the rounding of that node's result. */
  private boolean isFused(Node node) {
    Value input = node.input(0);
    Node before = input == null ? null : input.producer();
    boolean rounded =
        node.outputs().size() == 1
            && node.outputs().get(0) != null
            && node.output().consumers().stream().allMatch(next -> next.is("QuantizeLinear"))
            && !node.output().consumers().isEmpty();
    // Nodes come in the order of computation, so what is before is decided.
    return rounded && before != null && isQuantized(before) && !before.is("DequantizeLinear");
  }

  /** Every pair of scale and zero point. */
  List<IntegerTensor> tensors() {
    List<IntegerTensor> tensors = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (node.is("QuantizeLinear") && node.input(0) != null) {
        tensors.add(describe(node, String.valueOf(name(node.input(0))), "activation"));
      } else if (node.is("DequantizeLinear") && source(node) != null) {
        tensors.add(describe(node, String.valueOf(name(node.input(0))), "weight"));
      }
    }
    return tensors;
  }

  private static @Nullable Tensor source(Node dequantize) {
    Value value = dequantize.input(0);
    return value == null ? null : value.constant();
  }

  private static @Nullable String name(@Nullable Value value) {
    return value == null ? null : value.name();
  }

  private static IntegerTensor describe(Node node, String name, String role) {
    Tensor scale = constant(node, 1);
    Tensor zero = constant(node, 2);
    Tensor data = source(node);
    DataType type = data != null ? data.type() : zero != null ? zero.type() : DataType.UINT8;
    long count = scale == null ? 1 : scale.elementCount();
    long block = node.intAttribute("block_size", 0);
    String sharing =
        block > 0
            ? " per block of " + block + " along axis " + node.intAttribute("axis", 1)
            : count > 1 ? " per channel of axis " + node.intAttribute("axis", 1) : " per tensor";
    return new IntegerTensor(
        name, role, type.name().toLowerCase(Locale.ROOT) + sharing, scales(scale, zero));
  }

  private static String scales(@Nullable Tensor scale, @Nullable Tensor zero) {
    if (scale == null || !scale.type().isFloat()) {
      return "computed at run time";
    }
    float least = Float.POSITIVE_INFINITY;
    float most = 0;
    for (float one : scale.toFloats()) {
      least = Math.min(least, one);
      most = Math.max(most, one);
    }
    if (scale.elementCount() > 1) {
      return String.format(
          Locale.ROOT, "%d scales, %.4g to %.4g", scale.elementCount(), least, most);
    }
    String text = String.format(Locale.ROOT, "scale %.4g", most);
    boolean known = zero != null && zero.elementCount() == 1 && !zero.type().isFloat();
    return known && zero != null ? text + ", zero point " + zero.toLongs()[0] : text;
  }

  private static @Nullable Tensor constant(Node node, int input) {
    Value value = node.input(input);
    return value == null ? null : value.constant();
  }
}
