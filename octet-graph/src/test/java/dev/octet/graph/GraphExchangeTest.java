package dev.octet.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class GraphExchangeTest {
  private final Graph graph =
      GraphText.parse(
          """
          input x float[n]
          a = Neg(x)
          b, spare = Old(a)
          y = Abs(b)
          return y
          """);
  private final Node old = graph.nodes().get(1);

  @Test
  void keepsOutputsReadersAndOrder() {
    Value b = graph.value("b");
    Node fresh = graph.exchange(old, NodeSpec.of("New").reads(graph.value("x")).makes(b));
    assertThat(b.producer()).isSameAs(fresh);
    assertThat(graph.value("b")).isSameAs(b);
    assertThat(graph.value("spare")).isNull();
    assertThat(graph.value("a").uses()).isEmpty();
    assertThat(graph.nodes()).extracting(Node::op).containsExactly("Neg", "New", "Abs");
  }

  @Test
  void refusesToLoseAnOutputThatIsReadAndChangesNothing() {
    String before = graph.toString();
    assertThatThrownBy(() -> graph.exchange(old, NodeSpec.of("New").makes(graph.value("spare"))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("node 'Old -> b' makes 'b', which is still needed");
    assertThatThrownBy(
            () -> graph.exchange(old, NodeSpec.of("New").makes(graph.value("b"), graph.value("y"))))
        .isInstanceOf(ModelException.class)
        .hasMessage("value 'y' is made twice; see node ''");
    assertThat(graph.toString()).isEqualTo(before);
  }

  @Test
  void keepsTheNestedGraphsThatTheNewNodeTakesOver() {
    Value x = graph.value("x");
    Graph branch = new Graph("branch", graph, Bytes.EMPTY);
    Value inner = branch.addValue("inner", null);
    branch.add(NodeSpec.of("Neg").reads(x).makes(inner));
    branch.addOutput(inner);
    Node with =
        graph.exchange(
            old,
            NodeSpec.of("If")
                .reads(graph.value("a"))
                .makes(graph.value("b"))
                .with("then_branch", new Attribute.GraphValue(branch)));
    Node again =
        graph.exchange(
            with,
            NodeSpec.of("If")
                .reads(graph.value("a"))
                .makes(graph.value("b"))
                .with("else_branch", new Attribute.GraphValue(branch)));
    assertThat(x.uses()).hasSize(2); // Neg outside and Neg inside
    graph.exchange(again, NodeSpec.of("New").makes(graph.value("b")));
    assertThat(x.uses()).hasSize(1);
  }
}
