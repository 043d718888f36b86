package dev.octet.graph.pass;

import dev.octet.graph.Attribute;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The hand with which rewrites change a graph: the few moves they need, each leaving no litter.
 *
 * <p>All moves are on the graph that owns the node or value named.
 */
public final class Rewriter {
  private final Graph graph;

  private Rewriter(Graph graph) {
    this.graph = graph;
  }

  /** The hand for the nodes of {@code graph} (for those of nested graphs take another). */
  public static Rewriter on(Graph graph) {
    return new Rewriter(graph);
  }

  /** Adds a node whose one output is new, named after {@code stem}; returns that output. */
  public Value add(NodeSpec spec, String stem) {
    Value output = graph.addFresh(stem, null);
    graph.add(spec.makes(output));
    return output;
  }

  /** Makes a constant under a fresh name that starts with {@code stem}. */
  public Value addConstant(String stem, Tensor tensor) {
    return graph.addConstant(stem, tensor);
  }

  /** Sets attribute {@code name} of {@code node}. */
  public void setAttribute(Node node, String name, Attribute value) {
    graph.setAttribute(node, name, value);
  }

  /** Makes input {@code index} of {@code node} read {@code value}; what it read before may go. */
  public void setInput(Node node, int index, @Nullable Value value) {
    Value before = node.input(index);
    graph.setInput(node, index, value);
    dropIfUnused(before);
  }

  /**
   * Makes input {@code index} of {@code node} the constant {@code tensor}. A constant that only
   * this input reads is replaced under its own name; a shared one stays as it is for the others.
   *
   * @param stem how the name starts where a new constant is needed and the input had none
   */
  public void setConstantInput(Node node, int index, String stem, Tensor tensor) {
    Value before = node.input(index);
    if (before != null
        && before.constant() != null
        && before.uses().size() == 1
        && !isReturned(before)) {
      before.graph().setInitializer(before, tensor);
      before.graph().setType(before, null);
      return;
    }
    graph.setInput(node, index, graph.addConstant(before == null ? stem : before.name(), tensor));
  }

  /**
   * Puts a node after {@code spec} in the place of {@code node}, making the same values under the
   * same names, and removes the constants that only the old one read; see {@link Graph#exchange}.
   */
  public Node exchange(Node node, NodeSpec spec) {
    Set<@Nullable Value> read = new LinkedHashSet<>(node.inputs());
    Node successor = graph.exchange(node, spec);
    read.forEach(Rewriter::dropIfUnused);
    return successor;
  }

  /** Puts {@code replacement} in the place of {@code old}; see {@link Graph#replace}. */
  public void replace(Value old, Value replacement) {
    graph.replace(old, replacement);
  }

  /**
   * Makes the only output of {@code node} a constant under the same name and removes the node.
   *
   * @throws IllegalArgumentException if the output is returned by a graph
   */
  public void replaceByConstant(Node node, Tensor tensor) {
    Value old = node.output();
    String name = old.name();
    Value bridge = graph.addConstant(name, tensor);
    graph.replaceUses(old, bridge);
    remove(node);
    // Only now is the name free: values cannot be renamed.
    Value constant = graph.addValue(name, null);
    graph.setInitializer(constant, tensor);
    graph.replaceUses(bridge, constant);
    graph.remove(bridge);
  }

  /**
   * Removes {@code node}, whose outputs nobody reads, and the constants that only it read.
   *
   * @throws IllegalArgumentException if an output is still needed
   */
  public void remove(Node node) {
    Set<@Nullable Value> read = new LinkedHashSet<>(node.inputs());
    graph.remove(node);
    read.forEach(Rewriter::dropIfUnused);
  }

  /** Whether the graph of {@code value}, or a graph nested in it, returns it. */
  static boolean isReturned(Value value) {
    // A value can take its own place exactly when no graph returns it.
    return value.isOutput() || !value.graph().canReplace(value, value);
  }

  private static void dropIfUnused(@Nullable Value value) {
    if (value != null
        && Objects.nonNull(value.constant())
        && value.uses().isEmpty()
        && !isReturned(value)) {
      value.graph().remove(value);
    }
  }
}
