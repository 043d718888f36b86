package dev.octet.graph.pattern;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Graph;
import dev.octet.graph.GraphText;
import dev.octet.graph.Model;
import dev.octet.graph.ModelsNearby;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Passes;
import dev.octet.graph.pattern.Unit.Activation;
import dev.octet.graph.pattern.Unit.FusedLayer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PatternsTest {

  private static List<String> ops(Unit unit) {
    return unit.nodes().stream().map(Node::op).toList();
  }

  @Test
  void findsTheUnitsOfATransformer() {
    Model model = ModelsNearby.read("sst2-transformer");
    Passes.simplify(model);
    Patterns patterns = Patterns.find(model.graph());
    assertThat(patterns.units(Unit.Attention.class)).hasSize(3);
    assertThat(patterns.units(Unit.Gelu.class)).hasSize(3);
    assertThat(patterns.units(Unit.LayerNorm.class)).hasSize(7);
    assertThat(patterns.units(Unit.Softmax.class)).isEmpty();
    for (Unit.Attention attention : patterns.units(Unit.Attention.class)) {
      assertThat(ops(attention)).containsExactly("MatMul", "Mul", "Add", "Softmax", "MatMul");
      assertThat(attention.mask().name()).isEqualTo("/Unsqueeze_1_output_0");
      assertThat(attention.maskNodes())
          .extracting(Node::op)
          .containsExactly("Cast", "Sub", "Mul", "Unsqueeze", "Unsqueeze");
    }
    for (Unit.Gelu gelu : patterns.units(Unit.Gelu.class)) {
      assertThat(ops(gelu)).containsExactly("Div", "Erf", "Add", "Mul", "Mul");
      assertThat(gelu.inputs()).hasSize(1);
    }
    // Per layer: query, key, value, out, fc1, fc2; the pooler with tanh; the head may be a Gemm.
    assertThat(
            patterns.units(FusedLayer.class).stream().filter(u -> u.layer().is("MatMul")).count())
        .isEqualTo(18);
  }

  @Test
  void findsTheActivationsOfAConvolutionalNetwork() {
    Model model = ModelsNearby.read("mobilenetv2-cifar10");
    Passes.simplify(model);
    assertThat(
            Patterns.find(model.graph()).units(FusedLayer.class).stream()
                .filter(u -> u.activation() == Activation.CLIP))
        .hasSize(25);
  }

  @ParameterizedTest
  @CsvSource({
    "Relu(c), RELU",
    "LeakyRelu(c), LEAKY_RELU",
    "Sigmoid(c), SIGMOID",
    "Tanh(c), TANH",
    "HardSwish(c), HARD_SWISH",
    "HardSigmoid(c), HARD_SIGMOID",
    "'Clip(c, lo, hi)', CLIP"
  })
  void joinsALayerWithItsActivation(String activation, Activation expected) {
    for (String layer :
        List.of("Conv(x, w)", "ConvTranspose(x, w)", "Gemm(x, w)", "MatMul(x, w)")) {
      Graph graph =
          GraphText.parse(
              """
              input x float[n,2,2,2]
              const w float[2,2,1,1] random 1
              const lo float[] 0
              const hi float[] 6
              c = %s
              y = %s
              return y
              """
                  .formatted(layer, activation));
      FusedLayer unit = (FusedLayer) Patterns.find(graph).units().get(0);
      assertThat(unit.nodes()).isEqualTo(graph.nodes());
      assertThat(unit.layer()).isSameAs(graph.nodes().get(0));
      assertThat(unit.activation()).isEqualTo(expected);
      assertThat(unit.inputs()).extracting(Value::name).containsExactly("x");
      assertThat(unit.output().name()).isEqualTo("y");
    }
  }

  @ParameterizedTest
  @CsvSource({"Sigmoid, SILU", "HardSigmoid, HARD_SWISH"})
  void joinsALayerWithAGateOnItself(String gate, Activation expected) {
    String text =
        """
        input x float[n,2]
        const w float[2,2] random 1
        const b float[2] random 2
        m = MatMul(x, w)
        c = Add(b, m)
        s = %s(c)
        y = Mul(s, c)
        """
            .formatted(gate);
    Graph graph = GraphText.parse(text + "return y");
    FusedLayer unit = (FusedLayer) Patterns.find(graph).units().get(0);
    assertThat(unit.nodes()).isEqualTo(graph.nodes());
    assertThat(unit.bias()).isSameAs(graph.nodes().get(1));
    assertThat(unit.activation()).isEqualTo(expected);
    // With the gate read elsewhere only the bias belongs to the layer.
    Graph open = GraphText.parse(text + "return y, s");
    assertThat(ops(Patterns.find(open).units().get(0))).containsExactly("MatMul", "Add");
  }

  @ParameterizedTest
  @ValueSource(strings = {"return y, c", "z = Neg(c)\n return y, z"})
  void leavesALayerAloneWhoseResultIsReadElsewhere(String end) {
    Graph graph =
        GraphText.parse(
            "input x float[n,2]\n const w float[2,2] 1\n c = MatMul(x, w)\n y = Relu(c)\n" + end);
    assertThat(Patterns.find(graph).units()).isEmpty();
  }

  @Test
  void leavesAProductOfTwoActivationsAlone() {
    Graph graph =
        GraphText.parse(
            "input x float[2,2]\n input w float[2,2]\n c = MatMul(x, w)\n y = Relu(c)\n return y");
    assertThat(Patterns.find(graph).units()).isEmpty();
  }

  private static final String NORM =
      """
      input x float[n,4]
      const two float[] 2
      const eps float[] 0.00001
      const g float[4] random 1
      const b float[4] random 2
      mean = ReduceMean(x) axes=[-1]
      d = Sub(x, mean)
      %s
      var = ReduceMean(sq) axes=[-1]
      ve = Add(eps, var)
      sd = Sqrt(ve)
      n = Div(%s, sd)
      s = Mul(g, n)
      y = Add(s, b)
      """;

  @ParameterizedTest
  @CsvSource({
    "'sq = Pow(d, two)', d, 9",
    "'sq = Mul(d, d)', d, 9",
    "'d2 = Sub(x, mean)\nsq = Pow(d2, two)', d, 10"
  })
  void findsALayerNormWrittenOut(String square, String dividend, int size) {
    Graph graph = GraphText.parse(NORM.formatted(square, dividend) + "return y");
    Unit unit = Patterns.find(graph).units().get(0);
    assertThat(unit).isInstanceOf(Unit.LayerNorm.class);
    assertThat(unit.nodes()).hasSize(size).containsExactlyInAnyOrderElementsOf(graph.nodes());
    assertThat(unit.output().name()).isEqualTo("y");
    assertThat(unit.inputs()).extracting(Value::name).containsExactly("x");
  }

  @Test
  void leavesALayerNormAloneThatIsNotOne() {
    String pow = "sq = Pow(d, two)";
    // read inside, another power, a dividend that is not the deviation
    for (String text :
        List.of(
            NORM.formatted(pow, "d") + "return y, sd",
            NORM.formatted("sq = Pow(d, eps)", "d") + "return y",
            NORM.formatted(pow, "x") + "return y")) {
      assertThat(Patterns.find(GraphText.parse(text)).units()).isEmpty();
    }
  }

  private static final String GELU =
      """
      input x float[n,4]
      const one float[] 1
      const half float[] 0.5
      const root float[] 1.41421356
      const inverse float[] 0.70710678
      const three float[] 3
      const cubic float[] 0.044715
      const slope float[] 0.79788456
      """;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a = Div(x, root);e = Erf(a);p = Add(e, one);m = Mul(x, p);y = Mul(m, half)",
        "a = Mul(inverse, x);e = Erf(a);p = Add(one, e);h = Mul(x, half);y = Mul(h, p)",
        "a = Div(x, root);e = Erf(a);p = Add(e, one);m = Mul(p, half);y = Mul(x, m)",
        "c = Pow(x, three);k = Mul(c, cubic);i = Add(x, k);a = Mul(i, slope);e = Tanh(a);"
            + "p = Add(e, one);h = Mul(half, x);y = Mul(h, p)",
        "q = Mul(x, x);c = Mul(x, q);k = Mul(cubic, c);i = Add(k, x);a = Mul(slope, i);e = Tanh(a);"
            + "p = Add(e, one);m = Mul(p, x);y = Mul(m, half)",
        "y = Gelu(x)"
      })
  void findsAGeluInEveryForm(String nodes) {
    Graph graph = GraphText.parse(GELU + nodes.replace(";", "\n") + "\nreturn y");
    Unit unit = Patterns.find(graph).units().get(0);
    assertThat(unit).isInstanceOf(Unit.Gelu.class);
    assertThat(unit.nodes()).containsExactlyInAnyOrderElementsOf(graph.nodes());
    assertThat(unit.inputs()).extracting(Value::name).containsExactly("x");
    assertThat(unit.output().name()).isEqualTo("y");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a = Div(x, three);e = Erf(a);p = Add(e, one);m = Mul(x, p);y = Mul(m, half)",
        "a = Div(x, root);e = Erf(a);p = Add(e, half);m = Mul(x, p);y = Mul(m, half)",
        "a = Div(x, root);e = Erf(a);p = Add(e, one);m = Mul(x, p);y = Mul(m, three)",
        "a = Div(x, root);e = Erf(a);p = Add(e, one);m = Mul(p, e);y = Mul(m, half)"
      })
  void leavesAGeluAloneThatIsNotOne(String nodes) {
    Graph graph = GraphText.parse(GELU + nodes.replace(";", "\n") + "\nreturn y");
    assertThat(Patterns.find(graph).units(Unit.Gelu.class)).isEmpty();
  }

  private static final String ATTENTION =
      """
      input q float[n,4,8,16]
      input k float[n,4,16,8]
      input v float[n,4,8,16]
      input m int64[n,1,1,8]
      input b bool[n,1,1,8]
      const scale float[] 0.25
      const low float[] -10000
      const w float[8,8] random 1
      s = MatMul(q, k)
      %s
      y = MatMul(p, v)
      """;

  @ParameterizedTest
  @CsvSource({
    "'p = Softmax(s)', '', ''",
    "'a = Mul(s, scale)\np = Softmax(a)', '', ''",
    "'a = Div(s, scale)\nf = Cast(m) to=1\nd = Add(f, a)\np = Softmax(d)', f, Cast",
    "'d = Add(s, low)\na = Mul(scale, d)\np = Softmax(a)', low, ''",
    "'d = Where(b, s, low)\np = Softmax(d)', b, ''",
    "'f = Cast(m) to=1\nr = MatMul(f, w)\nd = Add(s, r)\np = Softmax(d)', r, ''"
  })
  void findsAnAttentionWithOrWithoutScaleAndMask(String middle, String mask, String maskOps) {
    Graph graph = GraphText.parse(ATTENTION.formatted(middle) + "return y");
    Unit.Attention unit = Patterns.find(graph).units(Unit.Attention.class).get(0);
    assertThat(unit.scores().output().name()).isEqualTo("s");
    assertThat(unit.softmax().output().name()).isEqualTo("p");
    assertThat(unit.context().output().name()).isEqualTo("y");
    assertThat(unit.mask() == null ? "" : unit.mask().name()).isEqualTo(mask);
    assertThat(String.join(" ", unit.maskNodes().stream().map(Node::op).toList()))
        .isEqualTo(maskOps);
    assertThat(Patterns.find(graph).unitOf(unit.softmax())).contains(unit);
  }

  @Test
  void takesASoftmaxThatIsNoAttentionForItself() {
    for (String text :
        List.of(
            ATTENTION.formatted("p = Softmax(s)") + "return y, p",
            "input x float[n,8]\n const w float[8,8] 1\n c = MatMul(x, w)\n y = Softmax(c)\n"
                + "return y")) {
      Patterns patterns = Patterns.find(GraphText.parse(text));
      assertThat(patterns.units(Unit.Attention.class)).isEmpty();
      assertThat(patterns.units(Unit.Softmax.class)).hasSize(1);
    }
  }
}
