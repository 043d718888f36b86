package dev.octet.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A node still to be added: what {@link Graph#add(NodeSpec)} takes.
 *
 * @param name the node's name; may be empty
 * @param op the operator
 * @param domain its domain; empty for ONNX's own
 * @param inputs what it reads; null where an optional input is left out
 * @param outputs what it makes, values of the same graph without a producer
 * @param attributes its settings, in order
 * @param extra further fields of a file, encoded
 */
public record NodeSpec(
    String name,
    String op,
    String domain,
    List<@Nullable Value> inputs,
    List<@Nullable Value> outputs,
    Map<String, Attribute> attributes,
    Bytes extra) {

  public NodeSpec {
    inputs = Collections.unmodifiableList(new ArrayList<>(inputs));
    outputs = Collections.unmodifiableList(new ArrayList<>(outputs));
    attributes = Collections.unmodifiableMap(new LinkedHashMap<>(attributes));
  }

  /** A node of ONNX's own domain without name, links or attributes; complete it with the others. */
  public static NodeSpec of(String op) {
    return new NodeSpec("", op, "", List.of(), List.of(), Map.of(), Bytes.EMPTY);
  }

  /** The same with another name. */
  public NodeSpec named(String newName) {
    return new NodeSpec(newName, op, domain, inputs, outputs, attributes, extra);
  }

  /** The same in another domain. */
  public NodeSpec in(String newDomain) {
    return new NodeSpec(name, op, newDomain, inputs, outputs, attributes, extra);
  }

  /** The same reading these values. */
  public NodeSpec reads(@Nullable Value... values) {
    return new NodeSpec(name, op, domain, Arrays.asList(values), outputs, attributes, extra);
  }

  /** The same making these values. */
  public NodeSpec makes(@Nullable Value... values) {
    return new NodeSpec(name, op, domain, inputs, Arrays.asList(values), attributes, extra);
  }

  /** The same with one attribute more. */
  public NodeSpec with(String attribute, Attribute value) {
    Map<String, Attribute> more = new LinkedHashMap<>(attributes);
    more.put(attribute, value);
    return new NodeSpec(name, op, domain, inputs, outputs, more, extra);
  }

  /** The same with one integer attribute more. */
  public NodeSpec with(String attribute, long value) {
    return with(attribute, new Attribute.IntValue(value));
  }
}
