package dev.octet.graph.fold;

import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One operator on constants. */
@FunctionalInterface
interface Kernel {

  /**
   * The result of {@code node}.
   *
   * @param inputs its inputs; null where an optional one is left out
   * @throws CannotFold if the result is too large, of a type not supported, or not defined
   */
  Tensor apply(Node node, List<@Nullable Tensor> inputs);
}
