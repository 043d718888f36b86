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
      OperatorTree tree = config.tree();
      List<Op> found = new ArrayList<>();
      boolean fits =
          tree == null
              ? find(config.pattern(), last, scope, alone, found)
              : find(tree, last, scope, alone, found);
      if (fits) {
        return new Chain(found, config);
      }
    }
    return new Chain(List.of(last), null);
  }

  private boolean find(
      List<String> pattern,
      Op last,
      Scopes.Scope scope,
      Function<Op, Boolean> alone,
      List<Op> found) {
    found.add(last);
    int at = pattern.size() - 1;
    if (!last.kind().equals(pattern.get(at))) {
      return false;
    }
    while (at-- > 0) {
      Op next = found.get(0);
      Op before = null;
      for (int i = 0; i < next.inputs().size() && before == null; i++) {
        before = before(next.inputs().get(i), pattern.get(at), scope);
      }
      if (before == null || alone.apply(before)) {
        return false;
      }
      found.add(0, before);
    }
    return true;
  }

  /** Adds what makes the inputs before what reads them. */
  private boolean find(
      OperatorTree tree, Op last, Scopes.Scope scope, Function<Op, Boolean> alone, List<Op> found) {
    if (!last.kind().equals(tree.operator())
        || (!tree.inputs().isEmpty() && tree.inputs().size() != last.inputs().size())) {
      return false;
    }
    for (int i = 0; i < tree.inputs().size(); i++) {
      OperatorTree wanted = tree.inputs().get(i);
      if (wanted.isAny()) {
        continue;
      }
      Op before = before(last.inputs().get(i), wanted.operator(), scope);
      if (before == null
          || alone.apply(before)
          || found.contains(before)
          || !find(wanted, before, scope, alone, found)) {
        return false;
      }
    }
    found.add(last);
    return true;
  }

  /** What makes an input, if it is of a kind and nobody else reads its only output. */
  private @Nullable Op before(Value.Use use, String kind, Scopes.Scope scope) {
    Value value = Op.read(use);
    Node maker = value.producer();
    Op op = maker == null ? null : opOf.get(maker);
    return op != null
            && op.kind().equals(kind)
            && !taken.contains(op)
            && op.outputs().size() == 1
            && value.onlyConsumer() == use.node()
            && value.uses().size() == 1
            && scopeOf.apply(op).equals(scope)
        ? op
        : null;
  }
}
