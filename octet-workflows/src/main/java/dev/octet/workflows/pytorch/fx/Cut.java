package dev.octet.workflows.pytorch.fx;

import dev.octet.graph.Bytes;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A part of a model as a model of its own. */
final class Cut {
  private Cut() {}

  /**
   * What computes some values from others.
   *
   * @param inputs values that are given; what they are made from is left out
   * @return null if the outputs cannot be computed from these and constants, or are not there
   */
  static @Nullable Model of(Model model, Collection<String> inputs, String output) {
    Value wanted = model.graph().value(output);
    if (wanted == null) {
      return null;
    }
    Set<Node> needed = new HashSet<>();
    Deque<Value> open = new ArrayDeque<>(List.of(wanted));
    while (!open.isEmpty()) {
      Value value = open.remove();
      Node maker = value.producer();
      if (inputs.contains(value.name()) || value.constant() != null) {
        continue;
      }
      if (maker == null || !maker.nestedGraphs().isEmpty()) {
        return null;
      }
      if (needed.add(maker)) {
        maker.inputs().stream().filter(Objects::nonNull).forEach(open::add);
      }
    }
    Graph part = new Graph(model.graph().name());
    Map<Value, Value> made = new HashMap<>();
    for (String name : inputs) {
      Value value = model.graph().value(name);
      if (value != null) {
        Value given = part.addValue(name, value.type());
        part.addInput(given);
        made.put(value, given);
      }
    }
    for (Node node : model.graph().nodes()) {
      if (needed.contains(node)) {
        part.add(
            node.spec()
                .reads(copies(node.inputs(), part, made))
                .makes(copies(node.outputs(), part, made)));
      }
    }
    Value result = made.get(wanted);
    if (result == null) {
      return null;
    }
    part.addOutput(result);
    return new Model(model.irVersion(), model.opsets(), Map.of(), part, Bytes.EMPTY);
  }

  private static @Nullable Value[] copies(
      List<@Nullable Value> values, Graph part, Map<Value, Value> made) {
    @Nullable Value[] copies = new Value[values.size()];
    for (int i = 0; i < copies.length; i++) {
      Value value = values.get(i);
      copies[i] = value == null ? null : made.computeIfAbsent(value, v -> copy(v, part));
    }
    return copies;
  }

  private static Value copy(Value value, Graph part) {
    Value copy = part.addValue(value.name(), value.type());
    Tensor constant = value.constant();
    if (constant != null) {
      part.setInitializer(copy, constant);
    }
    return copy;
  }
}
