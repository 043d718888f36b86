package dev.octet.graph.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Graph;
import dev.octet.graph.GraphText;
import dev.octet.graph.Model;
import dev.octet.graph.OrtEquality;
import dev.octet.graph.shape.Shapes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MatMulAddToGemmTest {
  private static final String HEAD =
      """
      input x float[n,3]
      const w float[3,4] random 1
      const b float[4] random 2
      """;

  private static RewriteResult run(Graph graph) {
    return Rewrites.run(graph, new MatMulAddToGemm(Shapes.infer(graph)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"float[4]", "float[1,4]", "float[]", "float[1]"})
  void joinsAMatrixProductWithItsBias(String bias) {
    Model before =
        GraphText.model(
            13,
            HEAD.replace("float[4]", bias)
                + """
                a = MatMul(x, w) name=first
                r = Add(a, b)
                v = Relu(r)
                const w2 float[4,4] random 3
                c = MatMul(v, w2)
                y = Add(b, c)
                type y float[n,4]
                return y
                """);
    Model after = before.copy();
    assertThat(run(after.graph()).applied())
        .containsExactly("matmul-add-to-gemm at 'r'", "matmul-add-to-gemm at 'y'");
    assertThat(after.graph().nodes())
        .extracting(Object::toString)
        .containsExactly("[r] = Gemm[x, w, b]", "[v] = Relu[r]", "[y] = Gemm[v, w2, b]");
    assertThat(after.graph().nodes().get(0).name()).isEqualTo("first");
    OrtEquality.assertSame(before, after, 1e-6);
    assertThat(run(after.graph()).changed()).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a = MatMul(x, w);y = Add(a, b);z = Neg(a);return y, z | 'a' is read elsewhere too",
        "a = MatMul(x, w);y = Add(a, b);return y, a | 'a' is read elsewhere too",
        "a = MatMul(x, w);y = Add(a, a);return y | 'a' is read elsewhere too",
        "input q float[3,4];a = MatMul(x, q);y = Add(a, b);return y"
            + " | 'q' is not a constant matrix of floats",
        "const q float[2,3,4] 1;a = MatMul(x, q);y = Add(a, b);return y"
            + " | 'q' is not a constant matrix of floats",
        "input t float[n,2,3];a = MatMul(t, w);y = Add(a, b);return y"
            + " | 't' is not known to have two dimensions",
        "u = my.Op(x);a = MatMul(u, w);y = Add(a, b);return y"
            + " | 'u' is not known to have two dimensions",
        "input q float[4];a = MatMul(x, w);y = Add(a, q);return y"
            + " | 'q' is not a constant of 4 columns",
        "const q float[2,4] 1;a = MatMul(x, w);y = Add(a, q);return y"
            + " | 'q' is not a constant of 4 columns"
      })
  void leavesAloneWhatIsNoGemm(String nodes, String reason) {
    Graph graph = GraphText.parse(HEAD + nodes.replace(";", "\n"));
    RewriteResult result = run(graph);
    assertThat(result.changed()).isFalse();
    assertThat(result.refusals()).containsExactly("matmul-add-to-gemm at 'y': " + reason);
  }

  @Test
  void saysNothingOfOtherAdditions() {
    assertThat(run(GraphText.parse("input x float[n]\n y = Add(x, x)\n return y")).refusals())
        .isEmpty();
  }
}
