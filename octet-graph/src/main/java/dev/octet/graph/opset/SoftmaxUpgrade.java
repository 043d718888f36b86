package dev.octet.graph.opset;

import dev.octet.graph.Attribute;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Rewriter;
import dev.octet.graph.shape.Shapes;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Softmax, LogSoftmax and Hardmax from opset 12 to 13.
 *
 * <p>Until opset 12 they flatten their input to a matrix before {@code axis} (1 if not set) and
 * normalize its rows; since 13 they normalize along {@code axis} (-1 if not set) alone. The two
 * agree on the last axis. Elsewhere the flattening is written out: Flatten, the operator, and
 * Reshape to the shape that the input has at run time.
 */
final class SoftmaxUpgrade {
  private static final long OLD_DEFAULT = 1;

  private SoftmaxUpgrade() {}

  static @Nullable String apply(Node node, Rewriter change, Shapes shapes) {
    long axis = node.intAttribute("axis", OLD_DEFAULT);
    Value in = node.input(0);
    if (in == null) {
      return node.op() + " without an input means nothing";
    }
    OptionalInt rank = shapes.rank(in);
    if (axis == -1 || (rank.isPresent() && axis == rank.getAsInt() - 1)) {
      change.setAttribute(node, "axis", new Attribute.IntValue(axis));
      return null;
    }
    String stem = node.output().name();
    Value matrix = change.add(NodeSpec.of("Flatten").reads(in).with("axis", axis), stem + "_flat");
    Value rows =
        change.add(
            NodeSpec.of(node.op()).named(node.name()).reads(matrix).with("axis", -1),
            stem + "_rows");
    Value shape = change.add(NodeSpec.of("Shape").reads(in), stem + "_shape");
    change.exchange(node, NodeSpec.of("Reshape").reads(rows, shape).makes(node.output()));
    return null;
  }
}
