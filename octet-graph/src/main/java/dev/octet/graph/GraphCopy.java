package dev.octet.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Copies a graph with the graphs nested in it; tensors are shared. */
final class GraphCopy {
  private final Map<Value, Value> copies = new HashMap<>();

  private GraphCopy() {}

  /** A copy of {@code graph} that stands alone, as {@code graph} must. */
  static Graph of(Graph graph) {
    if (graph.parent() != null) {
      throw new IllegalArgumentException(
          "graph '" + graph.name() + "' is nested; copy the outermost graph instead");
    }
    return new GraphCopy().copy(graph, null);
  }

  private Graph copy(Graph graph, @Nullable Graph parent) {
    Graph copy = new Graph(graph.name(), parent, graph.extra());
    for (Value value : graph.values()) {
      Value twin = copy.addValue(value.name(), value.type());
      twin.constant = value.constant;
      twin.extra = value.extra;
      copies.put(value, twin);
    }
    graph.inputs().forEach(input -> copy.addInput(twin(input)));
    for (Node node : graph.nodesAsAdded()) {
      copy.add(spec(node, copy));
    }
    graph.outputs().forEach(output -> copy.addOutput(twin(output)));
    return copy;
  }

  private NodeSpec spec(Node node, Graph copy) {
    Map<String, Attribute> attributes = new LinkedHashMap<>();
    node.attributes().forEach((name, value) -> attributes.put(name, attribute(value, copy)));
    return new NodeSpec(
        node.name(),
        node.op(),
        node.domain(),
        twins(node.inputs()),
        twins(node.outputs()),
        attributes,
        node.extra());
  }

  private Attribute attribute(Attribute attribute, Graph copy) {
    if (attribute instanceof Attribute.GraphValue single) {
      return new Attribute.GraphValue(copy(single.value(), copy));
    }
    if (attribute instanceof Attribute.GraphList several) {
      return new Attribute.GraphList(several.values().stream().map(g -> copy(g, copy)).toList());
    }
    return attribute;
  }

  private List<@Nullable Value> twins(List<@Nullable Value> values) {
    List<@Nullable Value> result = new ArrayList<>(values.size());
    for (Value value : values) {
      result.add(value == null ? null : twin(value));
    }
    return result;
  }

  private Value twin(Value value) {
    Value found = copies.get(value);
    if (found == null) {
      throw new ModelException("value '" + value.name() + "' belongs to no graph of the model");
    }
    return found;
  }
}
