package dev.octet.quantize.emit;

import static dev.octet.quantize.emit.SmallNet.integer;
import static dev.octet.quantize.emit.SmallNet.ints;
import static dev.octet.quantize.emit.SmallNet.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.recipe.Format;
import dev.octet.core.recipe.Recipe;
import dev.octet.core.recipe.Target;
import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.demo.DemoModel;
import dev.octet.quantize.report.Warning;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every network is written in both forms, whose integers must agree. */
class QOperatorEmitterTest {
  @TempDir Path folder;

  @Test
  void convolutionsSumsPoolsAndTheLastLayerRunOnIntegers() throws IOException {
    Trial trial = agreeing(residualNet(), Trial.noiseSamples(16, 1, 3, 8, 8));
    assertThat(trial.operators())
        .containsExactly(
            "QuantizeLinear",
            "QLinearConv",
            "MaxPool",
            "QLinearConv",
            "QLinearAdd",
            "QLinearGlobalAveragePool",
            "Flatten",
            "QGemm");
    assertThat(trial.quantized.opsets()).containsEntry("com.microsoft", 1L);
    assertThat(trial.report.warnings()).isEmpty();
    // 8 convolution layers' worth of 8-bit noise is about 30 dB; this has 3.
    assertThat(trial.difference(Map.of("x", Trial.noise(5, 4, 3, 8, 8))).sqnr()).isGreaterThan(30);
  }

  @Test
  void anotherRuntimeMayNotReadIt() throws IOException {
    Recipe recipe = recipe().toBuilder().target(Target.OPENVINO).build();
    Trial trial = Trial.of(residualNet(), recipe, Trial.noiseSamples(8, 1, 3, 8, 8), folder);
    assertThat(trial.report.warnings().stream().map(Warning::text))
        .contains(
            "the model holds operators of ONNX Runtime's own (com.microsoft), which other runtimes"
                + " may not read; choose format qdq for them");
  }

  @Test
  void nothingButIntegersScalesAndShapesIsStored() throws IOException {
    Trial trial = agreeing(residualNet(), Trial.noiseSamples(16, 1, 3, 8, 8));
    for (Value value : trial.quantized.graph().values()) {
      assertThat(value.initializer() == null || !value.uses().isEmpty()).as(value.name()).isTrue();
    }
    assertThat(trial.storedTypes(16)).isNotEmpty().containsOnly(DataType.INT8);
  }

  @Test
  void reluIsTheLowerEndOfUnsignedIntegers() throws IOException {
    Trial trial = agreeing(activated("Relu"), Trial.noiseSamples(16, 1, 3, 8, 8));
    assertThat(trial.operators()).doesNotContain("Relu", "Clip");
  }

  @Test
  void aClipInsideTheRangeOfIntegersCutsIntegersOff() throws IOException {
    // The pool after it shares its parameters, not its limits, so the limits are inside.
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 3, 8, 8);
    Value low = net.constant("low", Tensor.ofFloats(new float[] {-0.25f}));
    Value high = net.constant("high", Tensor.ofFloats(new float[] {0.5f}));
    Value a = net.apply("Conv", "a", x, net.weights("k", 8, 3, 3, 3));
    Value b = net.apply("Clip", "b", a, low, high);
    Value c = net.apply("Conv", "c", x, net.weights("m", 8, 3, 3, 3));
    Value joined = net.apply("Concat", "joined", Map.of("axis", integer(1)), b, c);
    Value y = net.apply("Conv", "y", joined, net.weights("l", 4, 16, 1, 1));
    Trial trial =
        agreeing(
            net.returning(net.apply("ReduceMean", "mean", net.apply("Sigmoid", "s", y))),
            Trial.noiseSamples(16, 1, 3, 8, 8));
    assertThat(trial.operators()).contains("Clip", "Concat").doesNotContain("Conv");
  }

  @Test
  void signedActivationsKeepReluAsTheirZeroPoint() throws IOException {
    Recipe signed =
        recipe().toBuilder()
            .activation(recipe().activation().toBuilder().signed(true).symmetric(true).build())
            .build();
    Trial trial = agreeing(residualNet(), signed, Trial.noiseSamples(16, 1, 3, 8, 8));
    // Symmetric int8 wastes its negative half after Relu, so a Clip at 0 is needed.
    assertThat(trial.operators()).contains("Clip", "QLinearConv").doesNotContain("Relu");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Reshape",
        "Transpose",
        "Slice",
        "Squeeze",
        "Expand",
        "Tile",
        "Pad",
        "Resize",
        "Gather",
        "Split"
      })
  void whatMovesValuesMovesIntegers(String op) throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 3, 8, 8);
    Value a = net.apply("Conv", "a", x, net.weights("k", 6, 3, 3, 3));
    Value moved = move(net, op, a);
    Value y = net.apply("MatMul", "y", moved, net.weights("w", 6, 5));
    Trial trial = agreeing(net.returning(y), Trial.noiseSamples(8, 1, 3, 8, 8));
    assertThat(trial.operators())
        .contains(op, "MatMulIntegerToFloat")
        .doesNotContain("DequantizeLinear");
  }

  @Test
  void spaceToDepthHasNoIntegerKernelAndStaysBetweenConversions() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 3, 8, 8);
    Value a = net.apply("Conv", "a", x, net.weights("k", 6, 3, 3, 3));
    Value moved = net.apply("SpaceToDepth", "moved", Map.of("blocksize", integer(2)), a);
    Value y = net.apply("MatMul", "y", moved, net.weights("w", 3, 5));
    Trial trial = agreeing(net.returning(y), Trial.noiseSamples(8, 1, 3, 8, 8));
    assertThat(trial.operators()).contains("SpaceToDepth", "DequantizeLinear");
    assertThat(trial.report.warnings().stream().map(Warning::text))
        .containsExactly(
            "node 'moved-node' (SpaceToDepth) stays between DequantizeLinear and QuantizeLinear:"
                + " it has no form on integers here");
  }

  @Test
  void transposedConvolutionsStayBetweenConversions() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 3, 8, 8);
    Value a = net.apply("ConvTranspose", "a", x, net.weights("k", 3, 6, 3, 3));
    Value y = net.apply("Conv", "y", a, net.weights("l", 4, 6, 3, 3));
    Trial trial =
        agreeing(net.returning(net.apply("Sigmoid", "s", y)), Trial.noiseSamples(8, 1, 3, 8, 8));
    assertThat(trial.operators()).contains("ConvTranspose", "QLinearConv");
    assertThat(trial.report.warnings()).hasSize(1);
  }

  @Test
  void attentionMultipliesTwoActivations() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 6, 16);
    Value q = net.apply("MatMul", "q", x, net.weights("wq", 16, 16));
    Value k = net.apply("MatMul", "k", x, net.weights("wk", 16, 16));
    Value kt = net.apply("Transpose", "kt", Map.of("perm", ints(0, 2, 1)), k);
    Value y = net.apply("MatMul", "y", q, kt);
    Trial trial = agreeing(net.returning(y), Trial.noiseSamples(16, 1, 6, 16));
    assertThat(trial.operators()).contains("QLinearMatMul", "MatMulIntegerToFloat", "Transpose");
  }

  @Test
  void averagesAndProductsOfActivationsHaveIntegerForms() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 3, 8, 8);
    Value a = net.apply("Conv", "a", x, net.weights("k", 6, 3, 3, 3));
    Value b = net.apply("Conv", "b", x, net.weights("l", 6, 3, 3, 3));
    Value product = net.apply("Mul", "product", a, b);
    Value pooled =
        net.apply(
            "AveragePool",
            "pooled",
            Map.of("kernel_shape", ints(2, 2), "strides", ints(2, 2)),
            product);
    Value flat = net.apply("Flatten", "flat", pooled);
    Value y = net.apply("Gemm", "y", Map.of("alpha", real(0.5f)), flat, net.weights("w", 54, 5));
    // A corrected bias would be float, because the product's scale is not the integers' own.
    Recipe uncorrected = recipe().toBuilder().biasCorrection(false).build();
    Trial trial = agreeing(net.returning(y), uncorrected, Trial.noiseSamples(16, 1, 3, 8, 8));
    assertThat(trial.operators()).contains("QLinearMul", "QLinearAveragePool", "QGemm");
  }

  @Test
  void fourBitWeightsStayBetweenConversions() throws IOException {
    Recipe recipe = Recipe.preset("w4a8-channel").toBuilder().format(Format.QOPERATOR).build();
    Trial trial = agreeing(residualNet(), recipe, Trial.noiseSamples(8, 1, 3, 8, 8));
    assertThat(trial.operators()).contains("Conv", "QLinearAdd");
    assertThat(trial.storedTypes(100)).contains(DataType.INT4);
    assertThat(trial.report.warnings()).isNotEmpty();
  }

  @Test
  void theDemoModelAgreesInBothForms() throws IOException {
    Files.write(folder.resolve("demo.onnx"), DemoModel.onnx());
    Model demo = OnnxReader.read(folder.resolve("demo.onnx"));
    Trial trial = agreeing(demo, Trial.noiseSamples(16, 1, 3, 32, 32));
    assertThat(trial.operators()).doesNotContain("Conv", "Gemm", "Add", "Relu");
    assertThat(trial.operators().stream().filter("DequantizeLinear"::equals)).isEmpty();
  }

  // ---- networks ----

  private static Model residualNet() {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 3, 8, 8);
    Value a =
        net.apply(
            "Conv",
            "a",
            Map.of("pads", ints(1, 1, 1, 1)),
            x,
            net.weights("k", 8, 3, 3, 3),
            net.weights("kb", 8));
    Value pooled =
        net.apply(
            "MaxPool",
            "pooled",
            Map.of("kernel_shape", ints(2, 2), "strides", ints(2, 2)),
            net.apply("Relu", "r", a));
    Value b =
        net.apply(
            "Conv",
            "b",
            Map.of("pads", ints(1, 1, 1, 1), "group", integer(8)),
            pooled,
            net.weights("l", 8, 1, 3, 3));
    Value sum = net.apply("Relu", "s", net.apply("Add", "sum", b, pooled));
    Value flat = net.apply("Flatten", "flat", net.apply("GlobalAveragePool", "mean", sum));
    return net.returning(
        net.apply(
            "Gemm",
            "y",
            Map.of("transB", integer(1)),
            flat,
            net.weights("w", 10, 8),
            net.weights("wb", 10)));
  }

  private static Model activated(String op) {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 3, 8, 8);
    Value a = net.apply(op, "a", net.apply("Conv", "c", x, net.weights("k", 8, 3, 3, 3)));
    Value y = net.apply("Conv", "y", a, net.weights("l", 4, 8, 1, 1));
    return net.returning(net.apply("Sigmoid", "s", y));
  }

  /** From {@code [n, 6, 6, 6]} to something whose last axis is 6, by {@code op}. */
  private static Value move(SmallNet net, String op, Value a) {
    Map<String, Attribute> none = Map.of();
    return switch (op) {
      case "Reshape" -> net.apply(op, "moved", none, a, longs(net, "shape", -1, 36, 6));
      case "Transpose" -> net.apply(op, "moved", Map.of("perm", ints(0, 2, 3, 1)), a);
      case "Slice" ->
          net.apply(
              op,
              "moved",
              none,
              a,
              longs(net, "from", 1),
              longs(net, "to", 4),
              longs(net, "on", 1));
      case "Squeeze" ->
          net.apply(
              op,
              "moved",
              none,
              net.apply("Unsqueeze", "wide", none, a, longs(net, "at", 1)),
              longs(net, "axis", 1));
      case "Expand" -> net.apply(op, "moved", none, a, longs(net, "size", 2, 1, 1, 1, 1));
      case "Tile" -> net.apply(op, "moved", none, a, longs(net, "times", 1, 2, 2, 1));
      case "Pad" -> net.apply(op, "moved", none, a, longs(net, "pads", 0, 1, 1, 0, 0, 0, 1, 0));
      case "Resize" ->
          net.apply(
              op,
              "moved",
              Map.of("mode", new Attribute.StringValue("nearest")),
              a,
              net.constant("roi", Tensor.ofFloats(new float[0], 0)),
              net.constant("scales", Tensor.ofFloats(new float[] {1, 1, 2, 1}, 4)));
      case "Gather" ->
          net.apply(op, "moved", Map.of("axis", integer(1)), a, longs(net, "ids", 5, 0, 5));
      default -> split(net, a);
    };
  }

  private static Value split(SmallNet net, Value a) {
    Value one = net.graph().addValue("one", null);
    Value two = net.graph().addValue("two", null);
    net.graph()
        .add(
            NodeSpec.of("Split")
                .named("split")
                .reads(a, longs(net, "sizes", 2, 4))
                .makes(one, two)
                .with("axis", 1));
    return net.apply("Concat", "moved", Map.of("axis", integer(1)), two, one);
  }

  private static Value longs(SmallNet net, String name, long... values) {
    return net.constant(name, Tensor.ofLongs(values, values.length));
  }

  // ---- both forms ----

  private static Recipe recipe() {
    return Recipe.preset("qoperator-int8");
  }

  private Trial agreeing(Model model, Samples samples) throws IOException {
    return agreeing(model, recipe(), samples);
  }

  /**
   * Quantizes {@code model} in both forms and compares all integers they have in common. The forms
   * compute the same real numbers before rounding but for the last bit of a float, which moves an
   * integer by one at most; a later layer sums such steps up to less than one again, because its
   * scale is that of a sum of many.
   */
  private Trial agreeing(Model model, Recipe recipe, Samples samples) throws IOException {
    Recipe other = recipe.toBuilder().name("qdq").format(Format.QDQ).build();
    Trial joined = Trial.of(model, recipe, samples, folder);
    Trial apart = Trial.of(model, other, samples, folder);
    String input = model.graph().inputs().iterator().next().name();
    int[] shape = samples.iterator().next().inputs().get("").shape();
    HostTensor x = Trial.noise(77, shape);
    Map<String, HostTensor> expected = integers(apart.quantized, input, x);
    Map<String, HostTensor> actual = integers(joined.quantized, input, x);
    int compared = 0;
    for (Map.Entry<String, HostTensor> value : actual.entrySet()) {
      HostTensor twin = expected.get(value.getKey());
      if (twin != null) {
        int[] one = value.getValue().to(ElementType.INT32).ints();
        int[] two = twin.to(ElementType.INT32).ints();
        for (int i = 0; i < one.length; i++) {
          assertThat(Math.abs(one[i] - two[i]))
              .as("integer %d of '%s': %d and %d", i, value.getKey(), one[i], two[i])
              .isLessThanOrEqualTo(1);
        }
        compared++;
      }
    }
    assertThat(compared).as("values compared").isPositive();
    return joined;
  }

  private static Map<String, HostTensor> integers(Model model, String input, HostTensor x) {
    List<String> names =
        model.graph().nodes().stream()
            .flatMap(node -> node.outputs().stream())
            .filter(value -> value != null && value.name().endsWith("_q"))
            .map(Value::name)
            .toList();
    Map<String, HostTensor> values = new LinkedHashMap<>();
    try (var runner = OnnxRuntimeRunner.open(model, names)) {
      runner.run(Map.of(input, x), values::put);
    }
    return values;
  }
}
