package dev.octet.graph.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Graph;
import dev.octet.graph.GraphText;
import dev.octet.graph.Model;
import dev.octet.graph.OrtEquality;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FoldChannelArithmeticTest {
  private static final String HEAD =
      """
      input x float[n,2,4,4]
      const w float[3,2,3,3] random 1
      const p float[3,1,1] uniform 2
      const q float[1,3,1,1] uniform 3
      const r float[] 0.5
      """;

  private static RewriteResult fold(Graph graph) {
    return Rewrites.run(graph, new FoldChannelArithmetic());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "c = Conv(x, w);y = Mul(c, p)",
        "c = Conv(x, w);y = Mul(q, c)",
        "c = Conv(x, w);y = Add(p, c)",
        "c = Conv(x, w);y = Sub(c, q)",
        "c = Conv(x, w);y = Div(c, p)",
        "c = Conv(x, w);y = Div(c, r)",
        "c = Conv(x, w);m = Mul(c, p);a = Add(m, q);y = Sub(a, r)"
      })
  void movesIntoTheLayerBeforeIt(String nodes) {
    Model before =
        GraphText.model(13, HEAD + nodes.replace(";", "\n") + "\ntype y float[n,3,2,2]\nreturn y");
    Rewrites.run(before.graph(), new RemoveUnused());
    Model after = before.copy();
    assertThat(fold(after.graph()).refusals()).isEmpty();
    assertThat(after.graph().nodes()).hasSize(1);
    OrtEquality.assertSame(before, after, 1e-6);
    assertThat(fold(after.graph()).changed()).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "c = Conv(x, w);y = Mul(c, p);return y, c | 'c' is an output of the graph",
        "c = Conv(x, w);y = Mul(c, p);z = Neg(c);return y, z | 'c' has two readers",
        "const k float[2] 1;c = Conv(x, w);y = Add(c, k);return y"
            + " | 'k' is FLOAT[2], not a number for each channel",
        "const k float[1,1,3,1,1] 1;c = Conv(x, w);y = Add(c, k);return y"
            + " | 'k' is FLOAT[1, 1, 3, 1, 1], not a number for each channel",
        "const k float[3,2,2] 1;c = Conv(x, w);y = Add(c, k);return y"
            + " | 'k' is FLOAT[3, 2, 2], not a number for each channel",
        "const k float[3,1,1] 0;c = Conv(x, w);y = Div(c, k);return y"
            + " | channel 0 is multiplied by Infinity"
      })
  void leavesAloneWhatIsNotPerChannelOrReadElsewhere(String nodes, String reason) {
    Graph graph = GraphText.parse(HEAD + nodes.replace(";", "\n"));
    RewriteResult result = fold(graph);
    assertThat(result.changed()).isFalse();
    assertThat(result.refusals()).containsExactly("fold-channel-arithmetic at 'y': " + reason);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "c = Conv(x, w);y = Sub(p, c);return y",
        "c = Conv(x, w);y = Div(p, c);return y",
        "c = Conv(x, w);y = Add(c, c);return y",
        "y = Mul(x, r);return y"
      })
  void saysNothingOfOtherArithmetic(String nodes) {
    Graph graph = GraphText.parse(HEAD + nodes.replace(";", "\n"));
    assertThat(fold(graph)).isEqualTo(fold(GraphText.parse("input x float[1]")));
  }
}
