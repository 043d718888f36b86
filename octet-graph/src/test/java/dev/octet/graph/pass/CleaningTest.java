package dev.octet.graph.pass;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.Attribute;
import dev.octet.graph.Bytes;
import dev.octet.graph.Graph;
import dev.octet.graph.GraphText;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Constant nodes, nodes that do nothing and nodes that nobody reads. */
class CleaningTest {

  @Test
  void turnsEveryFormOfConstantNodeIntoAnInitializerOfTheSameName() {
    check(
        new Attribute.TensorValue(Tensor.ofInts(new int[] {1}, 1)),
        "value",
        Tensor.ofInts(new int[] {1}, 1));
    check(new Attribute.FloatValue(2), "value_float", Tensor.ofFloats(new float[] {2}));
    check(
        new Attribute.FloatList(List.of(1f, 2f)),
        "value_floats",
        Tensor.ofFloats(new float[] {1, 2}, 2));
    check(new Attribute.IntValue(2), "value_int", Tensor.ofLongs(new long[] {2}));
    check(Attribute.IntList.of(1, 2), "value_ints", Tensor.ofLongs(new long[] {1, 2}, 2));
    Bytes text = Bytes.copyOf(new byte[] {'a'});
    check(
        new Attribute.StringValue("a"),
        "value_string",
        Tensor.ofStrings(new long[0], List.of(text)));
    check(
        new Attribute.StringList(List.of("a")),
        "value_strings",
        Tensor.ofStrings(new long[] {1}, List.of(text)));
  }

  private static void check(Attribute attribute, String name, Tensor expected) {
    Graph graph = new Graph("g");
    Value c = graph.addValue("c", null);
    Value y = graph.addValue("y", null);
    graph.add(NodeSpec.of("Constant").with(name, attribute).makes(c));
    graph.add(NodeSpec.of("Identity").reads(c).makes(y));
    graph.addOutput(y);
    assertThat(Rewrites.run(graph, new ConstantNodes()).applied())
        .containsExactly("constant-nodes at 'c'");
    assertThat(graph.nodes()).hasSize(1);
    assertThat(graph.value("c").constant()).isEqualTo(expected);
    assertThat(graph.value("y").producer().input(0)).isSameAs(graph.value("c"));
    assertThat(Rewrites.run(graph, new ConstantNodes()).changed()).isFalse();
  }

  @Test
  void leavesAConstantThatTheGraphReturnsAndOneOfUnknownFormAlone() {
    Graph graph = new Graph("g");
    Value c = graph.addValue("c", null);
    graph.add(NodeSpec.of("Constant").with("value_int", 1).makes(c));
    graph.addOutput(c);
    Value sparse = graph.addValue("sparse", null);
    graph.add(
        NodeSpec.of("Constant")
            .with("sparse_value", new Attribute.Opaque("SPARSE_TENSOR", Bytes.EMPTY))
            .makes(sparse));
    assertThat(Rewrites.run(graph, new ConstantNodes()))
        .isEqualTo(
            new RewriteResult(
                List.of(),
                List.of(
                    "constant-nodes at 'c': 'c' is an output of the graph",
                    "constant-nodes at 'sparse': its value is none of value, value_float(s),"
                        + " value_int(s), value_string(s)")));
  }

  @Test
  void reachesConstantsInsideNestedGraphs() {
    Graph graph = new Graph("outer");
    Value condition = graph.addValue("condition", null);
    graph.addInput(condition);
    Graph branch = new Graph("branch", graph, Bytes.EMPTY);
    Value c = branch.addValue("c", null);
    Value r = branch.addValue("r", null);
    branch.add(NodeSpec.of("Constant").with("value_int", 1).makes(c));
    branch.add(NodeSpec.of("Neg").reads(c).makes(r));
    branch.addOutput(r);
    Value y = graph.addValue("y", null);
    graph.add(
        NodeSpec.of("If")
            .reads(condition)
            .with("then_branch", new Attribute.GraphValue(branch))
            .makes(y));
    graph.addOutput(y);
    Rewrites.run(graph, new ConstantNodes());
    assertThat(branch.nodes()).hasSize(1);
    assertThat(branch.value("c").constant()).isEqualTo(Tensor.ofLongs(new long[] {1}));
  }

  @Test
  void removesIdentitiesAndKeepsTheNameOfAnOutput() {
    Graph graph =
        GraphText.parse(
            """
            input x float[n]
            a = Identity(x)
            b = Relu(a)
            c = Identity(b)
            d = Identity(c)
            return d
            """);
    RewriteResult result = Rewrites.run(graph, new RemoveIdentity());
    assertThat(result.applied()).hasSize(3);
    assertThat(graph.toString()).isEqualTo("graph test[x]\n  [d] = Relu[x]\n  return [d]\n");
    assertThat(Rewrites.run(graph, new RemoveIdentity()).changed()).isFalse();
  }

  @Test
  void leavesAnIdentityThatJoinsAnInputToAnOutput() {
    Graph graph = GraphText.parse("input x float[n]\n y = Identity(x)\n return y");
    RewriteResult result = Rewrites.run(graph, new RemoveIdentity());
    assertThat(result.changed()).isFalse();
    assertThat(result.refusals())
        .containsExactly(
            "remove-identity at 'y': 'y' is an output and cannot take the place of 'x'");
  }

  @Test
  void removesDropoutThatIsNotTraining() {
    Graph graph =
        GraphText.parse(
            """
            input x float[n]
            const ratio float[] 0.5
            const no bool[] 0
            a, mask = Dropout(x, ratio, no)
            b = Dropout(a) ratio=0.5
            y = Relu(b)
            return y
            """);
    assertThat(Rewrites.run(graph, new RemoveDropout()).applied())
        .containsExactly("remove-dropout at 'a'", "remove-dropout at 'b'");
    assertThat(graph.toString()).isEqualTo("graph test[x]\n  [y] = Relu[x]\n  return [y]\n");
    assertThat(graph.values()).hasSize(2);
    assertThat(Rewrites.run(graph, new RemoveDropout()).changed()).isFalse();
  }

  @Test
  void leavesDropoutThatMayTrainOrWhoseMaskIsRead() {
    Graph graph =
        GraphText.parse(
            """
            input x float[n]
            input training bool[]
            const yes bool[] 1
            a = Dropout(x, _, training)
            b = Dropout(x, _, yes)
            c, mask = Dropout(x)
            d, returned = Dropout(x)
            m = Not(mask)
            s = Sum(a, b, c, d)
            return s, m, returned
            """);
    assertThat(Rewrites.run(graph, new RemoveDropout()))
        .isEqualTo(
            new RewriteResult(
                List.of(),
                List.of(
                    "remove-dropout at 'a': training_mode 'training' may be true",
                    "remove-dropout at 'b': training_mode 'yes' may be true",
                    "remove-dropout at 'c': its mask 'mask' is read",
                    "remove-dropout at 'd': its mask 'returned' is read")));
  }

  @Test
  void removesWhatNobodyReadsButNoInput() {
    Graph graph =
        GraphText.parse(
            """
            input x float[n]
            input unread float[n]
            const w float[1] 1
            const spare float[1] 1
            overridable over float[1] 1
            dead1 = Add(x, w)
            dead2 = Relu(dead1)
            y, half = Split(x)
            return y
            """);
    assertThat(Rewrites.run(graph, new RemoveUnused()).applied())
        .containsExactly(
            "remove-unused at 'Relu -> dead2'",
            "remove-unused at 'Add -> dead1'",
            "remove-unused at 'w'",
            "remove-unused at 'spare'");
    assertThat(graph.nodes()).hasSize(1);
    assertThat(graph.inputs()).extracting(Value::name).containsExactly("x", "unread", "over");
    assertThat(Rewrites.run(graph, new RemoveUnused()).changed()).isFalse();
  }

  @Test
  void namesAPassThatDoesNotComeToRest() {
    Rewrite restless =
        new Rewrite() {
          @Override
          public String name() {
            return "restless";
          }

          @Override
          public Match match(Node node) {
            return Match.of(node);
          }

          @Override
          public void apply(Match.Fires match, Rewriter change) {}
        };
    Graph graph = GraphText.parse("input x float[n]\n y = Relu(x)\n return y");
    assertThatThrownBy(() -> Rewrites.run(graph, restless))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "pass 'restless' does not come to rest: graph 'test' was changed more than 88 times,"
                + " last at 'y'; a pass must not fire on its own result");
  }
}
