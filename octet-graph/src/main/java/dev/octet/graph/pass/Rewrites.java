package dev.octet.graph.pass;

import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs passes on a graph and the graphs nested in it until none of them changes anything.
 *
 * <p>Passes run in the order given, each over all nodes in topological order; the whole list
 * repeats to a fixed point. Passes only ever shrink a graph or move it one way, so the number of
 * changes is bounded by its size; one that passes the bound is broken and is reported as such.
 */
public final class Rewrites {
  /** Changes allowed for each node or value of the graph: more than any sound pass makes. */
  private static final int CHANGES_PER_ITEM = 8;

  private static final int SPARE_CHANGES = 64;

  private final List<Pass> passes;
  private final long limit;
  private final List<String> applied = new ArrayList<>();
  private List<String> refusals = new ArrayList<>();

  private Rewrites(List<Pass> passes, long limit) {
    this.passes = passes;
    this.limit = limit;
  }

  /** Runs {@code passes} on {@code graph}; see {@link #run(Graph, List)}. */
  public static RewriteResult run(Graph graph, Pass... passes) {
    return run(graph, List.of(passes));
  }

  /**
   * Runs {@code passes} on {@code graph} to a fixed point.
   *
   * @return what was changed, and what the last round, which changed nothing, was refused
   * @throws IllegalStateException if a pass does not come to rest; the message names it
   */
  public static RewriteResult run(Graph graph, List<? extends Pass> passes) {
    Rewrites run =
        new Rewrites(List.copyOf(passes), CHANGES_PER_ITEM * size(graph) + SPARE_CHANGES);
    int before;
    do {
      before = run.applied.size();
      run.refusals = new ArrayList<>();
      for (Pass pass : run.passes) {
        run.visit(graph, pass);
      }
    } while (run.applied.size() > before);
    return new RewriteResult(run.applied, run.refusals);
  }

  private void visit(Graph graph, Pass pass) {
    if (pass instanceof Sweep sweep) {
      for (String place : sweep.sweep(graph)) {
        record(pass, graph, place);
      }
    }
    for (Node node : graph.nodes()) {
      if (!isLinked(node)) {
        continue; // an earlier match of this round took it away
      }
      if (pass instanceof Rewrite rewrite) {
        visit(node, rewrite);
      }
      if (isLinked(node)) {
        for (Graph nested : node.nestedGraphs()) {
          visit(nested, pass);
        }
      }
    }
  }

  private void visit(Node node, Rewrite rewrite) {
    Match match = rewrite.match(node);
    if (match instanceof Match.Refused refused) {
      refusals.add(rewrite.name() + " at '" + place(node) + "': " + refused.reason());
    } else if (match instanceof Match.Fires fires) {
      String place = place(node);
      rewrite.apply(fires, Rewriter.on(node.graph()));
      record(rewrite, node.graph(), place);
    }
  }

  private void record(Pass pass, Graph graph, String place) {
    applied.add(pass.name() + " at '" + place + "'");
    if (applied.size() > limit) {
      throw new IllegalStateException(
          "pass '"
              + pass.name()
              + "' does not come to rest: graph '"
              + graph.name()
              + "' was changed more than "
              + limit
              + " times, last at '"
              + place
              + "'; a pass must not fire on its own result");
    }
  }

  /** Where a node is, as reports say it: its first output, which is unique where names are not. */
  private static String place(Node node) {
    return node.outputs().stream()
        .filter(output -> output != null)
        .findFirst()
        .map(output -> output.name())
        .orElseGet(node::label);
  }

  /** Whether {@code node} is still part of its graph. A node without outputs never leaves it. */
  private static boolean isLinked(Node node) {
    for (Value output : node.outputs()) { // asked of every node by every pass
      if (output != null && output.producer() != node) {
        return false;
      }
    }
    return true;
  }

  private static long size(Graph graph) {
    long items = graph.nodeCount() + (long) graph.values().size();
    for (Node node : graph.nodes()) {
      for (Graph nested : node.nestedGraphs()) {
        items += size(nested);
      }
    }
    return items;
  }
}
