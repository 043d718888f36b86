package dev.octet.graph.pass;

import dev.octet.graph.Graph;
import java.util.List;

/** A change that needs to see a whole graph, such as finding equal initializers. */
public non-sealed interface Sweep extends Pass {

  /**
   * Changes {@code graph}, not the graphs nested in it. A second call in a row changes nothing.
   *
   * @param graph the graph to change
   * @return where it changed something, one name of a value or node each, in order
   */
  List<String> sweep(Graph graph);
}
