package dev.octet.workflows.pytorch.fx;

import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.util.List;

/**
 * What counts as one operator: a node, or several that are one layer or function written out.
 *
 * @param kind PyTorch's name, see {@link OperatorKinds}
 * @param nodes each after those it reads; the last makes the output
 * @param inputs where it reads activations that hold floats
 * @param lone whether the other operand of a sum or product is one constant number
 * @param weights where it reads constant weights
 * @param outputs what it makes that others read, or that the graph returns
 * @param module the path of its module: of the layer itself, or of what calls the function
 * @param layer whether that module is the layer itself
 */
record Op(
    String kind,
    List<Node> nodes,
    List<Value.Use> inputs,
    boolean lone,
    List<Value.Use> weights,
    List<Value> outputs,
    String module,
    boolean layer) {
  Op {
    nodes = List.copyOf(nodes);
    inputs = List.copyOf(inputs);
    weights = List.copyOf(weights);
    outputs = List.copyOf(outputs);
  }

  Node last() {
    return nodes.get(nodes.size() - 1);
  }

  /** For messages. */
  String label() {
    return nodes.get(0).label();
  }

  static Value read(Value.Use use) {
    Value value = use.node().input(use.index());
    if (value == null) {
      throw new IllegalStateException("'" + use.node().label() + "' reads nothing there");
    }
    return value;
  }
}
