package dev.octet.graph.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Graph;
import dev.octet.graph.GraphText;
import dev.octet.graph.Node;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReluBeforeMaxPoolTest {
  private static final String POOL =
      """
      input x float[n,2,4,4]
      p = MaxPool(x) kernel_shape=[2,2] strides=[2,2]
      """;

  private static RewriteResult run(Graph graph) {
    return Rewrites.run(graph, new ReluBeforeMaxPool());
  }

  private static List<String> operators(Graph graph) {
    return graph.nodes().stream().map(Node::op).toList();
  }

  @Test
  void exchangesThePairAndKeepsTheOutputsName() {
    Graph graph = GraphText.parse(POOL + "y = Relu(p)\nreturn y\n");
    assertThat(run(graph).applied()).containsExactly("relu-before-max-pool at 'y'");
    assertThat(operators(graph)).containsExactly("Relu", "MaxPool");
    assertThat(graph.outputs().get(0).name()).isEqualTo("y");
    assertThat(graph.nodes().get(1).intsAttribute("strides", List.of())).containsExactly(2L, 2L);
    assertThat(run(graph).changed()).isFalse();
  }

  @Test
  void leavesAPoolWhoseResultSomebodyElseReads() {
    Graph graph = GraphText.parse(POOL + "y = Relu(p)\nz = Neg(p)\nreturn y, z\n");
    RewriteResult result = run(graph);
    assertThat(result.changed()).isFalse();
    assertThat(result.refusals())
        .containsExactly("relu-before-max-pool at 'y': 'p' has other readers or is returned");
  }

  @Test
  void leavesAPoolThatReturnsIndices() {
    Graph graph =
        GraphText.parse(
            """
            input x float[n,2,4,4]
            p, i = MaxPool(x) name=pool kernel_shape=[2,2]
            y = Relu(p)
            return y, i
            """);
    RewriteResult result = run(graph);
    assertThat(result.changed()).isFalse();
    assertThat(result.refusals())
        .containsExactly("relu-before-max-pool at 'y': the pool 'pool' returns indices too");
  }

  @Test
  void hasNoOpinionOnAReluAfterAnythingElse() {
    Graph graph = GraphText.parse("input x float[2]\na = Neg(x)\ny = Relu(a)\nreturn y\n");
    RewriteResult result = run(graph);
    assertThat(result.changed()).isFalse();
    assertThat(result.refusals()).isEmpty();
  }
}
