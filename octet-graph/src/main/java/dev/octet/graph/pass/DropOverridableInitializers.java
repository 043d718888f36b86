package dev.octet.graph.pass;

import dev.octet.graph.Graph;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes constants of initializers that are also inputs, so that callers can no longer supply them.
 *
 * <p>Format versions before 4 list every initializer as an input and mean no more by it; from 4 on
 * such an input is a default that a caller may replace, and dropping it is a decision of the user.
 */
public final class DropOverridableInitializers implements Sweep {

  @Override
  public String name() {
    return "drop-overridable-initializers";
  }

  @Override
  public List<String> sweep(Graph graph) {
    List<String> dropped = new ArrayList<>();
    for (Value input : List.copyOf(graph.inputs())) {
      if (input.initializer() != null) {
        graph.removeInput(input);
        dropped.add(input.name());
      }
    }
    return dropped;
  }
}
