package dev.octet.graph.pass;

import dev.octet.graph.Graph;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Lets all readers of equal initializers (type, shape and every bit) share the first of them.
 *
 * <p>Initializers that callers may override or that the graph returns keep their own tensor.
 */
public final class DeduplicateInitializers implements Sweep {

  @Override
  public String name() {
    return "deduplicate-initializers";
  }

  @Override
  public List<String> sweep(Graph graph) {
    Map<Tensor, Value> first = new HashMap<>();
    List<String> merged = new ArrayList<>();
    for (Value value : List.copyOf(graph.values())) {
      Tensor tensor = value.constant();
      if (tensor == null || Rewriter.isReturned(value)) {
        continue;
      }
      Value keeper = first.putIfAbsent(tensor, value);
      if (keeper != null) {
        graph.replaceUses(value, keeper);
        graph.remove(value);
        merged.add(value.name());
      }
    }
    return merged;
  }
}
