package dev.octet.quantize.emit;

import dev.octet.graph.Graph;
import dev.octet.graph.Value;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/** Constants that lost their last reader when another form took their place. */
final class Leftovers {
  private Leftovers() {}

  /** Removes those of {@code values} that are constants which nobody reads or returns. */
  static void remove(Graph graph, Collection<? extends @Nullable Value> values) {
    for (Value value : values) {
      if (value != null
          && value.constant() != null
          && value.graph() == graph
          && graph.value(value.name()) == value
          && value.uses().isEmpty()
          && !value.isOutput()
          && graph.canReplace(value, value)) { // no nested graph returns it
        graph.remove(value);
      }
    }
  }
}
