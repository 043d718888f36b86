package dev.octet.graph.pass;

import dev.octet.graph.Node;
import dev.octet.graph.fold.CannotFold;
import dev.octet.graph.fold.Evaluator;

/**
 * Replaces nodes whose inputs are all constants by their result, under the same name, and Shape of
 * a value of fixed declared shape by that shape. {@link Evaluator} says what it computes.
 */
public final class ConstantFolding implements Rewrite {

  @Override
  public String name() {
    return "constant-folding";
  }

  @Override
  public Match match(Node node) {
    if (!Evaluator.isConstant(node)) {
      return Match.none();
    }
    if (Rewriter.isReturned(node.output())) {
      return Match.refused("'" + node.output().name() + "' is an output of the graph");
    }
    try {
      Evaluator.evaluate(node);
      return Match.of(node);
    } catch (CannotFold refusal) {
      return Match.refused(refusal.reason());
    }
  }

  @Override
  public void apply(Match.Fires match, Rewriter change) {
    change.replaceByConstant(match.node(0), Evaluator.evaluate(match.node(0)));
  }
}
