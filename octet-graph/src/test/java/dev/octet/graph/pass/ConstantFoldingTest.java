package dev.octet.graph.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Attribute;
import dev.octet.graph.Graph;
import dev.octet.graph.GraphText;
import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.OrtEquality;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConstantFoldingTest {
  private static final String CONSTANTS =
      """
      input x float[2,3]
      const f float[2,3] random 1
      const g float[3] random 2
      const h float[2,1] uniform 3
      const p float[2,3] uniform 4
      const d double[2,3] random 5
      const i int64[2,3] 7 -7 8 -8 9 -9
      const j int64[3] 2 2 -3
      const k int32[2,3] 7 -7 8 -8 9 2147483647
      const l int32[3] 2 -2 3
      const t bool[2,1] 1 0
      const s62 int64[2] 6 -1
      const s032 int64[2] 0 3
      const zero int64[1] 0
      const one int64[1] 1
      const ends int64[2] 0 1
      const i3 int64[3] 4 2 3
      const e int64[2,1] 1 -1
      const st int64[2] -1 100
      const en int64[2] -9223372036854775808 -100
      const ax int64[2] 0 -1
      const sp int64[2] -1 -2
      const r0 int64[] 3
      const r1 int64[] 20
      const r2 int64[] 4
      const r3 int64[] -4
      const e1 int64[1] 3
      const u uint8[3] 250 3 7
      const v float[3] 200.9 -0.5 3.999
      const w float[4,3,2] random 6
      """;

  private static RewriteResult fold(Graph graph) {
    return Rewrites.run(graph, new ConstantFolding());
  }

  /**
   * ONNX Runtime computes the node itself in one model, and only copies our result in the other.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "Identity(f)",
        "Reshape(f, s62)",
        "Reshape(f, s032)",
        "Squeeze(h, one)",
        "Squeeze(h)",
        "Unsqueeze(f, ends)",
        "Unsqueeze(f, ax)",
        "Transpose(f)",
        "Transpose(w) perm=[1,2,0]",
        "Expand(h, i3)",
        "Gather(f, e)",
        "Gather(f, e) axis=1",
        "Gather(w, zero) axis=-2",
        "Concat(f, f, p) axis=1",
        "Concat(f, p) axis=0",
        "Slice(f, st, en, ax, sp)",
        "Slice(f, zero, one, one)",
        "Slice(w, one, e1, zero)",
        "Where(t, f, g)",
        "Where(t, j, i)",
        "ConstantOfShape(i3)",
        "Range(r0, r1, r2)",
        "Range(r1, r0, r3)",
        "Range(r0, r1, r3)",
        "Add(f, g)",
        "Sub(f, h)",
        "Mul(h, g)",
        "Div(f, g)",
        "Div(i, j)",
        "Div(k, l)",
        "Mul(k, l)",
        "Add(k, k)",
        "Sub(i, j)",
        "Add(d, d)",
        "Neg(f)",
        "Neg(i)",
        "Sqrt(p)",
        "Sqrt(d)",
        "Equal(i, j)",
        "Equal(f, f)",
        "Cast(f) to=7",
        "Cast(f) to=9",
        "Cast(f) to=11",
        "Cast(d) to=1",
        "Cast(k) to=2",
        "Cast(i) to=3",
        "Cast(k) to=1",
        "Cast(t) to=7",
        "Cast(u) to=3",
        "Cast(v) to=6",
        "Shape(x)",
        "Shape(w) start=-2",
        "Shape(w) start=1 end=-1"
      })
  void givesTheBitsOfOnnxRuntime(String node) {
    Model before =
        GraphText.model(15, CONSTANTS + "y = %s\n z = Identity(y)\nreturn z".formatted(node));
    Rewrites.run(before.graph(), new RemoveUnused());
    Model after = before.copy();
    assertThat(fold(after.graph()).applied()).containsExactly("constant-folding at 'y'");
    assertThat(after.graph().value("y").constant()).isNotNull();
    OrtEquality.assertSame(before, after, 0);
    assertThat(fold(after.graph()).changed()).isFalse();
  }

  /** Powers are computed in float64 here and in float32 there. */
  @ParameterizedTest
  @ValueSource(strings = {"Pow(p, g)", "Pow(p, j)", "Pow(d, j)"})
  void givesPowersWithinALastPlace(String node) {
    Model before =
        GraphText.model(15, CONSTANTS + "y = %s\n z = Identity(y)\nreturn z".formatted(node));
    Rewrites.run(before.graph(), new RemoveUnused());
    Model after = before.copy();
    assertThat(fold(after.graph()).changed()).isTrue();
    OrtEquality.assertSame(before, after, Math.scalb(1.0, -22));
  }

  @Test
  void takesTheAttributesOfOldOperatorSets() {
    Model before =
        GraphText.model(
            9,
            """
            const f float[2,3,1] random 1
            a = Slice(f) starts=[-1,1] ends=[2147483647,3] axes=[0,1]
            b = Squeeze(a) axes=[2]
            c = Unsqueeze(b) axes=[0,3]
            z = Identity(c)
            type z float[1,1,2,1]
            return z
            """);
    Model after = before.copy();
    assertThat(fold(after.graph()).applied()).hasSize(3);
    OrtEquality.assertSame(before, after, 0);
  }

  @Test
  void foldsTheArithmeticOfShapesToItsEnd() {
    Model before =
        GraphText.model(
            13,
            """
            input x float[2,3,4]
            const first int64[] 0
            const rest int64[1] -1
            const zero int64[1] 0
            s = Shape(x)
            n = Gather(s, first)
            u = Unsqueeze(n, zero)
            c = Concat(u, rest) axis=0
            y = Reshape(x, c)
            type y float[2,12]
            return y
            """);
    Model after = before.copy();
    assertThat(fold(after.graph()).applied()).hasSize(4);
    assertThat(after.graph().toString())
        .isEqualTo("graph test[x]\n  [y] = Reshape[x, c]\n  return [y]\n");
    assertThat(after.graph().value("c").constant())
        .isEqualTo(Tensor.ofLongs(new long[] {2, -1}, 2));
    OrtEquality.assertSame(before, after, 0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "const a int64[1] 1;const b int64[1] 0;y = Div(a, b) | it divides an integer by zero",
        "const a float[2] 1;const b float[3] 1;y = Add(a, b) | shapes [2] and [3] do not broadcast",
        "const a float[2] 1;const b double[2] 1;y = Add(a, b)"
            + " | its inputs are FLOAT[2] and DOUBLE[2]",
        "const a float16[2] 1;y = Neg(a) | there is no arithmetic for FLOAT16",
        "const a int64[2] 1;y = Sqrt(a) | roots are for real numbers, not for INT64[2]",
        "const a int64[2] 1;y = Pow(a, a) | powers of integers differ between runtimes",
        "const a float[1] NaN;y = Cast(a) to=7 | it casts NaN to INT64",
        "const a float[1] 256;y = Cast(a) to=2 | it casts 256.0 to UINT8",
        "const a float[1] 1;y = Cast(a) to=99 | it casts to an unknown type",
        "const a float[1] 1;y = Cast(a) to=10 | there is no arithmetic for FLOAT16",
        "const a int64[2] 1000 1000;y = ConstantOfShape(a)"
            + " | its result [1000, 1000] has more than 65536 elements",
        "const a int64[2] 4294967296 4294967296;y = ConstantOfShape(a)"
            + " | its result [4294967296, 4294967296] has more than 65536 elements",
        "const a int64[1] -1;y = ConstantOfShape(a) | its shape would be [-1]",
        "const a int64[] 0;const b int64[] 9000000;const c int64[] 1;y = Range(a, b, c)"
            + " | its result [9000000] has more than 65536 elements",
        "const a int64[] 0;y = Range(a, a, a) | delta is 0",
        "const a float[] 0.1;const b float[] 2;y = Range(a, b, a)"
            + " | ranges of real numbers differ between runtimes",
        "const a float[2] 1;const i int64[1] 2;y = Gather(a, i) | index 2 is not one of 2",
        "const a float[2] 1;const b int64[1] 0;y = Slice(a, b, b, b, b) | step is 0",
        "const a float[2] 1;const b int64[1] 3;y = Reshape(a, b)"
            + " | its inputs do not fit: tensor of FLOAT[3] needs 12 bytes, but 8 are given",
        "const a float[2] 1;y = Transpose(a) perm=[1] | perm [1] does not order 1 axes",
        "const a float[2] 1;const b float[2,1] 1;y = Concat(a, b) axis=0"
            + " | it joins FLOAT[2] and FLOAT[2, 1]",
        "const a float[2] 1;y = Add(a) | input 1 is missing"
      })
  void leavesAloneWhatItCannotComputeExactly(String nodes, String reason) {
    Graph graph = GraphText.parse(nodes.replace(";", "\n") + "\nz = Identity(y)\nreturn z");
    RewriteResult result = fold(graph);
    assertThat(result.applied()).isEmpty();
    assertThat(result.refusals()).containsExactly("constant-folding at 'y': " + reason);
  }

  @Test
  void leavesAloneWhatTheGraphReturnsOrCallersMayChange() {
    Graph graph =
        GraphText.parse(
            """
            input x float[n,3]
            overridable o float[1] 1
            const c float[1] 1
            a = Add(o, c)
            s = Shape(x)
            y = Add(c, c)
            return a, s, y
            """);
    assertThat(fold(graph))
        .isEqualTo(
            new RewriteResult(
                List.of(), List.of("constant-folding at 'y': 'y' is an output of the graph")));
  }

  @Test
  void neverFoldsAQuantizedWeightBackIntoFloat() {
    Graph graph =
        GraphText.parse(
            """
            const q int8[2] 1 2
            const s float[] 0.5
            y = DequantizeLinear(q, s)
            z = Identity(y)
            return z
            """);
    assertThat(fold(graph)).isEqualTo(new RewriteResult(List.of(), List.of()));
  }

  @Test
  void fillsAShapeWithTheGivenValue() {
    Graph graph = GraphText.parse("const a int64[1] 2");
    Value y = graph.addValue("y", null);
    Tensor three = Tensor.ofInts(new int[] {3}, 1);
    graph.add(
        NodeSpec.of("ConstantOfShape")
            .with("value", new Attribute.TensorValue(three))
            .reads(graph.value("a"))
            .makes(y));
    fold(graph);
    assertThat(graph.value("y").constant()).isEqualTo(Tensor.ofInts(new int[] {3, 3}, 2));
  }
}
