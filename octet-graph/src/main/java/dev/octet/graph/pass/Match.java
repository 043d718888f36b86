package dev.octet.graph.pass;

import dev.octet.graph.Node;
import java.util.List;

/** What a {@link Rewrite} saw at a node. */
public sealed interface Match {

  /** The rewrite is not about this node. */
  record None() implements Match {}

  /**
   * The rewrite is about this node but must leave it alone.
   *
   * @param reason why, in lower case, with the names of what is in the way
   */
  record Refused(String reason) implements Match {}

  /**
   * The rewrite may go ahead.
   *
   * @param nodes the nodes that take part, in the order that the rewrite itself defines
   */
  record Fires(List<Node> nodes) implements Match {
    public Fires {
      nodes = List.copyOf(nodes);
    }

    /** Node number {@code index} of those that take part. */
    public Node node(int index) {
      return nodes.get(index);
    }
  }

  /** The rewrite is not about this node. */
  static Match none() {
    return new None();
  }

  /** The rewrite is about this node but must leave it alone, for {@code reason}. */
  static Match refused(String reason) {
    return new Refused(reason);
  }

  /** The rewrite may go ahead with {@code nodes}. */
  static Match of(Node... nodes) {
    return new Fires(List.of(nodes));
  }
}
