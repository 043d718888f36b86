package dev.octet.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GraphTest {
  private final Graph graph = new Graph("main");
  private final Value x = input("x");

  @Test
  void ordersNodesByTheirLinksAndKeepsTheOrderOfAdditionOtherwise() {
    Value a = graph.addValue("a", null);
    Value b = graph.addValue("b", null);
    Value c = graph.addValue("c", null);
    Node late = graph.add(NodeSpec.of("Relu").reads(b).makes(c));
    Node free = graph.add(NodeSpec.of("Abs").reads(x).makes(a));
    Node early = graph.add(NodeSpec.of("Neg").reads(x).makes(b));
    assertThat(graph.nodes()).containsExactly(free, early, late);
  }

  @Test
  void findsACycleAndNamesANodeOnIt() {
    Value a = graph.addValue("a", null);
    Value b = graph.addValue("b", null);
    graph.add(NodeSpec.of("Add").named("first").reads(x, b).makes(a));
    graph.add(NodeSpec.of("Relu").named("second").reads(a).makes(b));
    assertThatThrownBy(graph::nodes)
        .isInstanceOf(ModelException.class)
        .hasMessage("graph 'main' has a cycle through node 'first'");
  }

  @Test
  void findsACycleThroughANestedGraph() {
    Value y = graph.addValue("y", null);
    Graph body = new Graph("body", graph, Bytes.EMPTY);
    Value inner = body.addValue("inner", null);
    body.add(NodeSpec.of("Relu").reads(y).makes(inner));
    body.addOutput(inner);
    graph.add(NodeSpec.of("If").named("if").with("then_branch", nested(body)).makes(y));
    assertThatThrownBy(graph::nodes).hasMessage("graph 'main' has a cycle through node 'if'");
  }

  @Test
  void aNodeComesAfterWhatItsNestedGraphsRead() {
    Value made = graph.addValue("made", null);
    Value y = graph.addValue("y", null);
    Graph body = body(made);
    Node outer = graph.add(NodeSpec.of("If").with("then_branch", nested(body)).makes(y));
    Node maker = graph.add(NodeSpec.of("Neg").reads(x).makes(made));
    assertThat(graph.nodes()).containsExactly(maker, outer);
    assertThat(made.consumers()).containsExactly(body.nodes().get(0));
    assertThat(made.onlyConsumer()).isSameAs(body.nodes().get(0));
  }

  @Test
  void removingANodeReleasesWhatItsNestedGraphsRead() {
    Value y = graph.addValue("y", null);
    Node node = graph.add(NodeSpec.of("If").with("then_branch", nested(body(x))).makes(y));
    assertThat(x.uses()).hasSize(1);
    graph.remove(node);
    assertThat(x.uses()).isEmpty();
    assertThat(graph.value("y")).isNull();
  }

  @Test
  void exchangingANestedGraphReleasesTheFormerOne() {
    Value y = graph.addValue("y", null);
    Node node = graph.add(NodeSpec.of("If").with("then_branch", nested(body(x))).makes(y));
    Graph other = new Graph("other", graph, Bytes.EMPTY);
    graph.setAttribute(node, "then_branch", nested(other));
    assertThat(x.uses()).isEmpty();
    graph.setAttribute(node, "then_branch", nested(other));
    assertThat(node.nestedGraphs()).containsExactly(other);
  }

  @Test
  void aNestedGraphThatReturnsAnOuterValueKeepsItNeeded() {
    Value made = graph.addValue("made", null);
    Node maker = graph.add(NodeSpec.of("Neg").reads(x).makes(made));
    Graph body = new Graph("body", graph, Bytes.EMPTY);
    body.addOutput(made);
    Value y = graph.addValue("y", null);
    Node outer = graph.add(NodeSpec.of("If").with("then_branch", nested(body)).makes(y));
    assertThatThrownBy(() -> graph.remove(maker)).hasMessageContaining("'made', which is still");
    assertThat(graph.canReplace(made, x)).isFalse();
    graph.remove(outer);
    graph.remove(maker);
    assertThat(graph.nodes()).isEmpty();
  }

  @Test
  void resolvesNamesFromTheInsideOut() {
    Graph body = new Graph("body", graph, Bytes.EMPTY);
    assertThat(body.resolve("x")).isSameAs(x);
    Value own = body.addValue("x", null);
    assertThat(body.resolve("x")).isSameAs(own);
    assertThat(graph.resolve("x")).isSameAs(x);
    assertThat(graph.resolve("nothing")).isNull();
  }

  @Test
  void freshNamesAreFreshForNestedGraphsToo() {
    Graph body = new Graph("body", graph, Bytes.EMPTY);
    body.addValue("w", null);
    assertThat(graph.freshName("w")).isEqualTo("w_1");
    assertThat(graph.addFresh("w", null).name()).isEqualTo("w_1");
    assertThat(body.addFresh("w", null).name()).isEqualTo("w_2");
    assertThat(body.addFresh("v", null).name()).isEqualTo("v");
  }

  @Test
  void refusesASecondMakerOrASecondName() {
    Value y = graph.addValue("y", null);
    graph.add(NodeSpec.of("Relu").reads(x).makes(y));
    assertThatThrownBy(() -> graph.add(NodeSpec.of("Abs").named("again").reads(x).makes(y)))
        .isInstanceOf(ModelException.class)
        .hasMessage("value 'y' is made twice; see node 'again'");
    assertThatThrownBy(() -> graph.add(NodeSpec.of("Abs").reads(x).makes(x)))
        .hasMessageContaining("'x' is made twice");
    Value w = graph.addConstant("w", Tensor.ofLongs(new long[] {1}));
    assertThatThrownBy(() -> graph.add(NodeSpec.of("Abs").reads(x).makes(w)))
        .hasMessageContaining("'w' is made twice");
    assertThatThrownBy(() -> graph.addValue("x", null))
        .hasMessage("graph 'main' has two values named 'x'; names must be unique");
    assertThatThrownBy(() -> graph.addInput(x)).hasMessage("graph 'main' lists input 'x' twice");
    assertThatThrownBy(() -> graph.addInput(y)).hasMessageContaining("is made by a node");
    assertThatThrownBy(() -> graph.setInitializer(y, Tensor.ofLongs(new long[] {1})))
        .hasMessageContaining("is made by a node");
    assertThat(graph.nodeCount()).isEqualTo(1);
    assertThat(x.uses()).hasSize(1);
  }

  @Test
  void refusesValuesAndNodesOfAnotherGraph() {
    Graph other = new Graph("other");
    Value foreign = other.addValue("foreign", null);
    Value y = graph.addValue("y", null);
    assertThatThrownBy(() -> graph.add(NodeSpec.of("Relu").reads(foreign).makes(y)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("value 'foreign' is not visible in graph 'main'");
    assertThatThrownBy(() -> graph.addOutput(foreign)).hasMessageContaining("not visible");
    assertThatThrownBy(() -> graph.setType(foreign, null)).hasMessageContaining("another graph");
    Node node = graph.add(NodeSpec.of("Relu").reads(x).makes(y));
    assertThatThrownBy(() -> other.remove(node)).hasMessageContaining("is not in graph 'other'");
    graph.remove(node);
    assertThatThrownBy(() -> graph.remove(node)).hasMessageContaining("is not in graph 'main'");
  }

  @Test
  void setInputMovesTheUseAndMayAppendOne() {
    Value z = input("z");
    Value y = graph.addValue("y", null);
    Node node = graph.add(NodeSpec.of("Clip").reads(x).makes(y));
    graph.setInput(node, 0, z);
    graph.setInput(node, 1, x);
    assertThat(node.inputs()).containsExactly(z, x);
    assertThat(x.uses()).containsExactly(new Value.Use(node, 1));
    graph.setInput(node, 1, null);
    assertThat(x.uses()).isEmpty();
    assertThatThrownBy(() -> graph.setInput(node, 3, x))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void replacingAnInnerValueRewiresItsReadersInNestedGraphsToo() {
    Value a = made("a");
    Value b = made("b");
    Value y = graph.addValue("y", null);
    Graph body = body(a);
    graph.add(NodeSpec.of("If").with("then_branch", nested(body)).makes(y));
    graph.replace(a, b);
    assertThat(a.uses()).isEmpty();
    assertThat(body.nodes().get(0).inputs()).containsExactly(b);
  }

  @Test
  void replacingAnOutputKeepsItsPublicName() {
    ValueType type = new ValueType.TensorType(DataType.FLOAT, List.of());
    Value y = made("y");
    graph.setType(y, type);
    graph.addOutput(y);
    Value better = made("better");
    graph.replace(y, better);
    assertThat(graph.outputs()).containsExactly(better);
    assertThat(better.name()).isEqualTo("y");
    assertThat(better.type()).isEqualTo(type);
    assertThat(graph.value("y")).isSameAs(better);
    assertThat(graph.value("better")).isSameAs(y);
    graph.remove(y.producer());
    assertThat(graph.value("better")).isNull();
  }

  @Test
  void refusesToReplaceAnOutputByWhatHasItsOwnPublicName() {
    Value y = made("y");
    graph.addOutput(y);
    Value z = made("z");
    graph.addOutput(z);
    assertThatThrownBy(() -> graph.replace(y, x))
        .hasMessage("output 'y' cannot be replaced by 'x'");
    assertThatThrownBy(() -> graph.replace(y, z))
        .hasMessage("output 'y' cannot be replaced by 'z'");
  }

  @Test
  void removesOnlyWhatNobodyNeeds() {
    Value w = graph.addConstant("w", Tensor.ofLongs(new long[] {1}));
    Value y = graph.addValue("y", null);
    Node node = graph.add(NodeSpec.of("Add").reads(x, w).makes(y));
    graph.addOutput(y);
    assertThatThrownBy(() -> graph.remove(w)).hasMessage("value 'w' is still needed");
    assertThatThrownBy(() -> graph.remove(x)).hasMessage("value 'x' is still needed");
    assertThatThrownBy(() -> graph.removeInput(x)).hasMessage("input 'x' is read by 1 nodes");
    assertThatThrownBy(() -> graph.remove(node))
        .hasMessage("node 'Add -> y' makes 'y', which is still needed");
    graph.setInput(node, 1, x);
    graph.remove(w);
    assertThat(graph.value("w")).isNull();
    assertThat(graph.freshName("w")).isEqualTo("w");
  }

  @Test
  void aCopyIsIndependentAndSharesTensors() {
    Value w = graph.addConstant("w", Tensor.ofLongs(new long[] {1}));
    Value y = graph.addValue("y", null);
    graph.add(NodeSpec.of("If").reads(w, null).with("then_branch", nested(body(x))).makes(y));
    graph.addOutput(y);
    Model model = new Model(8, Map.of("", 17L), Map.of("k", "v"), graph, Bytes.EMPTY);
    Graph copy = model.copy().graph();
    assertThat(copy.toString()).isEqualTo(graph.toString());
    assertThat(copy.value("w").constant()).isSameAs(w.constant());
    Value inner = copy.nodes().get(0).nestedGraphs().get(0).nodes().get(0).input(0);
    assertThat(inner).isSameAs(copy.value("x"));
    copy.setInput(copy.nodes().get(0), 0, copy.value("x"));
    assertThat(graph.nodes().get(0).input(0)).isSameAs(w);
    assertThat(x.uses()).hasSize(1);
  }

  private Value input(String name) {
    Value value = graph.addValue(name, null);
    graph.addInput(value);
    return value;
  }

  private Value made(String name) {
    Value value = graph.addValue(name, null);
    graph.add(NodeSpec.of("Relu").reads(x).makes(value));
    return value;
  }

  /** A nested graph with one node that reads {@code outer}. */
  private Graph body(Value outer) {
    Graph body = new Graph("body", graph, Bytes.EMPTY);
    Value inner = body.addFresh("inner", null);
    body.add(NodeSpec.of("Relu").reads(outer).makes(inner));
    body.addOutput(inner);
    return body;
  }

  private static Attribute nested(Graph body) {
    return new Attribute.GraphValue(body);
  }
}
