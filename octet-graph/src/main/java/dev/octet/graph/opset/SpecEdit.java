package dev.octet.graph.opset;

import dev.octet.graph.Attribute;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Rewriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Builds the successor of a node: its operator, attributes and inputs with a few changes. */
final class SpecEdit {
  private final Node node;
  private final Rewriter change;
  private final Map<String, Attribute> attributes;
  private final List<@Nullable Value> inputs;
  private String op;

  SpecEdit(Node node, Rewriter change) {
    this.node = node;
    this.change = change;
    this.op = node.op();
    this.attributes = new LinkedHashMap<>(node.attributes());
    this.inputs = new ArrayList<>(node.inputs());
  }

  SpecEdit op(String newOp) {
    op = newOp;
    return this;
  }

  SpecEdit set(String attribute, Attribute value) {
    attributes.put(attribute, value);
    return this;
  }

  SpecEdit drop(String attribute) {
    attributes.remove(attribute);
    return this;
  }

  /**
   * Makes {@code value} input number {@code index}; the ones before it that are missing stay so.
   */
  SpecEdit input(int index, @Nullable Value value) {
    while (inputs.size() <= index) {
      inputs.add(null);
    }
    inputs.set(index, value);
    return this;
  }

  /** Puts the successor into the graph; it makes the same outputs. */
  void commit() {
    change.exchange(
        node,
        new NodeSpec(
            node.name(), op, node.domain(), inputs, node.outputs(), attributes, node.extra()));
  }
}
