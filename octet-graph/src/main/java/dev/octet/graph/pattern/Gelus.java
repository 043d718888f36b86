package dev.octet.graph.pattern;

import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds GELUs: the operator, {@code x/2 · (1 + erf(x/√2))}, or its approximation {@code x/2 · (1 +
 * tanh(√(2/π) · (x + 0.044715 x³)))}, with the products in any order.
 */
final class Gelus {
  private static final double CUBIC = 0.044715;

  private Gelus() {}

  /** The unit whose erf, tanh or operator is {@code node}; or null. */
  static @Nullable Unit at(Node node) {
    if (node.is("Gelu")) {
      return new Unit.Gelu(List.of(node));
    }
    List<Node> nodes = new ArrayList<>();
    Value x = null;
    if (node.is("Erf")) {
      x = erfArgument(node, nodes);
    } else if (node.is("Tanh")) {
      x = tanhArgument(node, nodes);
    }
    if (x == null) {
      return null;
    }
    nodes.add(node);
    Node sum = Form.onlyReader(node, "Add");
    if (sum == null || Form.besideConstant(sum, 1) != node.output()) {
      return null;
    }
    nodes.add(sum);
    return addProduct(sum, x, nodes) && Form.isClosed(nodes) ? new Unit.Gelu(nodes) : null;
  }

  /** The x of {@code erf(x/√2)}. */
  private static @Nullable Value erfArgument(Node erf, List<Node> nodes) {
    Node quotient = Form.maker(erf.input(0), "Div");
    if (quotient != null && Form.isClose(quotient.input(1), Math.sqrt(2))) {
      nodes.add(quotient);
      return quotient.input(0);
    }
    Node product = Form.maker(erf.input(0), "Mul");
    if (product != null) {
      nodes.add(product);
      return Form.besideConstant(product, Math.sqrt(0.5));
    }
    return null;
  }

  /** The x of {@code tanh(√(2/π) · (x + 0.044715 x³))}. */
  private static @Nullable Value tanhArgument(Node tanh, List<Node> nodes) {
    Node product = Form.maker(tanh.input(0), "Mul");
    Value inner = product == null ? null : Form.besideConstant(product, Math.sqrt(2 / Math.PI));
    Node sum = Form.maker(inner, "Add");
    if (product == null || sum == null) {
      return null;
    }
    for (Value term : sum.inputs()) {
      Node cubic = Form.maker(term, "Mul");
      Value x = term == null ? null : Form.other(sum, term);
      Value cube = cubic == null ? null : Form.besideConstant(cubic, CUBIC);
      if (cubic != null && x != null && cube != null && addCube(cube, x, nodes)) {
        nodes.addAll(List.of(cubic, sum, product));
        return x;
      }
    }
    return null;
  }

  private static boolean addCube(Value cube, Value x, List<Node> nodes) {
    Node power = Form.maker(cube, "Pow");
    if (power != null && power.input(0) == x && Form.isClose(power.input(1), 3)) {
      nodes.add(power);
      return true;
    }
    Node product = Form.maker(cube, "Mul");
    Node square = product == null ? null : Form.maker(Form.other(product, x), "Mul");
    if (product != null && square != null && square.input(0) == x && square.input(1) == x) {
      nodes.addAll(List.of(square, product));
      return true;
    }
    return false;
  }

  /** Adds the products that multiply {@code sum} by x and by one half, in any order. */
  private static boolean addProduct(Node sum, Value x, List<Node> nodes) {
    Node first = Form.onlyReader(sum, "Mul");
    if (first == null) {
      return false;
    }
    Value factor = Form.other(first, sum.output());
    Node half = Form.maker(factor, "Mul");
    if (half != null && factor != x && Form.besideConstant(half, 0.5) == x) {
      nodes.addAll(List.of(half, first));
      return true;
    }
    Node second = Form.onlyReader(first, "Mul");
    if (second == null) {
      return false;
    }
    nodes.addAll(List.of(first, second));
    return factor == x
        ? Form.besideConstant(second, 0.5) == first.output()
        : Form.isClose(factor, 0.5) && Form.other(second, first.output()) == x;
  }
}
