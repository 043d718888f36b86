package dev.octet.engine.lower;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Rewriter;
import dev.octet.graph.pattern.Patterns;
import dev.octet.graph.pattern.Unit;
import dev.octet.graph.shape.Shapes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Says with one operator what a graph says with several, where the engine has code for the one, and
 * gives integers the sign that its products want. Computes the same, up to the rounding of floats.
 */
public final class Canonical {
  private static final Set<String> MOVES =
      Set.of("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten");

  private final Graph graph;
  private final Rewriter change;

  private Canonical(Graph graph) {
    this.graph = graph;
    this.change = Rewriter.on(graph);
  }

  /** Rewrites {@code graph}, of operator set 20 or later. */
  public static void rewrite(Graph graph) {
    Canonical canonical = new Canonical(graph);
    Patterns patterns = Patterns.find(graph);
    patterns.units(Unit.Gelu.class).forEach(canonical::gelu);
    patterns.units(Unit.LayerNorm.class).forEach(canonical::layerNorm);
    Shapes shapes = Shapes.infer(graph);
    for (Node node : graph.nodes()) {
      if (node.is("ReduceMean")) {
        canonical.mean(node, shapes);
      }
    }
    for (Node node : graph.nodes()) {
      if (node.is("MatMul")) {
        canonical.signed(node);
      }
    }
  }

  // ---- units ----

  private void gelu(Unit.Gelu unit) {
    if (unit.nodes().size() < 2 || unit.inputs().size() != 1) {
      return;
    }
    boolean tanh = unit.nodes().stream().anyMatch(node -> node.is("Tanh"));
    exchange(
        unit,
        NodeSpec.of("Gelu")
            .reads(unit.inputs().get(0))
            .with("approximate", new Attribute.StringValue(tanh ? "tanh" : "none")));
  }

  /** Where the last dimension is normalized and then scaled by a constant vector. */
  private void layerNorm(Unit.LayerNorm unit) {
    List<Node> nodes = unit.nodes();
    Node scaling = find(nodes, "Mul", null);
    Node shifting = find(nodes, "Add", unit.output());
    Node root = find(nodes, "Sqrt", null);
    Node sum = root == null || root.input(0) == null ? null : maker(root.input(0));
    Tensor epsilon = sum == null ? null : constantBeside(sum);
    Value scale = scaling == null ? null : constantInput(scaling);
    Value shift = shifting == null ? null : constantInput(shifting);
    if (nodes.size() < 2
        || unit.inputs().size() != 1
        || scale == null
        || epsilon == null
        || !isVector(scale, scale)
        || (shift != null && !isVector(shift, scale))
        || !nodes.stream().filter(n -> n.is("ReduceMean")).allMatch(this::isOverLast)) {
      return;
    }
    NodeSpec spec = NodeSpec.of("LayerNormalization");
    spec =
        shift == null
            ? spec.reads(unit.inputs().get(0), scale)
            : spec.reads(unit.inputs().get(0), scale, shift);
    exchange(
        unit,
        spec.with("axis", -1).with("epsilon", new Attribute.FloatValue(epsilon.toFloats()[0])));
  }

  /** A node of the unit that has a constant vector as an operand; {@code output} makes it last. */
  private static @Nullable Node find(List<Node> nodes, String op, @Nullable Value output) {
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node node = nodes.get(i);
      boolean wanted =
          op.equals("Sqrt")
              || (output == null ? constantInput(node) != null : node.output() == output);
      if (node.is(op) && wanted) {
        return node;
      }
    }
    return null;
  }

  private static @Nullable Node maker(@Nullable Value value) {
    return value == null ? null : value.producer();
  }

  private static @Nullable Value constantInput(Node node) {
    for (Value input : node.inputs()) {
      if (input != null && input.constant() != null) {
        return input;
      }
    }
    return null;
  }

  private static @Nullable Tensor constantBeside(Node node) {
    Value constant = constantInput(node);
    Tensor tensor = constant == null ? null : constant.constant();
    return tensor != null && tensor.type() == DataType.FLOAT && tensor.elementCount() == 1
        ? tensor
        : null;
  }

  private static boolean isVector(Value value, Value like) {
    Tensor tensor = value.constant();
    Tensor other = like.constant();
    return tensor != null
        && other != null
        && tensor.type() == DataType.FLOAT
        && tensor.rank() == 1
        && tensor.elementCount() > 1
        && tensor.elementCount() == other.elementCount();
  }

  private boolean isOverLast(Node mean) {
    return axes(mean).equals(List.of(-1L)) && mean.intAttribute("keepdims", 1) != 0;
  }

  private static List<Long> axes(Node node) {
    Value given = node.input(1);
    Tensor tensor = given == null ? null : given.constant();
    List<Long> axes = new ArrayList<>();
    if (tensor != null && (tensor.type() == DataType.INT64 || tensor.type() == DataType.INT32)) {
      for (long axis : tensor.toLongs()) {
        axes.add(axis);
      }
      return axes;
    }
    return given == null ? node.intsAttribute("axes", List.of()) : axes;
  }

  private void exchange(Unit unit, NodeSpec spec) {
    List<Node> nodes = unit.nodes();
    Node last = nodes.get(nodes.size() - 1);
    change.exchange(last, spec.named(last.name()).makes(last.output()));
    for (int i = nodes.size() - 2; i >= 0; i--) {
      change.remove(nodes.get(i));
    }
  }

  // ---- means of planes ----

  /** ReduceMean over all positions of [N, C, positions...] is GlobalAveragePool. */
  private void mean(Node node, Shapes shapes) {
    Value input = node.input(0);
    List<Dimension> shape = input == null ? null : shapes.shape(input);
    if (input == null
        || shape == null
        || shape.size() < 3
        || shape.size() > 5
        || shapes.elementType(input) != DataType.FLOAT) {
      return;
    }
    int rank = shape.size();
    List<Long> axes =
        axes(node).stream().map(axis -> axis < 0 ? axis + rank : axis).sorted().toList();
    List<Long> positions = new ArrayList<>();
    for (long axis = 2; axis < rank; axis++) {
      positions.add(axis);
    }
    if (!axes.equals(positions)) {
      return;
    }
    NodeSpec pool = NodeSpec.of("GlobalAveragePool").reads(input);
    if (node.intAttribute("keepdims", 1) != 0) {
      change.exchange(node, pool.named(node.name()).makes(node.output()));
    } else {
      Value pooled = change.add(pool, node.output().name() + "_pooled");
      change.exchange(
          node, NodeSpec.of("Flatten").named(node.name()).reads(pooled).makes(node.output()));
    }
  }

  // ---- signs ----

  /**
   * The right side of a product of two activations becomes signed where it is unsigned: {@code q −
   * 128} with zero point {@code z − 128} means the same, and that is the side on which oneDNN wants
   * signed integers.
   */
  private void signed(Node product) {
    Value right = product.input(1);
    while (right != null) {
      Node back = right.producer();
      Value integers = back == null || !back.is("DequantizeLinear") ? null : back.input(0);
      Node forth = integers == null ? null : integers.producer();
      if (back == null
          || integers == null
          || forth == null
          || !forth.is("QuantizeLinear")
          || integers.isOutput()
          || !integers.consumers().stream().allMatch(n -> n.is("DequantizeLinear"))
          || !isUnsigned(forth)
          || !integers.consumers().stream().allMatch(n -> sameZero(n, forth))) {
        return;
      }
      Tensor zero = zero(forth);
      byte shifted = (byte) ((zero == null ? 0 : zero.toLongs()[0]) - 128);
      Value signed =
          graph.addConstant(
              forth.output().name() + "_zero", Tensor.ofRaw(DataType.INT8, new byte[] {shifted}));
      List<Node> readers = integers.consumers();
      change.setInput(forth, 2, signed);
      readers.forEach(reader -> change.setInput(reader, 2, signed));
      graph.setType(integers, null);
      Node move = maker(forth.input(0));
      right =
          move != null && MOVES.contains(move.op()) && onlyRead(move, forth) ? move.input(0) : null;
    }
  }

  private static boolean onlyRead(Node move, Node reader) {
    return move.output().consumers().stream()
        .allMatch(node -> node == reader || node.is("Shape") || node.is("Size"));
  }

  private static @Nullable Tensor zero(Node node) {
    Value value = node.input(2);
    return value == null ? null : value.constant();
  }

  /** Whether it is of unsigned bytes with one constant zero point. */
  private static boolean isUnsigned(Node node) {
    Tensor zero = zero(node);
    return node.input(2) != null
        && zero != null
        && zero.type() == DataType.UINT8
        && zero.rank() == 0
        && zero.elementCount() == 1;
  }

  private static boolean sameZero(Node node, Node as) {
    Tensor zero = zero(node);
    return zero != null && zero.equals(zero(as));
  }
}
