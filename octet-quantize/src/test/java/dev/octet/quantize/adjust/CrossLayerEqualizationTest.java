package dev.octet.quantize.adjust;

import static dev.octet.quantize.adjust.FloatModels.ints;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OrtException;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.graph.pass.Passes;
import dev.octet.quantize.demo.DemoModel;
import dev.octet.testing.SharedFolder;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CrossLayerEqualizationTest {
  /** Two layers' sums are rounded in another place: some float32 steps of the largest output. */
  private static final double FLOAT_ROUNDING = 5e-6;

  /** The same through the depth of a real network, with channels that cancel. */
  private static final double DEEP_FLOAT_ROUNDING = 1e-4;

  private final FloatModels small = new FloatModels();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Relu",
        "LeakyRelu",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "MaxPool",
        "AveragePool"
      })
  void aFactorPassesWhatScalesWithItsInput(String op) throws OrtException {
    Value conv = conv("a", small.input("x", 1, 3, 9, 9), 4, 3);
    NodeSpec between = NodeSpec.of(op).reads(conv);
    if (op.equals("MaxPool") || op.equals("AveragePool")) {
      between = between.with("kernel_shape", ints(2L, 2L)).with("pads", ints(1L, 1L, 0L, 0L));
    }
    Model model = small.returning(pointwise("b", small.node("between", between), 5, 4));

    CrossLayerEqualization.Result result = equalizesWithoutChange(model);

    assertThat(result.pairs()).hasSize(1);
    assertRangesAreEven(model.graph(), "a", "b", 4);
  }

  @Test
  void aFactorPassesAPReluAndZeroPadding() throws OrtException {
    Value conv = conv("a", small.input("x", 1, 3, 9, 9), 4, 3);
    Value slope = small.uneven("slope", 4, 1, 1);
    Value relu = small.node("relu", "PRelu", conv, slope);
    Value pads = small.constant("pads", Tensor.ofLongs(new long[] {0, 0, 1, 1, 0, 0, 1, 1}, 8));
    Value padded = small.node("pad", "Pad", relu, pads);
    Model model = small.returning(conv("b", padded, 5, 4));
    assertThat(equalizesWithoutChange(model).pairs()).hasSize(1);
  }

  @Test
  void flattenedMapsTakeTheFactorOfTheirChannel() throws OrtException {
    Value conv = conv("a", small.input("x", 2, 3, 6, 6), 4, 3);
    Value flat = small.node("flat", "Flatten", small.node("relu", "Relu", conv));
    Value shape = small.constant("shape", Tensor.ofLongs(new long[] {-1, 64}, 2));
    Value same = small.node("same", "Reshape", small.node("again", "Relu", conv2()), shape);
    Model model =
        small.returning(
            gemm("b", flat, small.uneven("bw", 64, 7), false),
            gemm("d", same, small.uneven("dw", 7, 64), true));

    CrossLayerEqualization.Result result = equalizesWithoutChange(model);

    assertThat(result.pairs())
        .extracting(pair -> pair.first() + pair.second())
        .containsExactlyInAnyOrder("ab", "cd");
    assertRangesAreEven(model.graph(), "a", "b", 4);
    assertRangesAreEven(model.graph(), "c", "d", 4);
  }

  @Test
  void productsTakeTheAddedConstantAlong() throws OrtException {
    Value x = small.input("x", 2, 5, 6);
    Value product = small.node("a", "MatMul", x, small.uneven("aw", 6, 4));
    Value sum = small.node("sum", "Add", small.uneven("bias", 4), product);
    Model model =
        small.returning(
            small.node("b", "MatMul", small.node("relu", "Relu", sum), small.uneven("bw", 4, 3)));
    assertThat(equalizesWithoutChange(model).pairs()).hasSize(1);
    assertRangesAreEven(model.graph(), "a", "b", 4);
  }

  @ParameterizedTest
  @CsvSource({"1,1", "2,1", "1,2", "2,2", "4,4"})
  void groupsKeepTheirChannelsApart(int groupsOfFirst, int groupsOfSecond) throws OrtException {
    Value x = small.input("x", 1, 4, 7, 7);
    Value first =
        small.node(
            "a",
            NodeSpec.of("Conv")
                .reads(x, small.uneven("aw", 8, 4 / groupsOfFirst, 3, 3), small.uneven("ab", 8))
                .with("group", groupsOfFirst));
    Value second =
        small.node(
            "b",
            NodeSpec.of("ConvTranspose")
                .reads(
                    small.node("relu", "Relu", first),
                    small.uneven("bw", 8, 4 / groupsOfSecond, 3, 3),
                    small.uneven("bb", 4))
                .with("group", groupsOfSecond));
    Value third =
        small.node(
            "c",
            NodeSpec.of("Conv")
                .reads(
                    small.node("relu2", "Relu", second),
                    small.uneven("cw", 4, 4 / groupsOfFirst, 3, 3))
                .with("group", groupsOfFirst));
    Model model = small.returning(third);
    assertThat(equalizesWithoutChange(model).pairs()).hasSize(2);
  }

  @Test
  void aDepthwiseTripleIsEvenAfterOneSweep() throws OrtException {
    Value first = conv("a", small.input("x", 1, 3, 9, 9), 4, 3);
    Value depthwise =
        small.node(
            "b",
            NodeSpec.of("Conv")
                .reads(
                    small.node("r1", "Relu", first),
                    small.uneven("bw", 4, 1, 3, 3),
                    small.uneven("bb", 4))
                .with("group", 4));
    Model model = small.returning(pointwise("c", small.node("r2", "Relu", depthwise), 5, 4));

    CrossLayerEqualization.Result result = equalizesWithoutChange(model);

    assertThat(result.pairs()).hasSize(2);
    assertThat(result.sweeps()).as("one to move, one to see that nothing moves").isEqualTo(2);
    assertRangesAreEven(model.graph(), "a", "b", 4);
    assertRangesAreEven(model.graph(), "b", "c", 4);
  }

  @Test
  void aDeadChannelStaysAsItIs() throws OrtException {
    float[] weights = {0, 0, 3, -4, 1e-9f, 0};
    Value x = small.input("x", 1, 2, 5, 5);
    Value conv =
        small.node(
            "a",
            "Conv",
            x,
            small.constant("aw", Tensor.ofFloats(weights, 3, 2, 1, 1)),
            small.constant("ab", Tensor.ofFloats(new float[] {5, 6, 7}, 3)));
    Model model = small.returning(pointwise("b", small.node("relu", "Relu", conv), 5, 3));
    equalizesWithoutChange(model);
    LayerWeights first = weights(model.graph(), "a");
    assertThat(first.weights()[4]).isEqualTo(1e-9f);
    assertThat(first.bias()).contains(5.0, 7.0);
  }

  @Test
  void weightsThatOthersReadStayForTheOthers() throws OrtException {
    Value x = small.input("x", 1, 4, 9, 9);
    Value shared = small.uneven("shared", 4, 4, 3, 3);
    Value bias = small.uneven("bias", 4);
    Value a = small.node("a", "Conv", x, shared, bias);
    Value b = small.node("b", "Conv", small.node("relu", "Relu", a), shared, bias);
    Value other = small.node("other", "Conv", x, shared, bias);
    Tensor before = shared.constant();
    Model model = small.returning(b, other);
    assertThat(equalizesWithoutChange(model).pairs()).hasSize(1);
    assertThat(model.graph().value("shared").constant()).isEqualTo(before);
  }

  @Test
  void refusesWithAReason() {
    Value x = small.input("x", 1, 3, 9, 9);
    Value six = small.constant("six", Tensor.ofFloats(new float[] {6}));
    Value zero = small.constant("zero", Tensor.ofFloats(new float[] {0}));
    Value clipped = small.node("clip", "Clip", conv("relu6", x, 4, 3), zero, six);
    Value branched = conv("branched", x, 4, 3);
    Value sigmoid = small.node("bent", "Sigmoid", conv("curved", x, 4, 3));
    Model model =
        small.returning(
            pointwise("o1", clipped, 2, 4),
            small.node("sum", "Add", branched, pointwise("o2", branched, 4, 4)),
            pointwise("o3", sigmoid, 2, 4));

    CrossLayerEqualization.Result result = CrossLayerEqualization.apply(model.graph());

    assertThat(result.pairs()).isEmpty();
    assertThat(result.refusals())
        .contains(
            new Refusal("relu6", "Clip 'clip' to [0.0, 6.0] is not homogeneous"),
            new Refusal("branched", "'branched' has 2 readers"),
            new Refusal("o3", "'o3' is an output of the graph"),
            new Refusal(
                "curved",
                "'curved' is read by Sigmoid 'bent', which a factor per channel cannot pass"));
  }

  @Test
  void theDemoModelComputesTheSame() throws OrtException {
    Model model = OnnxReader.read(DemoModel.onnx(), "the demo model");
    Passes.simplify(model);
    assertThat(equalizesWithoutChange(model, DEEP_FLOAT_ROUNDING).pairs()).isNotEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"mnist-cnn", "resnet20-cifar10", "squeezenet1_1-imagenet", "mobilenetv2-cifar10"})
  void realModelsComputeTheSame(String name) throws OrtException {
    Model model = OnnxReader.read(SharedFolder.require("models/" + name + ".onnx"));
    Passes.simplify(model);
    assertThat(equalizesWithoutChange(model, DEEP_FLOAT_ROUNDING).pairs()).isNotEmpty();
  }

  private static CrossLayerEqualization.Result equalizesWithoutChange(Model model)
      throws OrtException {
    return equalizesWithoutChange(model, FLOAT_ROUNDING);
  }

  private static CrossLayerEqualization.Result equalizesWithoutChange(Model model, double tolerance)
      throws OrtException {
    Map<String, float[]> before = FloatModels.run(model);
    CrossLayerEqualization.Result result = CrossLayerEqualization.apply(model.graph());
    assertThat(FloatModels.difference(before, FloatModels.run(model))).isLessThan(tolerance);
    return result;
  }

  private static void assertRangesAreEven(Graph graph, String first, String second, int channels) {
    double[] expected = weights(graph, second).inputMax(channels);
    if (weights(graph, second).isDepthwise()) {
      expected = weights(graph, second).outputMax();
    }
    double[] actual = weights(graph, first).outputMax();
    for (int i = 0; i < channels; i++) {
      assertThat(actual[i]).isCloseTo(expected[i], within(2e-3 * expected[i]));
    }
  }

  private static LayerWeights weights(Graph graph, String output) {
    return LayerWeights.of(
        graph.nodes().stream()
            .filter(node -> node.name().equals(output))
            .findFirst()
            .orElseThrow());
  }

  private Value conv(String name, Value x, long out, long in) {
    return small.node(
        name, "Conv", x, small.uneven(name + "w", out, in, 3, 3), small.uneven(name + "b", out));
  }

  private Value conv2() {
    return conv("c", small.input("x2", 2, 3, 6, 6), 4, 3);
  }

  private Value pointwise(String name, Value x, long out, long in) {
    return small.node(
        name, "Conv", x, small.uneven(name + "w", out, in, 1, 1), small.uneven(name + "b", out));
  }

  private Value gemm(String name, Value x, Value weights, boolean transposed) {
    return small.node(
        name, NodeSpec.of("Gemm").reads(x, weights).with("transB", transposed ? 1 : 0));
  }
}
