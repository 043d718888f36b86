package dev.octet.engine.plan;

import dev.octet.graph.Node;

/**
 * The lowering of operators that can never run here.
 *
 * @param reason why, a clause without a full stop
 */
public record Refusal(String reason) implements Lowering {
  @Override
  public void lower(Node node, Compilation to) {
    throw new UnsupportedNodeException(node, reason);
  }
}
