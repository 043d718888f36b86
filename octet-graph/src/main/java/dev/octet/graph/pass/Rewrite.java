package dev.octet.graph.pass;

import dev.octet.graph.Node;

/**
 * A local change that starts from one node: it looks first, then changes.
 *
 * <p>{@link Rewrites} asks {@link #match} of every node until no rewrite fires any more, so a
 * rewrite must not fire on its own result.
 */
public non-sealed interface Rewrite extends Pass {

  /**
   * Whether the rewrite can start from {@code node}. Changes nothing.
   *
   * <p>A node that the rewrite is not about is {@link Match#none()}; one that it is about but must
   * leave alone is {@link Match#refused}, with the reason.
   */
  Match match(Node node);

  /**
   * Carries out what {@link #match} found on the unchanged graph.
   *
   * @param match what {@link #match} returned
   * @param change the only hand on the graph
   */
  void apply(Match.Fires match, Rewriter change);
}
