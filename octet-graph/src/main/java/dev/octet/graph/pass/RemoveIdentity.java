package dev.octet.graph.pass;

import dev.octet.graph.Node;

/** Removes {@code Identity} nodes; one that joins a graph's input to its output stays. */
public final class RemoveIdentity implements Rewrite {

  @Override
  public String name() {
    return "remove-identity";
  }

  @Override
  public Match match(Node node) {
    return node.is("Identity") ? Bypass.match(node) : Match.none();
  }

  @Override
  public void apply(Match.Fires match, Rewriter change) {
    Bypass.apply(match, change);
  }
}
