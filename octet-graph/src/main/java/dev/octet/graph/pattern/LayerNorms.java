package dev.octet.graph.pattern;

import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds layer normalizations: the operator, or {@code (x − mean) / sqrt(mean((x − mean)²) + ε)}
 * written out, with the constant scale and shift after it where they are.
 */
final class LayerNorms {

  private LayerNorms() {}

  /** The unit whose division, or operator, is {@code node}; or null. */
  static @Nullable Unit at(Node node) {
    if (node.is("LayerNormalization")) {
      return new Unit.LayerNorm(List.of(node));
    }
    if (!node.is("Div")) {
      return null;
    }
    Node root = Form.maker(node.input(1), "Sqrt");
    Node sum = root == null ? null : Form.maker(root.input(0), "Add");
    Node variance = sum == null ? null : variance(sum);
    Node square = variance == null ? null : square(variance.input(0));
    Value squared = square == null ? null : square.input(0);
    Node deviation = Form.maker(squared, "Sub");
    Node dividend = Form.maker(node.input(0), "Sub");
    if (root == null
        || sum == null
        || variance == null
        || square == null
        || deviation == null
        || dividend == null) {
      return null;
    }
    Set<Node> nodes = new LinkedHashSet<>();
    if (!addDeviation(deviation, nodes) || !addDeviation(dividend, nodes)) {
      return null;
    }
    if (deviation.input(0) != dividend.input(0)) {
      return null;
    }
    nodes.addAll(List.of(square, variance, sum, root, node));
    List<Node> all = new ArrayList<>(nodes);
    extend(all, "Mul");
    extend(all, "Add");
    return Form.isClosed(all) ? new Unit.LayerNorm(all) : null;
  }

  /** The ReduceMean to which {@code sum} adds a constant. */
  private static @Nullable Node variance(Node sum) {
    for (Value input : sum.inputs()) {
      Node mean = Form.maker(input, "ReduceMean");
      if (mean != null && input != null && Form.scalar(Form.other(sum, input)) != null) {
        return mean;
      }
    }
    return null;
  }

  private static @Nullable Node square(@Nullable Value value) {
    Node power = Form.maker(value, "Pow");
    if (power != null) {
      return Form.isClose(power.input(1), 2) ? power : null;
    }
    Node product = Form.maker(value, "Mul");
    return product != null && product.input(0) == product.input(1) ? product : null;
  }

  /** Adds {@code x − mean(x)}, if {@code difference} is that. Exporters may write it twice. */
  private static boolean addDeviation(Node difference, Set<Node> nodes) {
    Node mean = Form.maker(difference.input(1), "ReduceMean");
    if (mean == null || mean.input(0) != difference.input(0)) {
      return false;
    }
    nodes.add(mean);
    nodes.add(difference);
    return true;
  }

  private static void extend(List<Node> nodes, String op) {
    Node last = nodes.get(nodes.size() - 1);
    Node next = Form.onlyReader(last, op);
    if (next != null && Form.isConstant(Form.other(next, last.output()))) {
      nodes.add(next);
    }
  }
}
