package dev.octet.graph.pattern;

import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds attentions from their Softmax: backwards through scale and mask, in either order, to the
 * product of query and key; forwards to the product with the values.
 */
final class Attentions {
  /**
   * Between the product and the Softmax lie a scale and one or two masks; more is another thing.
   */
  private static final int LONGEST_CHAIN = 4;

  private static final Set<String> LAYERS =
      Set.of("MatMul", "Gemm", "Conv", "ConvTranspose", "LSTM", "GRU", "RNN");

  private Attentions() {}

  /** The unit whose Softmax is {@code node}; or null. */
  static @Nullable Unit at(Node node) {
    if (!node.is("Softmax")) {
      return null;
    }
    Node context = Form.onlyReader(node, "MatMul");
    if (context == null || context.input(0) != node.output()) {
      return null;
    }
    List<Node> chain = new ArrayList<>(); // from the Softmax back to the product
    Value mask = null;
    Node at = toProduct(node.input(0), LONGEST_CHAIN, chain);
    if (at == null) {
      return null;
    }
    Collections.reverse(chain);
    for (Node step : chain) {
      Value found = maskOf(step, chain);
      mask = found == null ? mask : found;
    }
    List<Node> nodes = new ArrayList<>(chain);
    nodes.add(node);
    nodes.add(context);
    if (!Form.isClosed(nodes)) {
      return null;
    }
    return new Unit.Attention(nodes, at, mask, maskNodes(mask), node, context);
  }

  /**
   * The product of query and key behind {@code value}; the nodes on the way go to {@code chain}.
   */
  private static @Nullable Node toProduct(@Nullable Value value, int steps, List<Node> chain) {
    Node node = value == null ? null : value.producer();
    if (node == null || steps < 0 || !node.domain().isEmpty()) {
      return null;
    }
    int mark = chain.size();
    chain.add(node);
    switch (node.op()) {
      case "MatMul" -> {
        if (!Form.isConstant(node.input(0)) && !Form.isConstant(node.input(1))) {
          return node;
        }
      }
      case "Mul", "Div", "Add", "Sub", "Where", "Identity", "Cast" -> {
        for (Value input : node.inputs()) {
          Node product = toProduct(input, steps - 1, chain);
          if (product != null) {
            return product;
          }
        }
      }
      default -> {}
    }
    chain.subList(mark, chain.size()).clear();
    return null;
  }

  /** What {@code step} masks the scores with, if it does. */
  private static @Nullable Value maskOf(Node step, List<Node> chain) {
    if (step.is("Where")) {
      return step.input(0);
    }
    if (step.is("Add") || step.is("Sub")) {
      for (Value input : step.inputs()) {
        if (input != null && !chain.contains(input.producer())) {
          return input;
        }
      }
    }
    return null;
  }

  /** Everything that {@code mask} is made of, oldest last; nothing if a layer is among it. */
  private static List<Node> maskNodes(@Nullable Value mask) {
    Set<Node> found = new LinkedHashSet<>();
    Deque<Node> open = new ArrayDeque<>();
    if (mask != null && mask.producer() != null) {
      open.add(mask.producer());
    }
    while (!open.isEmpty()) {
      Node node = open.remove();
      if (LAYERS.contains(node.op()) || !node.domain().isEmpty()) {
        return List.of();
      }
      if (found.add(node)) {
        for (Value input : node.inputs()) {
          Node producer = input == null ? null : input.producer();
          if (producer != null) {
            open.add(producer);
          }
        }
      }
    }
    List<Node> ordered = new ArrayList<>(found);
    Collections.reverse(ordered);
    return ordered;
  }
}
