package dev.octet.workflows.pytorch.fx;

import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Finds the patterns of a backend in a graph, longer ones first. */
final class Matcher {
  private final Function<Op, Scopes.Scope> scopeOf;
  private final Map<Node, Op> opOf = new HashMap<>();
  private final Set<Op> taken = new HashSet<>();

  private Matcher(List<Op> ops, Function<Op, Scopes.Scope> scopeOf) {
    this.scopeOf = scopeOf;
    ops.forEach(op -> op.nodes().forEach(node -> opOf.put(node, op)));
  }

  /**
   * Every operator in one chain, in the order of the last of each.
   *
   * @param alone operators that are in no chain with others
   */
  static List<Chain> match(
      List<Op> ops, Function<Op, Scopes.Scope> scopeOf, Function<Op, Boolean> alone) {
    Matcher matcher = new Matcher(ops, scopeOf);
    List<Chain> chains = new ArrayList<>();
    for (int i = ops.size() - 1; i >= 0; i--) {
      Op last = ops.get(i);
      if (!matcher.taken.contains(last)) {
        Chain chain = alone.apply(last) ? new Chain(List.of(last), null) : matcher.at(last, alone);
        matcher.taken.addAll(chain.ops());
        chains.add(0, chain);
      }
    }
    return chains;
  }

  private Chain at(Op last, Function<Op, Boolean> alone) {
    Scopes.Scope scope = scopeOf.apply(last);
    List<BackendPatternConfig> longestFirst = new ArrayList<>(scope.backend().configs());
    longestFirst.sort(Comparator.comparing(config -> -config.pattern().size()));
    for (BackendPatternConfig config : longestFirst) {
      List<Op> found = find(config.pattern(), last, scope, alone);
      if (found != null) {
        return new Chain(found, config);
      }
    }
    return new Chain(List.of(last), null);
  }

  private @Nullable List<Op> find(
      List<String> pattern, Op last, Scopes.Scope scope, Function<Op, Boolean> alone) {
    List<Op> found = new ArrayList<>(List.of(last));
    int at = pattern.size() - 1;
    if (!last.kind().equals(pattern.get(at))) {
      return null;
    }
    while (at-- > 0) {
      Op before = before(found.get(0), pattern.get(at), scope);
      if (before == null || alone.apply(before)) {
        return null;
      }
      found.add(0, before);
    }
    return found;
  }

  /** An operator of a kind whose only output only {@code next} reads. */
  private @Nullable Op before(Op next, String kind, Scopes.Scope scope) {
    for (Value.Use use : next.inputs()) {
      Value value = Op.read(use);
      Node maker = value.producer();
      Op op = maker == null ? null : opOf.get(maker);
      if (op != null
          && op.kind().equals(kind)
          && !taken.contains(op)
          && op.outputs().size() == 1
          && value.onlyConsumer() == use.node()
          && value.uses().size() == 1
          && scopeOf.apply(op).equals(scope)) {
        return op;
      }
    }
    return null;
  }
}
