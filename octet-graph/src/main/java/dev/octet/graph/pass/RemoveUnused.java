package dev.octet.graph.pass;

import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.List;

/** Removes nodes whose results nobody reads and constants that nothing needs; inputs stay. */
public final class RemoveUnused implements Sweep {

  @Override
  public String name() {
    return "remove-unused";
  }

  @Override
  public List<String> sweep(Graph graph) {
    List<String> removed = new ArrayList<>();
    List<Node> nodes = graph.nodes();
    // Backwards, so that a dead chain goes in one sweep.
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node node = nodes.get(i);
      if (node.outputs().stream().allMatch(output -> output == null || isUnused(output))) {
        removed.add(node.label());
        graph.remove(node);
      }
    }
    for (Value value : List.copyOf(graph.values())) {
      if (value.constant() != null && isUnused(value)) {
        removed.add(value.name());
        graph.remove(value);
      }
    }
    return removed;
  }

  private static boolean isUnused(Value value) {
    return value.uses().isEmpty() && !Rewriter.isReturned(value);
  }
}
