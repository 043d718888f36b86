package dev.octet.graph.pattern;

import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The units of one graph. No node belongs to two of them.
 *
 * <p>Found on the graph as it was; after a change, look again. Finds most on a graph that {@code
 * Passes.simplify} went over, with its constants as initializers.
 */
public final class Patterns {
  /** Larger units first: a node that one of them takes is not offered to the next. */
  private static final List<Function<Node, @Nullable Unit>> FINDERS =
      List.of(Attentions::at, LayerNorms::at, Gelus::at, FusedLayers::at, Patterns::softmax);

  private final List<Unit> units = new ArrayList<>();
  private final Map<Node, Unit> byNode = new HashMap<>();

  private Patterns() {}

  /** Every unit of {@code graph}, not of the graphs nested in it. */
  public static Patterns find(Graph graph) {
    Patterns patterns = new Patterns();
    for (Function<Node, @Nullable Unit> finder : FINDERS) {
      for (Node node : graph.nodes()) {
        Unit found = node.domain().isEmpty() ? finder.apply(node) : null;
        if (found != null && found.nodes().stream().noneMatch(patterns.byNode::containsKey)) {
          patterns.units.add(found);
          found.nodes().forEach(member -> patterns.byNode.put(member, found));
        }
      }
    }
    return patterns;
  }

  /** All units: attentions, layer norms, GELUs, fused layers, softmaxes, each in graph order. */
  public List<Unit> units() {
    return List.copyOf(units);
  }

  /** The units of one kind, in graph order. */
  public <T extends Unit> List<T> units(Class<T> kind) {
    return units.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** The unit that {@code node} belongs to. */
  public Optional<Unit> unitOf(Node node) {
    return Optional.ofNullable(byNode.get(node));
  }

  private static @Nullable Unit softmax(Node node) {
    return node.is("Softmax") || node.is("LogSoftmax") ? new Unit.Softmax(List.of(node)) : null;
  }
}
