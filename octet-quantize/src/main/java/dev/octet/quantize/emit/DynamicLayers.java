package dev.octet.quantize.emit;

import dev.octet.core.affine.QuantParams;
import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * MatMul, Gemm and Conv on integers with an input that is quantized as the model runs.
 *
 * <p>With x = sx (qx - zx) and w = sw (qw - zw), ONNX's MatMulInteger and ConvInteger give the
 * int32 sum of (qx - zx)(qw - zw); one Mul by sx sw, a scalar or one number a channel, makes it
 * real.
 */
final class DynamicLayers {
  private final Graph graph;
  private final Map<Value, Quantized> inputs = new HashMap<>();
  private final Map<WeightKey, Stored> stored = new HashMap<>();

  /** An input as integers; made once for all its readers. */
  private record Quantized(Value integers, Value scale, Value zeroPoint) {}

  /** Weights as constants of the graph; {@code zeroPoint} is null where it is zero. */
  private record Stored(Value integers, Value scale, @Nullable Value zeroPoint) {}

  private record WeightKey(Value value, QuantParams params, String form) {}

  DynamicLayers(Graph graph) {
    this.graph = graph;
  }

  /** Why {@code node} has to stay in float, or null. */
  static @Nullable String obstacle(Node node, QuantizedWeight weight) {
    String obstacle = ByteWeights.obstacle(weight);
    if (obstacle != null) {
      return obstacle;
    }
    if (node.is("MatMul") && weight.integers().rank() < 2) {
      return "its weights are one vector";
    }
    if (node.is("Gemm") && node.intAttribute("transA", 0) != 0) {
      return "its data input is transposed";
    }
    if (node.is("Conv")) {
      Value bias = node.input(2);
      if (bias != null && bias.constant() == null) {
        return "its bias is computed at run time";
      }
      if (!ByteWeights.of(weight).oneZeroPoint()) {
        return "ConvInteger takes one zero point for all weights";
      }
    }
    return null;
  }

  /** Puts the integer form of {@code node} in its place; its output keeps its name. */
  void write(Node node, QuantizedWeight weight) {
    Value data = node.input(0);
    if (data == null) {
      throw new IllegalStateException("node '" + node.label() + "' has no data input");
    }
    Quantized x = inputs.computeIfAbsent(data, this::quantize);
    Stored w = store(node, weight);
    String stem = node.output().name();
    Value sums = graph.addFresh(stem + "_int32", null);
    graph.add(product(node, x, w).named(stem + "/Product").makes(sums));
    Value wide = graph.addFresh(stem + "_sum", null);
    graph.add(
        NodeSpec.of("Cast")
            .named(stem + "/Cast")
            .reads(sums)
            .makes(wide)
            .with("to", DataType.FLOAT.code()));
    Value scale = graph.addFresh(stem + "_scale", null);
    graph.add(NodeSpec.of("Mul").named(stem + "/Scale").reads(x.scale, w.scale).makes(scale));
    Value bias = bias(node);
    if (bias == null) {
      graph.exchange(
          node, NodeSpec.of("Mul").named(node.name()).reads(wide, scale).makes(node.output()));
    } else {
      Value real = graph.addFresh(stem + "_product", null);
      graph.add(NodeSpec.of("Mul").named(stem + "/Real").reads(wide, scale).makes(real));
      graph.exchange(
          node, NodeSpec.of("Add").named(node.name()).reads(real, bias).makes(node.output()));
    }
    Leftovers.remove(graph, node.inputs());
  }

  private Quantized quantize(Value value) {
    Quantized made =
        new Quantized(
            graph.addFresh(value.name() + "_q", null),
            graph.addFresh(value.name() + "_s", null),
            graph.addFresh(value.name() + "_z", null));
    graph.add(
        NodeSpec.of("DynamicQuantizeLinear")
            .named(value.name() + "/Q")
            .reads(value)
            .makes(made.integers, made.scale, made.zeroPoint));
    return made;
  }

  private static NodeSpec product(Node node, Quantized x, Stored w) {
    NodeSpec spec = NodeSpec.of(node.is("Conv") ? "ConvInteger" : "MatMulInteger");
    if (node.is("Conv")) {
      for (Map.Entry<String, Attribute> attribute : node.attributes().entrySet()) {
        spec = spec.with(attribute.getKey(), attribute.getValue());
      }
    }
    return w.zeroPoint == null
        ? spec.reads(x.integers, w.integers, x.zeroPoint)
        : spec.reads(x.integers, w.integers, x.zeroPoint, w.zeroPoint);
  }

  // ---- weights ----

  private Stored store(Node node, QuantizedWeight weight) {
    Value old = weight.site().value();
    float alpha = node.is("Gemm") ? node.floatAttribute("alpha", 1) : 1;
    boolean turned = node.is("Gemm") && node.intAttribute("transB", 0) != 0;
    String form = node.is("Conv") ? "window" : (turned ? "turned * " : "plain * ") + alpha;
    return stored.computeIfAbsent(
        new WeightKey(old, weight.params(), form),
        key -> {
          ByteWeights bytes = ByteWeights.of(weight);
          bytes = turned ? bytes.transposed() : bytes;
          return node.is("Conv") ? storeWindow(old, bytes) : storeMatrix(old, bytes, alpha);
        });
  }

  private Stored storeMatrix(Value old, ByteWeights bytes, float alpha) {
    float[] scales = bytes.scales().clone();
    for (int i = 0; i < scales.length; i++) {
      scales[i] *= alpha;
    }
    long[] shape = scales.length == 1 ? new long[0] : new long[] {scales.length};
    boolean zero = Arrays.stream(bytes.zeroPoints()).allMatch(z -> z == 0);
    return new Stored(
        graph.addConstant(old.name() + "_q", bytes.integers()),
        graph.addConstant(old.name() + "_s", Tensor.ofFloats(scales, shape)),
        zero
            ? null
            : graph.addConstant(
                old.name() + "_z", IntegerTensors.of(bytes.type(), bytes.zeroPoints(), shape)));
  }

  /** ONNX Runtime has ConvInteger for unsigned weights with one zero point only. */
  private Stored storeWindow(Value old, ByteWeights signed) {
    ByteWeights bytes = signed.unsigned();
    float[] scales = bytes.scales();
    return new Stored(
        graph.addConstant(old.name() + "_q", bytes.integers()),
        graph.addConstant(
            old.name() + "_s",
            Tensor.ofFloats(
                scales,
                scales.length == 1 ? new long[0] : channelShape(scales.length, bytes.shape()))),
        graph.addConstant(
            old.name() + "_z",
            IntegerTensors.of(bytes.type(), Arrays.copyOf(bytes.zeroPoints(), 1))));
  }

  /** {@code [channels, 1, ...]}: lines up with the channel axis of {@code [n, channels, ...]}. */
  private static long[] channelShape(long channels, long[] windowShape) {
    long[] shape = new long[windowShape.length - 1];
    Arrays.fill(shape, 1);
    shape[0] = channels;
    return shape;
  }

  // ---- biases ----

  private @Nullable Value bias(Node node) {
    Value bias = node.is("MatMul") ? null : node.input(2);
    if (bias == null) {
      return null;
    }
    Tensor constant = bias.constant();
    if (node.is("Conv")) {
      Value weight = node.input(1);
      Tensor window = weight == null ? null : weight.constant();
      if (constant == null || window == null) {
        throw new IllegalStateException("node '" + node.label() + "' was not checked");
      }
      long[] shape = channelShape(constant.elementCount(), window.shape());
      return graph.addConstant(bias.name() + "_r", constant.reshape(shape));
    }
    float beta = node.floatAttribute("beta", 1);
    if (beta == 1) {
      return bias;
    }
    if (constant == null) {
      Value scaled = graph.addFresh(bias.name() + "_scaled", null);
      graph.add(
          NodeSpec.of("Mul")
              .named(node.output().name() + "/Beta")
              .reads(bias, graph.addConstant("beta", Tensor.ofFloats(new float[] {beta})))
              .makes(scaled));
      return scaled;
    }
    float[] values = constant.toFloats();
    for (int i = 0; i < values.length; i++) {
      values[i] *= beta;
    }
    return graph.addConstant(bias.name() + "_scaled", Tensor.ofFloats(values, constant.shape()));
  }
}
