package dev.octet.engine.lower;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes operators that take and give integers with their scales beside them as the Q/DQ form that
 * means the same, which the compiler fuses again. One set of lowerings then serves both forms.
 *
 * <p>Known are ONNX's QLinearConv and QLinearMatMul, and of ONNX Runtime's own ({@code
 * com.microsoft}) QGemm, QLinearAdd, QLinearMul, QLinearConcat, QLinearAveragePool,
 * QLinearGlobalAveragePool, QLinearSigmoid, QLinearLeakyRelu, MatMulIntegerToFloat,
 * DynamicQuantizeMatMul and DynamicQuantizeLSTM. Their results may differ from those of ONNX
 * Runtime by one quantum where it rounds a product of scales before it rounds the result.
 * DynamicQuantizeLSTM is computed in floats, without its rounding of inputs and states.
 */
public final class IntegerForms {
  private static final String RUNTIME = "com.microsoft";

  private final Graph graph;

  private IntegerForms(Graph graph) {
    this.graph = graph;
  }

  /** Changes {@code graph} in place; outputs keep their names. */
  public static void toQdq(Graph graph) {
    IntegerForms forms = new IntegerForms(graph);
    for (Node node : List.copyOf(graph.nodes())) {
      if (node.domain().equals(RUNTIME) || node.domain().isEmpty()) {
        forms.rewrite(node);
      }
    }
  }

  private void rewrite(Node node) {
    if (node.domain().isEmpty()) {
      switch (node.op()) {
        case "QLinearConv" -> convolution(node);
        case "QLinearMatMul" -> product(node);
        default -> {
          // It is what it is.
        }
      }
      return;
    }
    switch (node.op()) {
      case "QGemm" -> gemm(node);
      case "QLinearAdd" -> pair(node, "Add");
      case "QLinearMul" -> pair(node, "Mul");
      case "QLinearConcat" -> concatenation(node);
      case "QLinearAveragePool" -> single(node, "AveragePool");
      case "QLinearGlobalAveragePool" -> single(node, "GlobalAveragePool");
      case "QLinearSigmoid" -> single(node, "Sigmoid");
      case "QLinearLeakyRelu" -> single(node, "LeakyRelu");
      case "MatMulIntegerToFloat" -> toFloat(node);
      case "DynamicQuantizeMatMul" -> dynamicProduct(node);
      case "DynamicQuantizeLSTM" -> dynamicLstm(node);
      default -> {
        // There is no such form; the compiler says so.
      }
    }
  }

  // ---- pieces ----

  /** Inputs {@code index} to {@code index + 2}, integers, scale, zero point, as reals. */
  private @Nullable Value real(Node node, int index, int axis) {
    return real(node, node.input(index), node.input(index + 1), node.input(index + 2), axis);
  }

  private @Nullable Value real(
      Node node,
      @Nullable Value integers,
      @Nullable Value scale,
      @Nullable Value zeroPoint,
      int axis) {
    if (integers == null || scale == null) {
      return null;
    }
    Value made = graph.addFresh(integers.name() + "_real", null);
    NodeSpec spec =
        NodeSpec.of("DequantizeLinear").named(node.label()).makes(made).with("axis", axis);
    graph.add(
        zeroPoint == null
            ? spec.reads(integers, flat(scale))
            : spec.reads(integers, flat(scale), flat(zeroPoint)));
    return made;
  }

  /** A constant of one element as a scalar, however it was written. */
  private Value flat(Value value) {
    Tensor constant = value.constant();
    return constant != null && constant.rank() > 0 && constant.elementCount() == 1
        ? graph.addConstant(value.name() + "_scalar", constant.reshape())
        : value;
  }

  private void finish(
      Node node, NodeSpec computation, @Nullable Value scale, @Nullable Value zero) {
    Value made = graph.addFresh(node.output().name() + "_real", null);
    graph.add(computation.named(node.label()).makes(made));
    if (scale == null) {
      return;
    }
    NodeSpec quantize = NodeSpec.of("QuantizeLinear").named(node.label()).makes(node.output());
    graph.exchange(
        node,
        zero == null
            ? quantize.reads(made, flat(scale))
            : quantize.reads(made, flat(scale), flat(zero)));
  }

  private static NodeSpec attributes(NodeSpec spec, Node node, Set<String> except) {
    NodeSpec complete = spec;
    for (Map.Entry<String, Attribute> attribute : node.attributes().entrySet()) {
      if (!except.contains(attribute.getKey())) {
        complete = complete.with(attribute.getKey(), attribute.getValue());
      }
    }
    return complete;
  }

  private static @Nullable Tensor constant(@Nullable Value value) {
    return value == null ? null : value.constant();
  }

  /** The int32 bias as reals, at the product of both scales; null where they are not constant. */
  private @Nullable Value bias(
      Node node, @Nullable Value bias, @Nullable Value first, @Nullable Value second, float by) {
    Tensor a = constant(first);
    Tensor b = constant(second);
    if (bias == null || a == null || b == null || !floats(a) || !floats(b)) {
      return null;
    }
    float one = a.toFloats()[0];
    float[] scales = b.toFloats();
    for (int i = 0; i < scales.length; i++) {
      scales[i] *= one * by;
    }
    Tensor scale =
        scales.length == 1 ? Tensor.ofFloats(scales) : Tensor.ofFloats(scales, scales.length);
    Tensor integers = bias.constant();
    int axis = integers == null ? 0 : Math.max(0, integers.rank() - 1);
    return real(node, bias, graph.addConstant(bias.name() + "_scale", scale), null, axis);
  }

  private static boolean floats(Tensor tensor) {
    return tensor.type() == DataType.FLOAT && tensor.elementCount() > 0;
  }

  // ---- operators ----

  private void convolution(Node node) {
    Value x = real(node, 0, 0);
    Value w = real(node, 3, 0);
    Value bias = bias(node, node.input(8), node.input(1), node.input(4), 1);
    if (x == null || w == null || (node.input(8) != null && bias == null)) {
      return;
    }
    NodeSpec spec = attributes(NodeSpec.of("Conv"), node, Set.of());
    finish(
        node,
        bias == null ? spec.reads(x, w) : spec.reads(x, w, bias),
        node.input(6),
        node.input(7));
  }

  private void product(Node node) {
    Value a = real(node, 0, 0);
    Value b = real(node, 3, 1);
    if (a != null && b != null) {
      finish(node, NodeSpec.of("MatMul").reads(a, b), node.input(6), node.input(7));
    }
  }

  private void gemm(Node node) {
    boolean turned = node.intAttribute("transB", 0) != 0;
    Value a = real(node, 0, 0);
    Value b = real(node, 3, turned ? 0 : 1);
    float alpha = node.floatAttribute("alpha", 1);
    Value bias = bias(node, node.input(6), node.input(1), node.input(4), alpha);
    if (a == null || b == null || (node.input(6) != null && bias == null)) {
      return;
    }
    NodeSpec spec = attributes(NodeSpec.of("Gemm"), node, Set.of());
    spec = bias == null ? spec.reads(a, b) : spec.reads(a, b, bias);
    if (node.input(7) == null) {
      graph.exchange(node, spec.named(node.label()).makes(node.output()));
    } else {
      finish(node, spec, node.input(7), node.input(8));
    }
  }

  private void pair(Node node, String op) {
    Value a = real(node, 0, 0);
    Value b = real(node, 3, 0);
    if (a != null && b != null) {
      finish(node, NodeSpec.of(op).reads(a, b), node.input(6), node.input(7));
    }
  }

  private void concatenation(Node node) {
    List<@Nullable Value> parts = new ArrayList<>();
    for (int i = 2; i + 2 < node.inputs().size() + 1 && i < node.inputs().size(); i += 3) {
      parts.add(real(node, i, 0));
    }
    if (!parts.isEmpty() && !parts.contains(null)) {
      NodeSpec spec = attributes(NodeSpec.of("Concat"), node, Set.of());
      finish(node, spec.reads(parts.toArray(new @Nullable Value[0])), node.input(0), node.input(1));
    }
  }

  private void single(Node node, String op) {
    Value x = real(node, 0, 0);
    if (x != null && node.intAttribute("channels_last", 0) == 0) {
      NodeSpec spec = attributes(NodeSpec.of(op), node, Set.of("channels_last"));
      finish(node, spec.reads(x), node.input(3), node.input(4));
    }
  }

  /** A, B, scale of A, scale of B, zero point of A, zero point of B, bias. */
  private void toFloat(Node node) {
    scaledProduct(
        node, node.input(0), node.input(1), node.input(2), node.input(3), node.input(4), 5);
  }

  /** A in floats, B, scale of B, zero point of B, bias. */
  private void dynamicProduct(Node node) {
    Value x = node.input(0);
    if (x == null) {
      return;
    }
    Value integers = graph.addFresh(x.name() + "_q", null);
    Value scale = graph.addFresh(x.name() + "_s", null);
    Value zero = graph.addFresh(x.name() + "_z", null);
    graph.add(
        NodeSpec.of("DynamicQuantizeLinear")
            .named(node.label())
            .reads(x)
            .makes(integers, scale, zero));
    scaledProduct(node, integers, node.input(1), scale, node.input(2), zero, 3);
  }

  private void scaledProduct(
      Node node,
      @Nullable Value a,
      @Nullable Value b,
      @Nullable Value scaleA,
      @Nullable Value scaleB,
      @Nullable Value zeroA,
      int rest) {
    if (a == null || b == null || scaleA == null || scaleB == null) {
      return;
    }
    String stem = node.output().name();
    Value sums = graph.addFresh(stem + "_int32", null);
    Value wide = graph.addFresh(stem + "_sum", null);
    Value scale = graph.addFresh(stem + "_scale", null);
    graph.add(
        NodeSpec.of("Mul").named(node.label()).reads(flat(scaleA), flat(scaleB)).makes(scale));
    graph.add(
        NodeSpec.of("MatMulInteger")
            .named(node.label())
            .reads(a, b, zeroA == null ? null : flat(zeroA), node.input(rest))
            .makes(sums));
    graph.add(
        NodeSpec.of("Cast")
            .named(node.label())
            .reads(sums)
            .makes(wide)
            .with("to", DataType.FLOAT.code()));
    Value bias = node.input(rest + 1);
    if (bias == null) {
      graph.exchange(
          node, NodeSpec.of("Mul").named(node.label()).reads(wide, scale).makes(node.output()));
      return;
    }
    Value product = graph.addFresh(stem + "_product", null);
    graph.add(NodeSpec.of("Mul").named(node.label()).reads(wide, scale).makes(product));
    graph.exchange(
        node, NodeSpec.of("Add").named(node.label()).reads(product, bias).makes(node.output()));
  }

  /** X, W [D, I, 4 H], R [D, H, 4 H], B, lengths, states, P, then scale and zero point of both. */
  private void dynamicLstm(Node node) {
    Value w = weights(node, 1, 8);
    Value r = weights(node, 2, 10);
    if (w == null || r == null) {
      return;
    }
    List<@Nullable Value> reads = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      reads.add(i == 1 ? w : i == 2 ? r : node.input(i));
    }
    graph.exchange(
        node,
        attributes(NodeSpec.of("LSTM"), node, Set.of())
            .named(node.label())
            .reads(reads.toArray(new @Nullable Value[0]))
            .makes(node.outputs().toArray(new @Nullable Value[0])));
  }

  /** Weights {@code [D, columns, rows]} of DynamicQuantizeLSTM as LSTM's floats. */
  private @Nullable Value weights(Node node, int index, int parameters) {
    Value value = node.input(index);
    Tensor integers = constant(value);
    Tensor scale = constant(node.input(parameters));
    Tensor zero = constant(node.input(parameters + 1));
    if (value == null || integers == null || scale == null || integers.rank() != 3) {
      return null;
    }
    int directions = (int) integers.dim(0);
    int columns = (int) integers.dim(1);
    int rows = (int) integers.dim(2);
    long[] codes = integers.toLongs();
    float[] scales = scale.toFloats();
    long[] zeros = zero == null ? new long[scales.length] : zero.toLongs();
    if (zeros.length != scales.length
        || (scales.length != directions && scales.length != (long) directions * rows)) {
      return null;
    }
    float[] reals = new float[codes.length];
    for (int d = 0; d < directions; d++) {
      for (int j = 0; j < rows; j++) {
        int at = scales.length == directions ? d : d * rows + j;
        for (int i = 0; i < columns; i++) {
          reals[(d * rows + j) * columns + i] =
              (codes[(d * columns + i) * rows + j] - zeros[at]) * scales[at];
        }
      }
    }
    return graph.addConstant(
        value.name() + "_real", Tensor.ofFloats(reals, directions, rows, columns));
  }
}
