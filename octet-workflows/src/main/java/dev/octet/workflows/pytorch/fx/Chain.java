package dev.octet.workflows.pytorch.fx;

import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Operators that are treated as one.
 *
 * @param ops first to last
 * @param config what the backend can do with them, or null for nothing
 */
record Chain(List<Op> ops, @Nullable BackendPatternConfig config) {
  Chain {
    ops = List.copyOf(ops);
  }

  Op root() {
    return ops.get(0);
  }

  Op last() {
    return ops.get(ops.size() - 1);
  }

  List<Node> nodes() {
    return Operators.nodes(ops);
  }

  /** Where it reads constant weights. */
  List<Value.Use> weights() {
    return ops.stream().flatMap(op -> op.weights().stream()).toList();
  }

  /** Where it reads activations from outside. */
  List<Value.Use> inputs() {
    List<Value.Use> inputs = new ArrayList<>();
    List<Node> inside = nodes();
    for (Op op : ops) {
      for (Value.Use use : op.inputs()) {
        if (!inside.contains(Op.read(use).producer())) {
          inputs.add(use);
        }
      }
    }
    return inputs;
  }

  List<Value> outputs() {
    return last().outputs();
  }

  ObservationType observationType() {
    if (config == null) {
      return ObservationType.INPUT_OUTPUT_NOT_OBSERVED;
    }
    return root().lone() ? config.observationTypeOfOneTensor() : config.observationType();
  }

  /** PyTorch's name of it. */
  String kind() {
    return config != null ? config.name() : root().kind();
  }
}
