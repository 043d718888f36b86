package dev.octet.graph.pass;

import java.util.ArrayList;
import java.util.List;

/**
 * What passes did to a graph.
 *
 * @param applied each change as {@code pass at 'value'}, in the order it was made
 * @param refusals each place left alone as {@code pass at 'value': reason}, as seen on the final
 *     graph
 */
public record RewriteResult(List<String> applied, List<String> refusals) {

  public RewriteResult {
    applied = List.copyOf(applied);
    refusals = List.copyOf(refusals);
  }

  /** Whether anything was changed. */
  public boolean changed() {
    return !applied.isEmpty();
  }

  /** This result followed by {@code later}, whose refusals are added to this one's. */
  RewriteResult then(RewriteResult later) {
    List<String> allApplied = new ArrayList<>(applied);
    allApplied.addAll(later.applied);
    List<String> allRefusals = new ArrayList<>(refusals);
    allRefusals.addAll(later.refusals);
    return new RewriteResult(allApplied, allRefusals);
  }
}
