package dev.octet.graph.pass;

import dev.octet.graph.Node;
import dev.octet.graph.Value;

/** The move common to rewrites that let readers of a node read the node's first input instead. */
final class Bypass {

  private Bypass() {}

  /** Whether {@code node} can be bypassed without losing a public name; the reason if not. */
  static Match match(Node node) {
    Value in = node.input(0);
    if (in == null) {
      return Match.refused("it has no input");
    }
    Value out = node.output();
    if (!node.graph().canReplace(out, in)) {
      return Match.refused(
          "'" + out.name() + "' is an output and cannot take the place of '" + in.name() + "'");
    }
    return Match.of(node);
  }

  static void apply(Match.Fires match, Rewriter change) {
    Node node = match.node(0);
    Value in = node.input(0);
    if (in != null) {
      change.replace(node.output(), in);
      change.remove(node);
    }
  }
}
