package dev.octet.graph.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Attribute;
import dev.octet.graph.Bytes;
import dev.octet.graph.Graph;
import dev.octet.graph.GraphText;
import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.OrtEquality;
import dev.octet.graph.Value;
import dev.octet.graph.opset.OpsetRaise;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Branches of an If read values around them and have constants and layers of their own. */
class NestedGraphsTest {

  private static Model model() {
    Graph graph =
        GraphText.parse(
            """
            input condition bool[]
            input x float[1,2,4,4]
            const w float[2,2,3,3] random 1
            const s float[2] uniform 2
            h = Identity(x)
            """);
    Graph folded = branch(graph, "c = Conv(h, w)\nb = BatchNormalization(c, s, s, s, s)");
    Graph plain = branch(graph, "b = Conv(h, w)");
    Value y = graph.addValue("y", null);
    graph.add(
        NodeSpec.of("If")
            .reads(graph.value("condition"))
            .makes(y)
            .with("then_branch", new Attribute.GraphValue(folded))
            .with("else_branch", new Attribute.GraphValue(plain)));
    graph.addOutput(y);
    GraphText.parseInto(graph, "type y float[2,2,2]");
    return new Model(8, Map.of("", 11L), Map.of(), graph, Bytes.EMPTY);
  }

  private static Graph branch(Graph around, String nodes) {
    Graph branch = new Graph("branch", around, Bytes.EMPTY);
    GraphText.parseInto(branch, nodes + "\nr = Squeeze(b) axes=[0]\ntype r float[2,2,2]\nreturn r");
    return branch;
  }

  @Test
  void areSimplifiedWithoutTouchingWhatOthersShare() {
    Model before = model();
    Model after = before.copy();
    RewriteResult result = Passes.simplify(after);
    assertThat(result.applied()).contains("remove-identity at 'h'", "fold-batch-norm at 'b'");
    OrtEquality.assertSame(before, after, 1e-6);
    assertThat(Passes.simplify(after).changed()).isFalse();
  }

  @Test
  void areRaisedWithTheModelAroundThem() {
    Model before = model();
    Model after = before.copy();
    assertThat(OpsetRaise.to(after, 17).refusals()).isEmpty();
    OrtEquality.assertSame(before, after, 0);
  }
}
