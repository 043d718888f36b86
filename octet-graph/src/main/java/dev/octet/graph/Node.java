package dev.octet.graph;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One application of an operator. Change it through its {@link Graph}. */
public final class Node {
  final Graph graph;
  final long serial;
  private String name;
  private final String op;
  private final String domain;
  final List<@Nullable Value> inputs;
  final List<@Nullable Value> outputs;
  final Map<String, Attribute> attributes;
  private final Bytes extra;

  Node(Graph graph, long serial, NodeSpec spec) {
    this.graph = graph;
    this.serial = serial;
    this.name = spec.name();
    this.op = spec.op();
    this.domain = spec.domain();
    this.inputs = new ArrayList<>(spec.inputs());
    this.outputs = new ArrayList<>(spec.outputs());
    this.attributes = new LinkedHashMap<>(spec.attributes());
    this.extra = spec.extra();
  }

  /** The name, which a file may leave empty and need not keep unique. */
  public String name() {
    return name;
  }

  /** The name, or where that is empty the operator and the first output: for messages and rules. */
  public String label() {
    if (!name.isEmpty()) {
      return name;
    }
    return outputs.stream()
        .filter(o -> o != null)
        .findFirst()
        .map(o -> op + " -> " + o.name())
        .orElse(op);
  }

  /** Gives the node another name. */
  public void rename(String newName) {
    name = newName;
  }

  /** The operator, such as {@code Conv}. */
  public String op() {
    return op;
  }

  /** The operator's domain; empty for ONNX's own. */
  public String domain() {
    return domain;
  }

  /** Whether this is operator {@code op} of ONNX's own domain. */
  public boolean is(String op) {
    return this.op.equals(op) && domain.isEmpty();
  }

  /** The graph it belongs to. */
  public Graph graph() {
    return graph;
  }

  /** What it reads; null where an optional input is left out. */
  public List<@Nullable Value> inputs() {
    return Collections.unmodifiableList(inputs);
  }

  /** Input number {@code index}, or null where there is none. */
  public @Nullable Value input(int index) {
    return index < inputs.size() ? inputs.get(index) : null;
  }

  /** What it makes; null where an optional output is left out. */
  public List<@Nullable Value> outputs() {
    return Collections.unmodifiableList(outputs);
  }

  /**
   * Its first output.
   *
   * @throws IllegalStateException if it has none
   */
  public Value output() {
    Value first = outputs.isEmpty() ? null : outputs.get(0);
    if (first == null) {
      throw new IllegalStateException("node '" + label() + "' has no first output");
    }
    return first;
  }

  /** Its attributes in file order. */
  public Map<String, Attribute> attributes() {
    return Collections.unmodifiableMap(attributes);
  }

  /** The attribute called {@code attribute}, or null where it is not set. */
  public @Nullable Attribute attribute(String attribute) {
    return attributes.get(attribute);
  }

  /** The integer attribute called {@code attribute}, or {@code otherwise} where it is not set. */
  public long intAttribute(String attribute, long otherwise) {
    Attribute found = attributes.get(attribute);
    if (found == null) {
      return otherwise;
    }
    if (found instanceof Attribute.IntValue typed) {
      return typed.value();
    }
    throw wrongKind(attribute, found, "INT");
  }

  /** The float attribute called {@code attribute}, or {@code otherwise} where it is not set. */
  public float floatAttribute(String attribute, float otherwise) {
    Attribute found = attributes.get(attribute);
    if (found == null) {
      return otherwise;
    }
    if (found instanceof Attribute.FloatValue typed) {
      return typed.value();
    }
    throw wrongKind(attribute, found, "FLOAT");
  }

  /** The text attribute called {@code attribute}, or {@code otherwise} where it is not set. */
  public String stringAttribute(String attribute, String otherwise) {
    Attribute found = attributes.get(attribute);
    if (found == null) {
      return otherwise;
    }
    if (found instanceof Attribute.StringValue typed) {
      return typed.value();
    }
    throw wrongKind(attribute, found, "STRING");
  }

  /** The integer list called {@code attribute}, or {@code otherwise} where it is not set. */
  public List<Long> intsAttribute(String attribute, List<Long> otherwise) {
    Attribute found = attributes.get(attribute);
    if (found == null) {
      return otherwise;
    }
    if (found instanceof Attribute.IntList typed) {
      return typed.values();
    }
    throw wrongKind(attribute, found, "INTS");
  }

  /** The graphs nested in it, in attribute order. */
  public List<Graph> nestedGraphs() {
    List<Graph> nested = new ArrayList<>();
    for (Attribute attribute : attributes.values()) {
      if (attribute instanceof Attribute.GraphValue single) {
        nested.add(single.value());
      } else if (attribute instanceof Attribute.GraphList several) {
        nested.addAll(several.values());
      }
    }
    return nested;
  }

  /** What it takes to make this node again: a start for {@link Graph#exchange}. */
  public NodeSpec spec() {
    return new NodeSpec(name, op, domain, inputs, outputs, attributes, extra);
  }

  /** What a file says of this node beyond the above (documentation, unknown fields), encoded. */
  public Bytes extra() {
    return extra;
  }

  private ModelException wrongKind(String attribute, Attribute found, String wanted) {
    return new ModelException(
        "attribute '"
            + attribute
            + "' of node '"
            + label()
            + "' ("
            + op
            + ") is "
            + found.kind()
            + "; "
            + op
            + " needs "
            + wanted);
  }

  @Override
  public String toString() {
    return outputs + " = " + (domain.isEmpty() ? "" : domain + ".") + op + inputs;
  }
}
