package dev.octet.graph;

import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One named value of a graph: an input, a constant, or the output of exactly one node.
 *
 * <p>Values are linked as objects and never matched by name. A value belongs to the graph that made
 * it; nodes of nested graphs may read it.
 */
public final class Value {

  /** One place where a value is read: input number {@code index} of {@code node}. */
  public record Use(Node node, int index) {}

  final Graph graph;
  String name;
  @Nullable ValueType type;
  @Nullable Node producer;
  @Nullable Tensor constant;
  Bytes extra = Bytes.EMPTY;

  /** How many nested graphs return this outer value as one of their outputs. */
  int returnedBy;

  private final Set<Use> uses = new LinkedHashSet<>();

  Value(Graph graph, String name, @Nullable ValueType type) {
    this.graph = graph;
    this.name = name;
    this.type = type;
  }

  /** The name, unique in the graph and the graphs around it. */
  public String name() {
    return name;
  }

  /** What the model declares of it, or null where it says nothing. */
  public @Nullable ValueType type() {
    return type;
  }

  /** The declared dimensions, or null where the model does not give them. */
  public @Nullable List<Dimension> shape() {
    return type instanceof ValueType.TensorType tensor ? tensor.shape() : null;
  }

  /** The graph it belongs to. */
  public Graph graph() {
    return graph;
  }

  /** The node that makes it; null for inputs and initializers. */
  public @Nullable Node producer() {
    return producer;
  }

  /** The tensor of an initializer, also where a caller may override it; null otherwise. */
  public @Nullable Tensor initializer() {
    return constant;
  }

  /** The tensor this value always has: an initializer that is not also an input; null otherwise. */
  public @Nullable Tensor constant() {
    return constant != null && !isInput() ? constant : null;
  }

  /** What a file says of this value beyond the above (documentation, denotations), encoded. */
  public Bytes extra() {
    return extra;
  }

  /** Whether callers of the graph supply it. */
  public boolean isInput() {
    return graph.inputs().contains(this);
  }

  /** Whether the graph returns it. */
  public boolean isOutput() {
    return graph.outputs().contains(this);
  }

  /** Every place that reads it, nested graphs included, oldest first. */
  public Set<Use> uses() {
    return Collections.unmodifiableSet(uses);
  }

  /** The nodes that read it, each once, oldest first. */
  public List<Node> consumers() {
    return uses.stream().map(Use::node).distinct().toList();
  }

  /** The one node that reads it, if there is exactly one and the graph does not return it. */
  public @Nullable Node onlyConsumer() {
    List<Node> readers = consumers();
    return readers.size() == 1 && !isOutput() && returnedBy == 0 ? readers.get(0) : null;
  }

  void addUse(Node node, int index) {
    uses.add(new Use(node, index));
  }

  void removeUse(Node node, int index) {
    uses.remove(new Use(node, index));
  }

  @Override
  public String toString() {
    return name;
  }
}
