package dev.octet.graph.opset;

import dev.octet.graph.Node;
import dev.octet.graph.pass.Rewriter;
import dev.octet.graph.shape.Shapes;
import org.jspecify.annotations.Nullable;

/** How one operator's node becomes a node of the version that changed the operator. */
@FunctionalInterface
interface Upgrade {

  /**
   * Changes {@code node} so that it means in the new version what it meant in the one before.
   *
   * @return null, or the reason why that cannot be done, with nothing changed
   */
  @Nullable String apply(Node node, Rewriter change, Shapes shapes);
}
