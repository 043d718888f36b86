package dev.octet.quantize.emit;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Joins each operator of a graph in Q/DQ form with the conversions around it, where there is an
 * operator that does all of it on integers.
 *
 * <p>The operators are ONNX's QLinearConv and QLinearMatMul and, of ONNX Runtime's own, QGemm,
 * MatMulIntegerToFloat, QLinearAdd, QLinearMul, QLinearConcat, QLinearAveragePool and
 * QLinearGlobalAveragePool. Operators that only move values, between equal parameters, run on the
 * integers themselves.
 */
final class IntegerOperators {
  /**
   * What only moves values, and which ONNX Runtime runs on bytes. SpaceToDepth, which it does not,
   * is missing.
   */
  private static final Set<String> MOVES =
      Set.of(
          "MaxPool",
          "Reshape",
          "Flatten",
          "Transpose",
          "Squeeze",
          "Unsqueeze",
          "Slice",
          "Split",
          "Expand",
          "Tile",
          "Identity",
          "Gather",
          "Resize",
          "Pad");

  private final Graph graph;
  private final Set<Node> taken = new HashSet<>();
  private final Map<Tensor, Value> constants = new HashMap<>();
  private boolean needsOrtOperators;

  private IntegerOperators(Graph graph) {
    this.graph = graph;
  }

  /** Changes {@code graph} in place. */
  static IntegerOperators join(Graph graph) {
    IntegerOperators operators = new IntegerOperators(graph);
    List<Node> nodes = List.copyOf(graph.nodes());
    for (Node node : nodes) {
      if (node.domain().isEmpty()) {
        operators.join(node);
      }
    }
    for (Node node : nodes) {
      if (node.is("DequantizeLinear") && node.output().uses().isEmpty()) {
        operators.remove(node);
      }
    }
    return operators;
  }

  /** Whether {@code node}, which is no longer part of the graph then, runs on integers now. */
  boolean took(Node node) {
    return taken.contains(node);
  }

  /** Whether operators of ONNX Runtime's own set were used. */
  boolean needsOrtOperators() {
    return needsOrtOperators;
  }

  private void join(Node node) {
    switch (node.op()) {
      case "Conv" -> joinConv(node);
      case "MatMul" -> joinMatMul(node);
      case "Gemm" -> joinGemm(node);
      case "Add", "Mul" -> joinPair(node);
      case "Concat" -> joinConcat(node);
      case "AveragePool", "GlobalAveragePool" -> joinAverage(node);
      default -> {
        if (MOVES.contains(node.op())) {
          joinMove(node);
        }
      }
    }
  }

  // ---- products ----

  private void joinConv(Node node) {
    IntegerValue x = input(node, 0);
    IntegerValue w = IntegerValue.behind(node.input(1));
    Ending end = Ending.of(node.output());
    if (x == null || w == null || end == null || end.target().type() != x.type()) {
      return;
    }
    if (!multiplies(x, w, 0) || !biasFits(node, x, w)) {
      return;
    }
    Value weightZero = oneZeroPoint(w);
    if (weightZero == null) {
      return;
    }
    IntegerValue bias = IntegerValue.behind(node.input(2));
    List<@Nullable Value> reads = new ArrayList<>();
    add(reads, x);
    reads.add(w.integers());
    reads.add(w.scale());
    reads.add(weightZero);
    addParameters(reads, end.target());
    if (bias != null) {
      reads.add(bias.integers());
    }
    finish(node, withAttributes(NodeSpec.of("QLinearConv"), node, Set.of()), reads, end);
  }

  private void joinMatMul(Node node) {
    IntegerValue a = input(node, 0);
    IntegerValue b = IntegerValue.behind(node.input(1));
    if (a == null || b == null) {
      return;
    }
    Tensor matrix = b.integers().constant();
    boolean perColumn = matrix != null && matrix.rank() == 2 && multiplies(a, b, 1);
    if (!perColumn && !(b.perTensor() && multiplies(a, b, -1))) {
      return;
    }
    Ending end = Ending.of(node.output());
    List<@Nullable Value> reads = new ArrayList<>();
    if (end != null && end.target().type() == a.type()) {
      add(reads, a);
      add(reads, b);
      addParameters(reads, end.target());
      finish(node, NodeSpec.of("QLinearMatMul"), reads, end);
    } else {
      reads.addAll(
          Arrays.asList(a.integers(), b.integers(), a.scale(), b.scale(), zero(a), zero(b)));
      finishInFloat(node, ort("MatMulIntegerToFloat"), reads);
    }
  }

  private void joinGemm(Node node) {
    IntegerValue a = input(node, 0);
    IntegerValue b = IntegerValue.behind(node.input(1));
    boolean turned = node.intAttribute("transB", 0) != 0;
    if (a == null
        || b == null
        || node.intAttribute("transA", 0) != 0
        || !multiplies(a, b, turned ? 0 : 1)
        || !biasFits(node, a, b)) {
      return;
    }
    IntegerValue bias = IntegerValue.behind(node.input(2));
    if (bias != null
        && (node.floatAttribute("alpha", 1) != 1 || node.floatAttribute("beta", 1) != 1)) {
      return;
    }
    Ending end = Ending.of(node.output());
    List<@Nullable Value> reads = new ArrayList<>();
    add(reads, a);
    add(reads, b);
    reads.add(bias == null ? null : bias.integers());
    NodeSpec spec = withAttributes(ort("QGemm"), node, Set.of("beta"));
    if (end != null && end.target().type() == a.type()) {
      addParameters(reads, end.target());
      finish(node, spec, reads, end);
    } else {
      finishInFloat(node, spec, reads);
    }
  }

  /**
   * Whether there is a kernel for the types, and the weights have one scale or one for each index
   * of {@code axis}; with a negative axis they may be computed.
   */
  private static boolean multiplies(IntegerValue x, IntegerValue w, int axis) {
    if (!w.isByte() || (x.type() == DataType.INT8 && w.type() != DataType.INT8)) {
      return false;
    }
    Tensor tensor = w.integers().constant();
    Tensor scale = w.scale().constant();
    return axis < 0
        || (tensor != null
            && scale != null
            && (scale.elementCount() == 1 || scale.elementCount() == tensor.dim(axis)));
  }

  /** Whether the bias is missing, or int32 at the scale of the products. */
  private static boolean biasFits(Node node, IntegerValue x, IntegerValue w) {
    if (node.input(2) == null) {
      return true;
    }
    IntegerValue bias = IntegerValue.behind(node.input(2));
    if (bias == null || bias.type() != DataType.INT32 || bias.zeroPoint() != null) {
      return false;
    }
    Tensor given = bias.scale().constant();
    Tensor channels = w.scale().constant();
    Tensor input = x.scale().constant();
    if (given == null || channels == null || input == null) {
      return false;
    }
    float[] scales = given.toFloats();
    float[] products = channels.toFloats();
    for (int i = 0; i < scales.length; i++) {
      if (scales[i] != input.toFloats()[0] * products[products.length == 1 ? 0 : i]) {
        return false;
      }
    }
    return true;
  }

  // ---- sums, joints, averages ----

  private void joinPair(Node node) {
    IntegerValue a = input(node, 0);
    IntegerValue b = input(node, 1);
    Ending end = Ending.of(node.output());
    if (a == null
        || b == null
        || end == null
        || a.type() != b.type()
        || a.type() != end.target().type()) {
      return;
    }
    List<@Nullable Value> reads = new ArrayList<>();
    add(reads, a);
    add(reads, b);
    addParameters(reads, end.target());
    finish(node, ort("QLinear" + node.op()), reads, end);
  }

  private void joinConcat(Node node) {
    Ending end = Ending.of(node.output());
    if (end == null) {
      return;
    }
    List<IntegerValue> parts = new ArrayList<>();
    boolean allSame = true;
    for (int i = 0; i < node.inputs().size(); i++) {
      IntegerValue part = input(node, i);
      if (part == null || part.type() != end.target().type()) {
        return;
      }
      parts.add(part);
      allSame &= part.sameParameters(end.target());
    }
    List<@Nullable Value> reads = new ArrayList<>();
    if (allSame) {
      parts.forEach(part -> reads.add(part.integers()));
      finish(node, withAttributes(NodeSpec.of("Concat"), node, Set.of()), reads, end);
    } else {
      addParameters(reads, end.target());
      parts.forEach(part -> add(reads, part));
      finish(node, withAttributes(ort("QLinearConcat"), node, Set.of()), reads, end);
    }
  }

  private void joinAverage(Node node) {
    IntegerValue x = input(node, 0);
    Ending end = Ending.of(node.output());
    boolean dilated =
        node.intsAttribute("dilations", List.of()).stream().anyMatch(dilation -> dilation != 1);
    if (x == null || end == null || dilated || x.type() != end.target().type()) {
      return;
    }
    List<@Nullable Value> reads = new ArrayList<>();
    add(reads, x);
    addParameters(reads, end.target());
    NodeSpec spec = withAttributes(ort("QLinear" + node.op()), node, Set.of("dilations"));
    finish(node, spec, reads, end);
  }

  // ---- moves ----

  private void joinMove(Node node) {
    IntegerValue x = input(node, 0);
    if (x == null) {
      return;
    }
    List<@Nullable Ending> ends = new ArrayList<>();
    for (Value output : node.outputs()) {
      boolean unused = output == null || (output.uses().isEmpty() && !output.isOutput());
      Ending end = unused ? null : Ending.of(output);
      if (!unused && (end == null || end.activation() != null || !end.target().sameParameters(x))) {
        return;
      }
      ends.add(end);
    }
    if (ends.stream().allMatch(end -> end == null)) {
      return;
    }
    List<@Nullable Value> reads = new ArrayList<>(node.inputs());
    reads.set(0, x.integers());
    if (node.is("Pad") && node.stringAttribute("mode", "constant").equals("constant")) {
      while (reads.size() < 3) {
        reads.add(null);
      }
      reads.set(2, zero(x)); // the integer that stands for 0
    }
    move(node, withAttributes(NodeSpec.of(node.op()), node, Set.of()), reads, ends);
  }

  private void move(
      Node node, NodeSpec spec, List<@Nullable Value> reads, List<@Nullable Ending> ends) {
    List<@Nullable Value> makes = new ArrayList<>();
    for (Ending end : ends) {
      makes.add(end == null ? null : graph.addFresh(end.target().integers().name(), null));
    }
    graph.add(
        spec.named(node.name())
            .reads(reads.toArray(new @Nullable Value[0]))
            .makes(makes.toArray(new @Nullable Value[0])));
    for (int i = 0; i < ends.size(); i++) {
      Ending end = ends.get(i);
      Value made = makes.get(i);
      if (end != null && made != null) {
        graph.replaceUses(end.target().integers(), made);
        remove(end.quantize());
      }
    }
    take(node);
  }

  // ---- writing ----

  private void finish(Node node, NodeSpec spec, List<@Nullable Value> reads, Ending end) {
    NodeSpec complete = spec.named(node.name()).reads(reads.toArray(new @Nullable Value[0]));
    Value integers = end.target().integers();
    if (end.roundingClips()) {
      graph.exchange(end.quantize(), complete.makes(integers));
    } else {
      Value whole = graph.addFresh(integers.name() + "_unclipped", null);
      graph.add(complete.makes(whole));
      graph.exchange(
          end.quantize(),
          NodeSpec.of("Clip")
              .named(integers.name() + "/Clip")
              .reads(whole, integer(end, end.lowest()), integer(end, end.highest()))
              .makes(integers));
    }
    if (end.activation() != null) {
      take(end.activation());
    }
    take(node);
  }

  private void finishInFloat(Node node, NodeSpec spec, List<@Nullable Value> reads) {
    graph.exchange(
        node,
        spec.named(node.name()).reads(reads.toArray(new @Nullable Value[0])).makes(node.output()));
    taken.add(node);
  }

  private void take(Node node) {
    taken.add(node);
    remove(node);
  }

  private void remove(Node node) {
    graph.remove(node);
    Leftovers.remove(graph, node.inputs());
  }

  // ---- operands ----

  /** The bytes with one scale behind an input, or null. */
  private static @Nullable IntegerValue input(Node node, int index) {
    IntegerValue value = IntegerValue.behind(node.input(index));
    return value != null && value.isByte() && value.perTensor() ? value : null;
  }

  private void add(List<@Nullable Value> reads, IntegerValue value) {
    reads.add(value.integers());
    addParameters(reads, value);
  }

  private void addParameters(List<@Nullable Value> reads, IntegerValue value) {
    reads.add(value.scale());
    reads.add(zero(value));
  }

  /** The zero point, spelled out in the shape of the scale where it was left out. */
  private Value zero(IntegerValue value) {
    Value given = value.zeroPoint();
    if (given != null) {
      return given;
    }
    Tensor scale = value.scale().constant();
    long[] shape = scale == null ? new long[0] : scale.shape();
    int count = scale == null ? 1 : Math.toIntExact(scale.elementCount());
    return constant(IntegerTensors.of(value.type(), new int[count], shape));
  }

  /** The zero point of all weights as a scalar, or null if they have several. */
  private @Nullable Value oneZeroPoint(IntegerValue weight) {
    Value given = weight.zeroPoint();
    if (given == null) {
      return constant(IntegerTensors.of(weight.type(), new int[1]));
    }
    Tensor tensor = given.constant();
    if (tensor == null) {
      return null;
    }
    int[] zeros = IntegerTensors.codes(tensor);
    return Arrays.stream(zeros).allMatch(z -> z == zeros[0])
        ? constant(IntegerTensors.of(weight.type(), Arrays.copyOf(zeros, 1)))
        : null;
  }

  private Value integer(Ending end, int value) {
    return constant(IntegerTensors.of(end.target().type(), new int[] {value}));
  }

  private Value constant(Tensor tensor) {
    return constants.computeIfAbsent(tensor, t -> graph.addConstant("integer", t));
  }

  private NodeSpec ort(String op) {
    needsOrtOperators = true;
    return NodeSpec.of(op).in(OrtOperators.DOMAIN);
  }

  private static NodeSpec withAttributes(NodeSpec spec, Node node, Set<String> except) {
    NodeSpec complete = spec;
    for (Map.Entry<String, Attribute> attribute : node.attributes().entrySet()) {
      if (!except.contains(attribute.getKey())) {
        complete = complete.with(attribute.getKey(), attribute.getValue());
      }
    }
    return complete;
  }
}
