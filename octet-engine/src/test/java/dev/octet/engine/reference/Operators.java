package dev.octet.engine.reference;

import dev.octet.graph.Node;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Every operator that is computed here; what is missing may be known to octet-graph's Evaluator.
 */
final class Operators {
  private static final Map<String, Operator> STANDARD = new HashMap<>();
  private static final Map<String, Operator> RUNTIME = new HashMap<>();

  static {
    Quantization.register(STANDARD);
    Convolutions.register(STANDARD);
    Products.register(STANDARD);
    Pools.register(STANDARD);
    Elementwise.register(STANDARD);
    Activations.register(STANDARD);
    Normalizations.register(STANDARD);
    Reductions.register(STANDARD);
    Movements.register(STANDARD);
    Indexing.register(STANDARD);
    Resizing.register(STANDARD);
    Recurrence.register(STANDARD);
    RuntimeOperators.register(RUNTIME, STANDARD);
  }

  private Operators() {}

  static @Nullable Operator find(Node node) {
    return switch (node.domain()) {
      case "" -> STANDARD.get(node.op());
      case RuntimeOperators.DOMAIN -> RUNTIME.get(node.op());
      default -> null;
    };
  }
}
