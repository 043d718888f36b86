package dev.octet.engine.plan;

import dev.octet.graph.Node;

/** The engine cannot run a node. The message names it, says why, and what else would run it. */
public final class UnsupportedNodeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** {@code node} cannot be run because of {@code reason}, a clause without a full stop. */
  public UnsupportedNodeException(Node node, String reason) {
    super(
        "node '"
            + node.label()
            + "' ("
            + node.op()
            + ") cannot run on the engine: "
            + reason
            + "; ONNX Runtime can be used instead");
  }
}
