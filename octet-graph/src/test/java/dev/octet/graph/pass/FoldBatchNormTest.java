package dev.octet.graph.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Graph;
import dev.octet.graph.GraphText;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

class FoldBatchNormTest {
  private static final String STATISTICS =
      """
      const s float[2] 2 3
      const b float[2] 10 20
      const m float[2] 1 2
      const v float[2] 4 9
      """;
  private static final String CONV =
      """
      input x float[n,1,4,4]
      const w float[2,1,1,1] 1 2
      const cb float[2] 5 6
      """
          + STATISTICS;

  private static RewriteResult fold(Graph graph) {
    return Rewrites.run(graph, new FoldBatchNorm());
  }

  private static String refusal(String text) {
    Graph graph = GraphText.parse(text);
    String before = graph.toString();
    RewriteResult result = fold(graph);
    assertThat(result.changed()).isFalse();
    assertThat(graph.toString()).isEqualTo(before);
    assertThat(result.refusals()).hasSize(1);
    return result.refusals().get(0);
  }

  private static float[] floats(Node node, int input) {
    return node.input(input).constant().toFloats();
  }

  @Test
  void movesIntoTheWeightsAndBiasOfAConvolution() {
    // With epsilon 0 the factors are 2/2 and 3/3 for scale 2, 3 and variance 4, 9.
    Graph graph =
        GraphText.parse(
            CONV
                + """
                c = Conv(x, w, cb) name=conv
                y = BatchNormalization(c, s, b, m, v) epsilon=0.0
                return y
                """);
    assertThat(fold(graph).applied()).containsExactly("fold-batch-norm at 'y'");
    Node conv = graph.nodes().get(0);
    assertThat(graph.nodes()).containsExactly(conv);
    assertThat(conv.output().name()).isEqualTo("y");
    assertThat(floats(conv, 1)).containsExactly(1, 2);
    assertThat(floats(conv, 2)).containsExactly(5 - 1 + 10, 6 - 2 + 20);
    assertThat(conv.input(1).name()).isEqualTo("w");
    assertThat(graph.values())
        .extracting(v -> v.name())
        .containsExactlyInAnyOrder("x", "w", "cb", "y");
    assertThat(fold(graph).changed()).isFalse();
  }

  @Test
  void givesAConvolutionWithoutBiasOne() {
    Graph graph =
        GraphText.parse(
            CONV
                + """
                c = Conv(x, w) name=conv
                y = BatchNormalization(c, s, b, m, v) epsilon=12.0
                return y
                """);
    fold(graph);
    Node conv = graph.nodes().get(0);
    // factors 2/sqrt(4+12), 3/sqrt(9+12)
    double second = 3 / Math.sqrt(21);
    assertThat(floats(conv, 1)).containsExactly(0.5f, (float) (2 * second));
    assertThat(floats(conv, 2)).containsExactly(9.5f, (float) (20 - 2 * second));
    assertThat(conv.input(2).name()).isEqualTo("conv_bias");
  }

  @Test
  void countsOutputChannelsOfAGroupedTransposedConvolutionGroupByGroup() {
    // [C=2, M/group=2], 2 groups: row 0 makes channels 0 and 1, row 1 makes 2 and 3.
    Graph graph =
        GraphText.parse(
            """
            input x float[n,2,4,4]
            const w float[2,2,1,1] 1 1 1 1
            const s float[4] 1 2 3 4
            const z float[4] 0
            const v float[4] 1
            c = ConvTranspose(x, w) group=2
            y = BatchNormalization(c, s, z, z, v) epsilon=0.0
            return y
            """);
    fold(graph);
    assertThat(floats(graph.nodes().get(0), 1)).containsExactly(1, 2, 3, 4);
  }

  @Test
  void scalesColumnsOrRowsOfAGemmAndTakesBetaIntoItsBias() {
    for (int transB : List.of(0, 1)) {
      Graph graph =
          GraphText.parse(
              STATISTICS
                  + """
                  input x float[n,2]
                  const w float[2,2] 1 1 1 1
                  const cb float[] 8
                  c = Gemm(x, w, cb) alpha=0.5 beta=0.25 transB=%d
                  y = BatchNormalization(c, s, b, m, v) epsilon=-3.0
                  return y
                  """
                      .formatted(transB));
      fold(graph);
      Node gemm = graph.nodes().get(0);
      // factors 2/1 and 3/sqrt(6)
      float f = (float) (3 / Math.sqrt(6));
      assertThat(floats(gemm, 1))
          .containsExactly(transB == 0 ? new float[] {2, f, 2, f} : new float[] {2, 2, f, f});
      assertThat(floats(gemm, 2))
          .containsExactly(2 * (2 - 1) + 10, (float) ((2.0 - 2.0) * 3 / Math.sqrt(6) + 20));
      assertThat(gemm.floatAttribute("beta", 1)).isEqualTo(1);
      assertThat(gemm.floatAttribute("alpha", 1)).isEqualTo(0.5f);
    }
  }

  @Test
  void copiesWeightsThatAnotherLayerSharesInsteadOfChangingThem() {
    Graph graph =
        GraphText.parse(
            CONV
                + """
                c = Conv(x, w, cb)
                other = Conv(x, w)
                y = BatchNormalization(c, s, b, m, v) epsilon=12.0
                return y, other
                """);
    Tensor shared = graph.value("w").constant();
    assertThat(fold(graph).changed()).isTrue();
    assertThat(graph.value("w").constant()).isEqualTo(shared);
    assertThat(graph.value("y").producer().input(1).name()).isEqualTo("w_1");
  }

  @Test
  void leavesALayerWithTwoReadersAlone() {
    assertThat(
            refusal(
                CONV
                    + """
                    c = Conv(x, w)
                    y = BatchNormalization(c, s, b, m, v)
                    z = Relu(c)
                    return y, z
                    """))
        .isEqualTo("fold-batch-norm at 'y': 'c' has two readers");
  }

  @Test
  void leavesALayerThatTheGraphReturnsAlone() {
    assertThat(
            refusal(CONV + "c = Conv(x, w)\n y = BatchNormalization(c, s, b, m, v)\n return y, c"))
        .isEqualTo("fold-batch-norm at 'y': 'c' is an output of the graph");
  }

  @Test
  void leavesANormWithoutALayerBeforeItAlone() {
    String norm = "y = BatchNormalization(c, s, b, m, v)\n return y";
    assertThat(refusal(STATISTICS + "input c float[n,2,4,4]\n" + norm))
        .isEqualTo("fold-batch-norm at 'y': 'c' is not made by a node");
    assertThat(refusal(STATISTICS + "input x float[n,2,4,4]\n c = Relu(x)\n" + norm))
        .isEqualTo("fold-batch-norm at 'y': 'c' is made by Relu");
  }

  @Test
  void leavesALearningNormAlone() {
    assertThat(
            refusal(
                CONV
                    + """
                    c = Conv(x, w)
                    y = BatchNormalization(c, s, b, m, v) training_mode=1
                    return y
                    """))
        .isEqualTo("fold-batch-norm at 'y': training_mode is 1");
    assertThat(
            refusal(
                CONV
                    + """
                    c = Conv(x, w)
                    y, mean = BatchNormalization(c, s, b, m, v)
                    return y, mean
                    """))
        .isEqualTo("fold-batch-norm at 'y': its statistics 'mean' are read");
    assertThat(
            refusal(
                CONV
                    + """
                    c = Conv(x, w)
                    y = BatchNormalization(c, s, b, m, v) spatial=0
                    return y
                    """))
        .isEqualTo("fold-batch-norm at 'y': spatial is 0: its statistics are not per channel");
  }

  @Test
  void leavesStatisticsThatAreNotConstantAlone() {
    String nodes = "c = Conv(x, w)\n y = BatchNormalization(c, s, b, m, d)\n return y";
    assertThat(refusal(CONV + "input d float[2]\n" + nodes))
        .isEqualTo("fold-batch-norm at 'y': its variance 'd' is not constant");
    assertThat(refusal(CONV + "overridable d float[2] 1 1\n" + nodes))
        .isEqualTo("fold-batch-norm at 'y': its variance 'd' is not constant");
    assertThat(refusal(CONV + "const d float[3] 1 1 1\n" + nodes))
        .isEqualTo("fold-batch-norm at 'y': its variance 'd' is FLOAT[3] for 2 channels");
    assertThat(refusal(CONV + "const d double[2] 1 1\n" + nodes))
        .isEqualTo("fold-batch-norm at 'y': its variance 'd' is DOUBLE");
  }

  @Test
  void leavesWeightsThatAreNotFloatConstantsAlone() {
    String nodes = "y = BatchNormalization(c, s, b, m, v)\n return y";
    assertThat(refusal(CONV + "input i float[2,1,1,1]\n c = Conv(x, i)\n" + nodes))
        .isEqualTo("fold-batch-norm at 'y': weights 'i' are not constant");
    assertThat(refusal(CONV + "const i double[2,1,1,1] 1 1\n c = Conv(x, i)\n" + nodes))
        .isEqualTo("fold-batch-norm at 'y': weights 'i' are DOUBLE");
    assertThat(refusal(CONV + "const i float[2] 1 1\n c = Conv(x, i)\n" + nodes))
        .isEqualTo("fold-batch-norm at 'y': weights 'i' are FLOAT[2] in 1 groups");
    assertThat(refusal(CONV + "input i float[2]\n c = Conv(x, w, i)\n" + nodes))
        .isEqualTo("fold-batch-norm at 'y': bias 'i' is not constant");
    assertThat(refusal(CONV + "const i float[3] 1\n c = Conv(x, w, i)\n" + nodes))
        .isEqualTo("fold-batch-norm at 'y': bias 'i' is FLOAT[3] for 2 channels");
  }

  @Test
  void leavesAChannelWithoutAVarianceAlone() {
    String nodes = "c = Conv(x, w)\n y = BatchNormalization(c, s, b, m, d) epsilon=0.0\n return y";
    assertThat(refusal(CONV + "const d float[2] 1 0\n" + nodes))
        .isEqualTo("fold-batch-norm at 'y': channel 1 is multiplied by Infinity");
    assertThat(refusal(CONV + "const d float[2] -1 1\n" + nodes))
        .isEqualTo("fold-batch-norm at 'y': channel 0 is multiplied by NaN");
  }

  @Test
  void leavesWeightsAndBiasesThatWouldGrowBeyondFloatAlone() {
    String nodes =
        "c = Conv(x, w, cb)\n y = BatchNormalization(c, q, b, m, d) epsilon=0.0\n return y";
    assertThat(refusal(CONV + "const q float[2] 1 1e38\n const d float[2] 1 0.01\n" + nodes))
        .isEqualTo("fold-batch-norm at 'y': weight 2.0 would grow beyond float");
    assertThat(refusal(CONV + "const q float[2] 1 1e38\n const d float[2] 1 1\n" + nodes))
        .isEqualTo("fold-batch-norm at 'y': a bias would grow beyond float");
  }
}
