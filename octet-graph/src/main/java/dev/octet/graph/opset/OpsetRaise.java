package dev.octet.graph.opset;

import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.pass.RewriteResult;
import dev.octet.graph.pass.Rewriter;
import dev.octet.graph.shape.Shapes;
import java.util.ArrayList;
import java.util.List;

/**
 * Raises a model to a newer operator set without changing what it computes.
 *
 * <p>Version by version, each node whose operator changed incompatibly is rewritten; operators that
 * only gained types or options pass as they are. Where any node cannot be raised exactly, the model
 * stays as it was and each such node is named with the reason.
 */
public final class OpsetRaise {
  /** The oldest version that can be raised. */
  public static final long OLDEST = 7;

  /** The newest version that can be raised to. */
  public static final long NEWEST = 22;

  private final Model model;
  private final List<String> applied = new ArrayList<>();
  private final List<String> refusals = new ArrayList<>();

  private OpsetRaise(Model model) {
    this.model = model;
  }

  /**
   * Raises {@code model} to version {@code target} of ONNX's operator set, and the format version
   * to the one that came with it. A model that is there already is left alone.
   *
   * @return what was rewritten, or, with the model unchanged, which nodes are in the way and why
   * @throws IllegalArgumentException if {@code target} is above {@link #NEWEST} or the model's
   *     version is below {@link #OLDEST}
   */
  public static RewriteResult to(Model model, long target) {
    if (target > NEWEST) {
      throw new IllegalArgumentException(
          "opset " + target + " is asked for; " + NEWEST + " is the newest that can be raised to");
    }
    if (model.opset() >= target) {
      return new RewriteResult(List.of(), List.of());
    }
    if (model.opset() < OLDEST) {
      throw new IllegalArgumentException(
          "the model has opset " + model.opset() + "; " + OLDEST + " is the oldest that is known");
    }
    OpsetRaise rehearsal = new OpsetRaise(model.copy());
    rehearsal.raise(target);
    if (!rehearsal.refusals.isEmpty()) {
      return new RewriteResult(List.of(), rehearsal.refusals);
    }
    OpsetRaise real = new OpsetRaise(model);
    real.raise(target);
    return new RewriteResult(real.applied, real.refusals);
  }

  private void raise(long target) {
    refuseUnknown(model.graph());
    for (long version = model.opset() + 1; version <= target; version++) {
      step(model.graph(), (int) version, Shapes.infer(model.graph()));
      model.setOpset("", version);
    }
    model.raiseIrVersion(OperatorHistory.irVersion(target));
    applied.add("raise-opset at '" + model.graph().name() + "'");
  }

  private void refuseUnknown(Graph graph) {
    for (Node node : graph.nodes()) {
      if (node.domain().isEmpty() && !OperatorHistory.isKnown(node.op())) {
        refuse(node, "operator '" + node.op() + "' is not known");
      }
      node.nestedGraphs().forEach(this::refuseUnknown);
    }
  }

  private void step(Graph graph, int version, Shapes shapes) {
    for (Node node : graph.nodes()) {
      node.nestedGraphs().forEach(nested -> step(nested, version, shapes));
      if (!node.domain().isEmpty()) {
        continue;
      }
      Upgrade upgrade = OperatorHistory.upgrade(node.op(), version);
      if (upgrade != null) {
        String place = node.label();
        String reason = upgrade.apply(node, Rewriter.on(graph), shapes);
        if (reason == null) {
          applied.add("raise-opset at '" + place + "'");
        } else {
          refuse(node, reason + " in opset " + version);
        }
      }
    }
  }

  private void refuse(Node node, String reason) {
    refusals.add("raise-opset at '" + node.label() + "': " + reason);
  }
}
