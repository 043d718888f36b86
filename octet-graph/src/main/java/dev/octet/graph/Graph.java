package dev.octet.graph;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A directed acyclic graph of nodes over values.
 *
 * <p>Every change goes through this class, which checks it completely before it touches anything.
 * Nodes may be added in any order; {@link #nodes()} gives a topological order that keeps the order
 * of addition wherever the links allow it. Not thread-safe.
 */
public final class Graph {
  private final String name;
  private final @Nullable Graph parent;
  private final Bytes extra;
  private final Set<Value> inputs = new LinkedHashSet<>();
  private final List<Value> outputs = new ArrayList<>();
  private final Map<String, Value> values = new LinkedHashMap<>();
  private final Set<Node> nodes = new LinkedHashSet<>();

  /**
   * Names in use anywhere in the family of nested graphs, so that a fresh name is fresh for all.
   */
  private final Map<String, Integer> familyNames;

  private @Nullable List<Node> ordered;
  private long serial;

  /** An empty graph that stands alone. */
  public Graph(String name) {
    this(name, null, Bytes.EMPTY);
  }

  /**
   * An empty graph.
   *
   * @param name as in the file; may be empty
   * @param parent the graph whose node will hold this one as an attribute, or null
   * @param extra further fields of the file, encoded
   */
  public Graph(String name, @Nullable Graph parent, Bytes extra) {
    this.name = name;
    this.parent = parent;
    this.extra = extra;
    this.familyNames = parent == null ? new HashMap<>() : parent.familyNames;
  }

  /** The name, possibly empty. */
  public String name() {
    return name;
  }

  /** The graph around this one, or null. */
  public @Nullable Graph parent() {
    return parent;
  }

  /** What a file says of this graph beyond nodes, values and tensors, encoded. */
  public Bytes extra() {
    return extra;
  }

  /** What callers supply, in order. */
  public Collection<Value> inputs() {
    return Collections.unmodifiableSet(inputs);
  }

  /** What the graph returns, in order. */
  public List<Value> outputs() {
    return Collections.unmodifiableList(outputs);
  }

  /** Every value of this graph (not of nested ones), in order of creation. */
  public Collection<Value> values() {
    return Collections.unmodifiableCollection(values.values());
  }

  /** The value called {@code valueName} in this graph, not in the graphs around it; or null. */
  public @Nullable Value value(String valueName) {
    return values.get(valueName);
  }

  /** The value called {@code valueName} here or in the nearest graph around; or null. */
  public @Nullable Value resolve(String valueName) {
    for (Graph scope = this; scope != null; scope = scope.parent) {
      Value found = scope.values.get(valueName);
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  /**
   * The nodes, each after everything it depends on.
   *
   * @throws ModelException if the nodes depend on each other in a circle
   */
  public List<Node> nodes() {
    List<Node> result = ordered;
    if (result == null) {
      result = sort();
      ordered = result;
    }
    return result;
  }

  /** Number of nodes in this graph, nested ones not counted. */
  public int nodeCount() {
    return nodes.size();
  }

  // ---- change ----

  /**
   * Makes a value that nothing produces yet.
   *
   * @throws ModelException if the graph has a value of that name already
   */
  public Value addValue(String valueName, @Nullable ValueType type) {
    if (values.containsKey(valueName)) {
      throw new ModelException(
          "graph '" + name + "' has two values named '" + valueName + "'; names must be unique");
    }
    Value value = new Value(this, valueName, type);
    values.put(valueName, value);
    familyNames.merge(valueName, 1, Integer::sum);
    return value;
  }

  /** Makes a value whose name starts with {@code stem} and is new to the whole family of graphs. */
  public Value addFresh(String stem, @Nullable ValueType type) {
    return addValue(freshName(stem), type);
  }

  /** {@code stem}, or {@code stem_1}, {@code stem_2} … : the first that no graph here uses. */
  public String freshName(String stem) {
    String candidate = stem;
    for (int i = 1; familyNames.containsKey(candidate); i++) {
      candidate = stem + "_" + i;
    }
    return candidate;
  }

  /** Makes a constant under a fresh name that starts with {@code stem}. */
  public Value addConstant(String stem, Tensor tensor) {
    Value value = addFresh(stem, null);
    value.constant = tensor;
    return value;
  }

  /**
   * Gives {@code value} a tensor: it becomes an initializer, or its tensor is replaced.
   *
   * @throws IllegalArgumentException if a node produces it
   */
  public void setInitializer(Value value, Tensor tensor) {
    checkOwned(value);
    if (value.producer != null) {
      throw new IllegalArgumentException(
          "value '" + value.name + "' is made by a node; a constant cannot replace it");
    }
    value.constant = tensor;
  }

  /** Declares what is known of {@code value}. */
  public void setType(Value value, @Nullable ValueType type) {
    checkOwned(value);
    value.type = type;
  }

  /** Keeps what a file says of {@code value} beyond type and tensor, encoded. */
  public void setExtra(Value value, Bytes extra) {
    checkOwned(value);
    value.extra = extra;
  }

  /** Makes {@code value} an input, after the others. */
  public void addInput(Value value) {
    checkOwned(value);
    if (value.producer != null) {
      throw new ModelException(
          "value '" + value.name + "' is made by a node and cannot also be an input");
    }
    if (!inputs.add(value)) {
      throw new ModelException("graph '" + name + "' lists input '" + value.name + "' twice");
    }
  }

  /** Stops callers from supplying {@code value}; it must be a constant or unused. */
  public void removeInput(Value value) {
    checkOwned(value);
    if (value.constant == null && !value.uses().isEmpty()) {
      throw new IllegalArgumentException(
          "input '" + value.name + "' is read by " + value.consumers().size() + " nodes");
    }
    inputs.remove(value);
  }

  /** Makes {@code value}, of this graph or one around it, an output after the others. */
  public void addOutput(Value value) {
    checkVisible(value);
    outputs.add(value);
    if (value.graph != this) {
      value.returnedBy++;
    }
    changed();
  }

  /**
   * Adds a node.
   *
   * @throws IllegalArgumentException if a link leads to another graph's value (inputs may come from
   *     graphs around this one)
   * @throws ModelException if an output is made by another node already
   */
  public Node add(NodeSpec spec) {
    for (Value input : spec.inputs()) {
      if (input != null) {
        checkVisible(input);
      }
    }
    Set<Value> made = new HashSet<>();
    for (Value output : spec.outputs()) {
      if (output == null) {
        continue;
      }
      checkOwned(output);
      if (output.producer != null
          || !made.add(output)
          || output.constant != null
          || inputs.contains(output)) {
        throw new ModelException(
            "value '" + output.name + "' is made twice; see node '" + spec.name() + "'");
      }
    }
    Node node = new Node(this, serial++, spec);
    link(node);
    nodes.add(node);
    changed();
    return node;
  }

  /**
   * Removes a node whose outputs nobody reads. The outputs go with it.
   *
   * @throws IllegalArgumentException if an output is still read or returned
   */
  public void remove(Node node) {
    checkOwned(node);
    for (Value output : node.outputs) {
      if (output != null && isNeeded(output)) {
        throw new IllegalArgumentException(
            "node '" + node.label() + "' makes '" + output.name + "', which is still needed");
      }
    }
    for (int i = 0; i < node.inputs.size(); i++) {
      Value input = node.inputs.get(i);
      if (input != null) {
        input.removeUse(node, i);
      }
    }
    for (Graph nested : node.nestedGraphs()) {
      nested.release();
    }
    nodes.remove(node);
    for (Value output : node.outputs) {
      if (output != null) {
        output.producer = null;
        forget(output);
      }
    }
    changed();
  }

  /**
   * Puts a node after {@code spec} in the place of {@code node}: the values that both make keep
   * their names, readers and types. Outputs that only the old node made go with it.
   *
   * @return the new node, which has the old one's place in the order
   * @throws IllegalArgumentException if a link leads to another graph's value, or an output that
   *     the new node does not make is still needed
   * @throws ModelException if an output is made by another node already
   */
  public Node exchange(Node node, NodeSpec spec) {
    checkOwned(node);
    for (Value input : spec.inputs()) {
      if (input != null) {
        checkVisible(input);
      }
    }
    Set<Value> made = new HashSet<>();
    for (Value output : spec.outputs()) {
      if (output == null) {
        continue;
      }
      checkOwned(output);
      if ((output.producer != null && output.producer != node)
          || !made.add(output)
          || output.constant != null
          || inputs.contains(output)) {
        throw new ModelException(
            "value '" + output.name + "' is made twice; see node '" + spec.name() + "'");
      }
    }
    for (Value output : node.outputs) {
      if (output != null && !made.contains(output) && isNeeded(output)) {
        throw new IllegalArgumentException(
            "node '" + node.label() + "' makes '" + output.name + "', which is still needed");
      }
    }
    Node successor = new Node(this, node.serial, spec);
    for (int i = 0; i < node.inputs.size(); i++) {
      Value input = node.inputs.get(i);
      if (input != null) {
        input.removeUse(node, i);
      }
    }
    List<Graph> kept = successor.nestedGraphs();
    for (Graph nested : node.nestedGraphs()) {
      if (!kept.contains(nested)) {
        nested.release();
      }
    }
    for (Value output : node.outputs) {
      if (output != null) {
        output.producer = null;
        if (!made.contains(output)) {
          forget(output);
        }
      }
    }
    nodes.remove(node);
    link(successor);
    nodes.add(successor);
    changed();
    return successor;
  }

  /** Removes an unused value that nothing makes, such as an initializer that was replaced. */
  public void remove(Value value) {
    checkOwned(value);
    if (value.producer != null || isNeeded(value) || inputs.contains(value)) {
      throw new IllegalArgumentException("value '" + value.name + "' is still needed");
    }
    forget(value);
  }

  /** Makes input number {@code index} of {@code node} read {@code value}; null leaves it out. */
  public void setInput(Node node, int index, @Nullable Value value) {
    checkOwned(node);
    if (value != null) {
      checkVisible(value);
    }
    Objects.checkIndex(index, node.inputs.size() + 1);
    if (index == node.inputs.size()) {
      node.inputs.add(null);
    }
    Value before = node.inputs.set(index, value);
    if (before != null) {
      before.removeUse(node, index);
    }
    if (value != null) {
      value.addUse(node, index);
    }
    changed();
  }

  /** Sets an attribute of {@code node}. Graphs nested in the attribute's former value go away. */
  public void setAttribute(Node node, String attribute, Attribute value) {
    checkOwned(node);
    List<Graph> before = node.nestedGraphs();
    node.attributes.put(attribute, value);
    before.removeAll(node.nestedGraphs());
    before.forEach(Graph::release);
    changed();
  }

  /**
   * Makes every reader of {@code old} read {@code replacement} instead; graph outputs keep reading
   * {@code old}.
   */
  public void replaceUses(Value old, Value replacement) {
    for (Value.Use use : List.copyOf(old.uses())) {
      use.node().graph.setInput(use.node(), use.index(), replacement);
    }
  }

  /**
   * Puts {@code replacement} in the place of {@code old} everywhere. Where {@code old} is an output
   * of the graph, the two exchange names, so that callers see no difference.
   *
   * @throws IllegalArgumentException if {@code old} is an output and {@code replacement} is an
   *     input, an initializer or an output itself, because then a name would be lost
   */
  public void replace(Value old, Value replacement) {
    checkOwned(old);
    if (!canReplace(old, replacement)) {
      throw new IllegalArgumentException(
          "output '" + old.name + "' cannot be replaced by '" + replacement.name + "'");
    }
    replaceUses(old, replacement);
    if (old.isOutput()) {
      outputs.replaceAll(output -> output == old ? replacement : output);
      String publicName = old.name;
      old.name = replacement.name;
      replacement.name = publicName;
      values.put(old.name, old);
      values.put(replacement.name, replacement);
      ValueType declared = old.type;
      if (declared != null) {
        replacement.type = declared;
      }
    }
  }

  /** Whether {@link #replace} would be accepted. */
  public boolean canReplace(Value old, Value replacement) {
    return old.returnedBy == 0
        && (!old.isOutput()
            || (replacement.graph == this
                && replacement.producer != null
                && !replacement.isOutput()
                && replacement.returnedBy == 0));
  }

  // ---- the rest ----

  /** Nodes in the order in which they were added, which the links need not allow. */
  Iterable<Node> nodesAsAdded() {
    return nodes;
  }

  /** The graph as text, one node a line: for people and for failure messages. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("graph ").append(name).append(inputs).append('\n');
    for (Node node : nodes) {
      text.append("  ").append(node).append('\n');
    }
    return text.append("  return ").append(outputs).append('\n').toString();
  }

  /** Forgets the order here and around: what nested nodes read orders the outer nodes too. */
  private void changed() {
    for (Graph scope = this; scope != null; scope = scope.parent) {
      scope.ordered = null;
    }
  }

  private boolean isNeeded(Value value) {
    return !value.uses().isEmpty() || value.isOutput() || value.returnedBy > 0;
  }

  private void forget(Value value) {
    values.remove(value.name);
    familyNames.computeIfPresent(value.name, (n, count) -> count == 1 ? null : count - 1);
  }

  /** Drops the links from a nested graph that goes away to the values around it. */
  private void release() {
    for (Value output : outputs) {
      if (output.graph != this) {
        output.returnedBy--;
      }
    }
    for (Node node : nodes) {
      for (int i = 0; i < node.inputs.size(); i++) {
        Value input = node.inputs.get(i);
        if (input != null) {
          input.removeUse(node, i);
        }
      }
      node.nestedGraphs().forEach(Graph::release);
    }
  }

  private void link(Node node) {
    for (int i = 0; i < node.inputs.size(); i++) {
      Value input = node.inputs.get(i);
      if (input != null) {
        input.addUse(node, i);
      }
    }
    for (Value output : node.outputs) {
      if (output != null) {
        output.producer = node;
      }
    }
  }

  /** Kahn's algorithm; among nodes that are ready the oldest goes first. */
  private List<Node> sort() {
    Map<Node, Integer> missing = new HashMap<>();
    Map<Node, List<Node>> readers = new HashMap<>();
    PriorityQueue<Node> ready = new PriorityQueue<>((a, b) -> Long.compare(a.serial, b.serial));
    for (Node node : nodes) {
      Set<Node> needs = new HashSet<>();
      collectNeeds(node, needs);
      missing.put(node, needs.size());
      needs.forEach(need -> readers.computeIfAbsent(need, n -> new ArrayList<>()).add(node));
      if (needs.isEmpty()) {
        ready.add(node);
      }
    }
    List<Node> result = new ArrayList<>(nodes.size());
    while (!ready.isEmpty()) {
      Node next = ready.remove();
      result.add(next);
      for (Node reader : readers.getOrDefault(next, List.of())) {
        if (missing.merge(reader, -1, Integer::sum) == 0) {
          ready.add(reader);
        }
      }
    }
    if (result.size() != nodes.size()) {
      Node stuck =
          nodes.stream().filter(n -> missing.getOrDefault(n, 0) > 0).findFirst().orElseThrow();
      throw new ModelException(
          "graph '" + name + "' has a cycle through node '" + stuck.label() + "'");
    }
    return Collections.unmodifiableList(result);
  }

  private void collectNeeds(Node node, Set<Node> needs) {
    for (Value input : node.inputs) {
      addNeed(input, needs);
    }
    for (Graph nested : node.nestedGraphs()) {
      nested.outputs.forEach(output -> addNeed(output, needs));
      nested.nodes.forEach(inner -> collectNeeds(inner, needs));
    }
  }

  private void addNeed(@Nullable Value value, Set<Node> needs) {
    if (value != null && value.graph == this && value.producer != null) {
      needs.add(value.producer);
    }
  }

  private void checkOwned(Value value) {
    if (value.graph != this) {
      throw new IllegalArgumentException(
          "value '" + value.name + "' belongs to another graph than '" + name + "'");
    }
  }

  private void checkOwned(Node node) {
    if (node.graph != this || !nodes.contains(node)) {
      throw new IllegalArgumentException(
          "node '" + node.label() + "' is not in graph '" + name + "'");
    }
  }

  private void checkVisible(Value value) {
    for (Graph scope = this; scope != null; scope = scope.parent) {
      if (value.graph == scope) {
        return;
      }
    }
    throw new IllegalArgumentException(
        "value '" + value.name + "' is not visible in graph '" + name + "'");
  }
}
