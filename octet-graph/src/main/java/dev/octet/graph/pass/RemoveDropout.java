package dev.octet.graph.pass;

import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;

/**
 * Removes {@code Dropout} nodes that do nothing outside of training: those of opset 7 to 11, and
 * those of opset 12 on whose {@code training_mode} is left out or always false.
 */
public final class RemoveDropout implements Rewrite {

  @Override
  public String name() {
    return "remove-dropout";
  }

  @Override
  public Match match(Node node) {
    if (!node.is("Dropout")) {
      return Match.none();
    }
    Value training = node.input(2);
    if (training != null) {
      Tensor mode = training.constant();
      if (mode == null
          || mode.type() != DataType.BOOL
          || mode.elementCount() != 1
          || mode.toLongs()[0] != 0) {
        return Match.refused("training_mode '" + training.name() + "' may be true");
      }
    }
    Value mask = node.outputs().size() > 1 ? node.outputs().get(1) : null;
    if (mask != null && (!mask.uses().isEmpty() || Rewriter.isReturned(mask))) {
      return Match.refused("its mask '" + mask.name() + "' is read");
    }
    return Bypass.match(node);
  }

  @Override
  public void apply(Match.Fires match, Rewriter change) {
    Bypass.apply(match, change);
  }
}
