package dev.octet.quantize.place;

import dev.octet.core.format.Float16;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Decides which nodes read their constants as 16-bit floats. */
final class HalfPlacer {
  /** Below this the Cast takes more bytes in a file than it saves. */
  private static final long FEWEST_ELEMENTS = 64;

  private HalfPlacer() {}

  static Placement place(Graph graph, Recipe recipe) {
    NodeRules rules = new NodeRules(recipe, TargetTraits.of(recipe.target()));
    Set<Node> chosen = new LinkedHashSet<>();
    Map<Node, String> kept = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      String rule = rules.reasonForFloat(node);
      if (rule != null) {
        kept.put(node, rule);
      } else if (node.inputs().stream().anyMatch(i -> i != null && Weights.fitFloat16(i))) {
        chosen.add(node);
      } else if (node.inputs().stream().anyMatch(i -> i != null && isLarge(i))) {
        kept.put(node, "its constants pass 65504, the largest 16-bit float");
      } else {
        kept.put(node, "it has no constant of " + FEWEST_ELEMENTS + " floats or more");
      }
    }
    return new Placement(List.of(), List.of(), chosen, kept, rules.warnings());
  }

  /** Whether {@code value} is a float constant that is worth storing in 16 bits. */
  static boolean isLarge(Value value) {
    Tensor tensor = value.constant();
    return tensor != null
        && tensor.type() == DataType.FLOAT
        && tensor.elementCount() >= FEWEST_ELEMENTS
        && !value.isOutput();
  }

  /** Whether a finite element of {@code tensor} becomes infinite in 16 bits. */
  static boolean overflows(Tensor tensor) {
    for (float x : tensor.toFloats()) {
      if (Float.isFinite(x) && !Float.isFinite(Float16.decode(Float16.encode(x)))) {
        return true;
      }
    }
    return false;
  }
}
