package dev.octet.quantize.emit;

import dev.octet.core.recipe.Target;
import dev.octet.graph.Attribute;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * LSTM as ONNX Runtime's {@code com.microsoft.DynamicQuantizeLSTM}: input and hidden state are
 * quantized at every step, the gates themselves are float.
 *
 * <p>It wants W as {@code [directions, inputs, 4 * hidden]} and R as {@code [directions, hidden, 4
 * * hidden]}, both transposed from ONNX's, and scales {@code [directions]} or {@code [directions, 4
 * * hidden]}.
 */
final class DynamicLstm {
  private final Graph graph;
  private final Map<List<Object>, Value[]> stored = new HashMap<>();
  private boolean wroteAny;

  DynamicLstm(Graph graph) {
    this.graph = graph;
  }

  /** Why {@code node} has to stay in float, or null. */
  static @Nullable String obstacle(Node node, List<QuantizedWeight> weights, Target target) {
    if (target != Target.ONNXRUNTIME) {
      return "only ONNX Runtime has a dynamic form of LSTM";
    }
    if (weights.size() != 2) {
      return "one of its two weight tensors is no float constant";
    }
    if (node.intAttribute("layout", 0) != 0) {
      return "DynamicQuantizeLSTM wants the sequence axis first (layout 0)";
    }
    for (QuantizedWeight weight : weights) {
      String obstacle = ByteWeights.obstacle(weight);
      if (obstacle != null) {
        return obstacle;
      }
      if (!ByteWeights.of(weight).oneZeroPoint()) {
        return "DynamicQuantizeLSTM takes one zero point for all gates";
      }
    }
    return null;
  }

  boolean wroteAny() {
    return wroteAny;
  }

  /** Puts the integer form in the place of {@code node}; outputs keep their names. */
  void write(Node node, List<QuantizedWeight> weights) {
    List<@Nullable Value> reads = new ArrayList<>(node.inputs());
    while (reads.size() < 8) {
      reads.add(null);
    }
    for (QuantizedWeight weight : weights) {
      Value[] constants =
          stored.computeIfAbsent(
              List.of(weight.site().value(), weight.params()), key -> store(weight));
      reads.set(weight.site().input(), constants[0]);
      reads.add(constants[1]);
      reads.add(constants[2]);
    }
    NodeSpec spec =
        NodeSpec.of("DynamicQuantizeLSTM")
            .in(OrtOperators.DOMAIN)
            .named(node.name())
            .reads(reads.toArray(new @Nullable Value[0]))
            .makes(node.outputs().toArray(new @Nullable Value[0]));
    for (Map.Entry<String, Attribute> attribute : node.attributes().entrySet()) {
      if (!attribute.getKey().equals("layout")) {
        spec = spec.with(attribute.getKey(), attribute.getValue());
      }
    }
    graph.exchange(node, spec);
    wroteAny = true;
    Leftovers.remove(graph, node.inputs());
  }

  private Value[] store(QuantizedWeight weight) {
    ByteWeights bytes = ByteWeights.of(weight).transposed();
    String stem = weight.site().value().name();
    int directions = Math.toIntExact(bytes.shape()[0]);
    int own = bytes.scales().length; // gates' rows share their scale among directions
    float[] scales = new float[directions * own];
    int[] zeroPoints = new int[directions * own];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = bytes.scales()[i % own];
      zeroPoints[i] = bytes.zeroPoints()[i % own];
    }
    long[] shape = own == 1 ? new long[] {directions} : new long[] {directions, own};
    return new Value[] {
      graph.addConstant(stem + "_q", bytes.integers()),
      graph.addConstant(stem + "_s", Tensor.ofFloats(scales, shape)),
      graph.addConstant(stem + "_z", IntegerTensors.of(bytes.type(), zeroPoints, shape))
    };
  }
}
