package dev.octet.graph.pass;

import dev.octet.graph.Node;
import dev.octet.graph.Value;

/**
 * Turns {@code MaxPool -> Relu} into {@code Relu -> MaxPool}, which is the same function: the
 * largest of values cut off at zero is the largest value cut off at zero. The Relu then stands
 * beside the layer that makes its input and can become part of it.
 */
public final class ReluBeforeMaxPool implements Rewrite {

  @Override
  public String name() {
    return "relu-before-max-pool";
  }

  @Override
  public Match match(Node node) {
    if (!node.is("Relu")) {
      return Match.none();
    }
    Value pooled = node.input(0);
    Node pool = pooled == null ? null : pooled.producer();
    if (pooled == null || pool == null || !pool.is("MaxPool") || pool.graph() != node.graph()) {
      return Match.none();
    }
    if (pool.outputs().size() > 1) {
      return Match.refused("the pool '" + pool.label() + "' returns indices too");
    }
    if (pooled.onlyConsumer() != node) {
      return Match.refused("'" + pooled.name() + "' has other readers or is returned");
    }
    return Match.of(pool, node);
  }

  @Override
  public void apply(Match.Fires match, Rewriter change) {
    Node pool = match.node(0);
    Node relu = match.node(1);
    Value positive = change.add(relu.spec().reads(pool.input(0)), relu.output().name() + "_relu");
    change.exchange(relu, pool.spec().reads(positive).makes(relu.output()));
    change.remove(pool);
  }
}
