package dev.octet.engine;

import static dev.octet.graph.DataType.INT8;
import static dev.octet.graph.DataType.UINT8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.engine.reference.Closeness;
import dev.octet.engine.reference.ModelBuilder;
import dev.octet.engine.reference.OrtReference;
import dev.octet.engine.reference.Reference;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DynamicQuantizationTest {

  /** Integers exactly, floats within 1e-5; returns the plan. */
  private static Explanation check(ModelBuilder net, boolean runtimeHasIt) {
    Model model = net.model();
    Map<String, Tensor> inputs = net.feeds();
    Map<String, Tensor> wanted =
        runtimeHasIt ? OrtReference.run(model, inputs) : Reference.outputs(model, inputs);
    try (Engine engine = Engine.load(model, EngineOptions.defaults().withThreads(1))) {
      Map<String, Tensor> made = engine.run(inputs);
      assertThat(made).isNotEmpty();
      made.forEach(
          (name, tensor) ->
              Closeness.check(name, tensor, Objects.requireNonNull(wanted.get(name)), 1e-5));
      return engine.profile(inputs, 1);
    }
  }

  private static List<String> whats(Explanation plan) {
    return plan.steps().stream().map(step -> step.what()).toList();
  }

  @ParameterizedTest
  @CsvSource({"1, 0, 1000", "1, 5, 64", "0.01, -0.05, 77", "100, 3, 3", "1e-30, 0, 200"})
  void quantizesAsOnnxSays(float spread, float shift, int count) {
    ModelBuilder net = new ModelBuilder(21, count);
    float[] values = net.normal(spread, count).toFloats();
    for (int i = 0; i < count; i++) {
      values[i] += shift;
    }
    net.nodes("DynamicQuantizeLinear", 3, Map.of(), net.input(Tensor.ofFloats(values, count)));
    check(net, true);
  }

  @Test
  void tiesGoToEven() {
    ModelBuilder net = new ModelBuilder(21, 1);
    float[] values = {-0.5f, 0.5f, 1.5f, 2.5f, 3.5f, 200.5f, 254.5f, 0};
    net.nodes("DynamicQuantizeLinear", 3, Map.of(), net.input(Tensor.ofFloats(values, 8)));
    check(net, true);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 17, 999})
  void whatIsNoNumberDoesNotWidenTheRange(int at) {
    float[] values = new float[1000];
    values[500] = -1;
    values[501] = 4.1f;
    values[at] = Float.NaN;
    ModelBuilder net = new ModelBuilder(21, 1);
    List<Value> made =
        net.nodes("DynamicQuantizeLinear", 3, Map.of(), net.input(Tensor.ofFloats(values, 1000)));
    try (Engine engine = Engine.load(net.model(), EngineOptions.defaults().withThreads(1))) {
      Tensor scale = Objects.requireNonNull(engine.run(net.feeds()).get(made.get(1).name()));
      assertThat(scale.toFloats()).containsExactly((4.1f + 1) / 255);
    }
  }

  @Test
  void zerosHaveScaleOne() {
    ModelBuilder net = new ModelBuilder(21, 1);
    net.nodes("DynamicQuantizeLinear", 3, Map.of(), net.input(Tensor.ofFloats(new float[6], 2, 3)));
    check(net, true);
  }

  @ParameterizedTest
  @CsvSource({
    "UINT8, UINT8, , ",
    "UINT8, INT8, 0, 0",
    "UINT8, INT8, 128, ",
    "UINT8, INT8, 7, 3",
    "UINT8, UINT8, 200, 128",
    "UINT8, UINT8, 1, 90",
    "INT8, INT8, -5, ",
    "INT8, INT8, 127, -128"
  })
  void productsOfIntegersAreExact(
      DataType left, DataType right, @Nullable Integer zeroLeft, @Nullable Integer zeroRight) {
    boolean runtimeHasIt = left == UINT8; // it has no kernel for signed sources
    for (boolean fixed : new boolean[] {true, false}) {
      ModelBuilder net = new ModelBuilder(21, 3);
      Value a = net.input(bytes(net, left, 2, 5, 70));
      Value b = net.constant(bytes(net, right, 70, 33));
      net.node(
          "MatMulInteger",
          a,
          b,
          zero(net, left, zeroLeft, fixed),
          zero(net, right, zeroRight, true));
      check(net, runtimeHasIt);
    }
  }

  private static Tensor bytes(ModelBuilder net, DataType type, long... shape) {
    return type == UINT8 ? net.whole(type, 0, 255, shape) : net.whole(type, -128, 127, shape);
  }

  private static @Nullable Value zero(
      ModelBuilder net, DataType type, @Nullable Integer zero, boolean fixed) {
    if (zero == null) {
      return null;
    }
    Tensor tensor = Tensor.ofRaw(type, new byte[] {zero.byteValue()});
    return fixed ? net.constant(tensor) : net.input(tensor);
  }

  @Test
  void productsOfComputedIntegersAndVectors() {
    ModelBuilder net = new ModelBuilder(21, 3);
    Value a = net.input(bytes(net, UINT8, 3, 1, 4, 9));
    Value b = net.input(bytes(net, UINT8, 2, 9, 6));
    net.node("MatMulInteger", a, b, zero(net, UINT8, 7, false), zero(net, UINT8, 100, false));
    Value row = net.input(bytes(net, UINT8, 9));
    net.node("MatMulInteger", row, b);
    net.node("MatMulInteger", row, net.input(bytes(net, INT8, 9)));
    check(net, false);
  }

  @Test
  void zeroPointsOfRowsAndColumns() {
    ModelBuilder net = new ModelBuilder(21, 3);
    Value a = net.input(bytes(net, UINT8, 4, 9));
    Value b = net.constant(net.whole(INT8, -60, 60, 9, 6));
    Value columns = net.constant(net.whole(INT8, -60, 60, 6));
    net.node("MatMulInteger", a, b, zero(net, UINT8, 9, true), columns);
    check(net, true);
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 0", "2, 2, 1", "8, 1, 1"})
  void convolutionsOfIntegersAreExact(long groups, long stride, long pad) {
    for (boolean fixed : new boolean[] {true, false}) {
      ModelBuilder net = new ModelBuilder(21, 4);
      Value x = net.input(bytes(net, UINT8, 2, 8, 9, 7));
      Value w = net.constant(bytes(net, UINT8, 16, 8 / groups, 3, 3));
      Map<String, Object> attributes =
          Map.of(
              "group",
              groups,
              "strides",
              new long[] {stride, stride},
              "pads",
              new long[] {pad, pad, pad, pad});
      net.node(
          "ConvInteger",
          attributes,
          x,
          w,
          zero(net, UINT8, 31, fixed),
          zero(net, UINT8, 128, true));
      check(net, true);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theChainOfExportersIsOneProduct(boolean perColumn) {
    ModelBuilder net = new ModelBuilder(21, 6);
    Value x = net.input(3, 96);
    List<Value> q = net.nodes("DynamicQuantizeLinear", 3, Map.of(), x);
    Value w = net.constant(bytes(net, INT8, 96, 48));
    Value sums = net.node("MatMulInteger", q.get(0), w, q.get(2));
    Value wide = net.node("Cast", Map.of("to", 1), sums);
    Value scales = perColumn ? net.weight(0.1, 48) : net.floats(0.02);
    Value scale = net.node("Mul", q.get(1), scales);
    net.node("Relu", net.node("Add", net.node("Mul", wide, scale), net.weight(1, 48)));
    Explanation plan = check(net, true);
    assertThat(whats(plan))
        .containsExactly("reduction", "reduction", "quantize", "reorder", "widen", "matmul+relu");
    assertThat(plan.steps().get(5).implementation()).startsWith("brg");
  }

  @Test
  void severalProductsOfOneInput() {
    ModelBuilder net = new ModelBuilder(21, 6);
    Value x = net.input(2, 5, 64);
    List<Value> q = net.nodes("DynamicQuantizeLinear", 3, Map.of(), x);
    for (int i = 0; i < 3; i++) {
      Value w = net.constant(bytes(net, INT8, 64, 32));
      Value sums = net.node("MatMulInteger", q.get(0), w, q.get(2));
      Value wide = net.node("Cast", Map.of("to", 1), sums);
      Value scale = net.node("Mul", net.floats(0.01 * (i + 1)), q.get(1));
      net.node("Mul", scale, wide);
    }
    assertThat(whats(check(net, true))).filteredOn(what -> what.equals("matmul")).hasSize(3);
  }

  @Test
  void theChainOfAConvolution() {
    ModelBuilder net = new ModelBuilder(21, 7);
    Value x = net.input(1, 16, 10, 10);
    List<Value> q = net.nodes("DynamicQuantizeLinear", 3, Map.of(), x);
    Value w = net.constant(bytes(net, UINT8, 24, 16, 3, 3));
    Value sums =
        net.node(
            "ConvInteger",
            Map.of("pads", new long[] {1, 1, 1, 1}),
            q.get(0),
            w,
            q.get(2),
            zero(net, UINT8, 128, true));
    Value wide = net.node("Cast", Map.of("to", 1), sums);
    Value scale = net.node("Mul", q.get(1), net.weight(0.1, 24, 1, 1));
    Value y = net.node("Add", net.node("Mul", wide, scale), net.weight(1, 24, 1, 1));
    net.node("Relu", y);
    assertThat(whats(check(net, true))).contains("convolution+relu");
  }

  @Test
  void weightsThatDoNotFitAreNamed() {
    ModelBuilder net = new ModelBuilder(21, 7);
    Value x = net.input(bytes(net, UINT8, 1, 4, 6, 6));
    net.node("ConvInteger", x, net.constant(bytes(net, UINT8, 8, 4, 3, 3)));
    try (Engine engine = Engine.load(net.model(), EngineOptions.defaults())) {
      assertThatThrownBy(() -> engine.run(net.feeds()))
          .isInstanceOf(UnsupportedNodeException.class)
          .hasMessageContaining("(ConvInteger)")
          .hasMessageContaining("signed bytes");
    }
  }

  @Test
  void matricesThatDoNotFitAreNamed() {
    ModelBuilder net = new ModelBuilder(21, 7);
    Value x = net.input(bytes(net, UINT8, 3, 4));
    net.node("MatMulInteger", x, net.constant(bytes(net, UINT8, 5, 4)));
    try (Engine engine = Engine.load(net.model(), EngineOptions.defaults())) {
      assertThatThrownBy(() -> engine.run(net.feeds()))
          .isInstanceOf(UnsupportedNodeException.class)
          .hasMessageContaining("[3, 4] and [5, 4] do not fit");
    }
  }
}
