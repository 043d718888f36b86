package dev.octet.quantize.emit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.pass.RemoveUnused;
import dev.octet.graph.pass.Rewrites;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A graph that was trained with fake quantization becomes one that stores integers. */
final class TrainedWeightsTest {
  private static final int CHANNELS = 4;

  private final SmallNet net = new SmallNet();

  /** Q/DQ on input and weights, a Conv, and BatchNormalization after it. */
  private Model trained(float... gamma) {
    return net.returning(normalized(gamma));
  }

  private Model trainedWithIntegerOutput() {
    Value scale = net.constant("y_s", Tensor.ofFloats(new float[] {0.02f}));
    Value zero = net.constant("y_z", Tensor.ofRaw(DataType.UINT8, new byte[] {90}));
    Value integers = net.apply("QuantizeLinear", "yq", normalized(1, 2, 0.5f, 1), scale, zero);
    return net.returning(net.apply("DequantizeLinear", "yd", integers, scale, zero));
  }

  private Value normalized(float... gamma) {
    Value x = net.input("x", DataType.FLOAT, "n", 3, 6, 6);
    Value inputScale = net.constant("x_s", Tensor.ofFloats(new float[] {0.03f}));
    Value inputZero = net.constant("x_z", Tensor.ofRaw(DataType.UINT8, new byte[] {100}));
    Value xq = net.apply("QuantizeLinear", "xq", x, inputScale, inputZero);
    Value xd = net.apply("DequantizeLinear", "xd", xq, inputScale, inputZero);
    Value w = net.weights("w", CHANNELS, 3, 3, 3);
    Value scale = net.constant("w_s", Tensor.ofFloats(new float[] {.01f, .02f, .03f, .005f}, 4));
    Value zero = net.constant("w_z", Tensor.ofRaw(DataType.INT8, new byte[CHANNELS], CHANNELS));
    Map<String, dev.octet.graph.Attribute> axis = Map.of("axis", SmallNet.integer(0));
    Value wq = net.apply("QuantizeLinear", "wq", axis, w, scale, zero);
    Value wd = net.apply("DequantizeLinear", "wd", axis, wq, scale, zero);
    Value bias = net.constant("b", Tensor.ofFloats(new float[] {.1f, -.2f, .3f, 0}, 4));
    Value conv = net.apply("Conv", "conv", xd, wd, bias);
    return net.apply(
        "BatchNormalization",
        "norm",
        conv,
        net.constant("gamma", Tensor.ofFloats(gamma, 4)),
        net.constant("beta", Tensor.ofFloats(new float[] {0, 1, -1, .5f}, 4)),
        net.constant("mean", Tensor.ofFloats(new float[] {.3f, 0, -.2f, 1}, 4)),
        net.constant("variance", Tensor.ofFloats(new float[] {1, .5f, 2, .1f}, 4)));
  }

  @Test
  void weightsBecomeIntegersWithTheSameResult() {
    Model model = trained(1, 2, 0.5f, 1);
    float[] before = run(model);
    Rewrites.run(model.graph(), new CodeConstants(), new RemoveUnused());
    assertThat(run(model)).containsExactly(before);
    assertThat(model.graph().value("w")).isNull();
    assertThat(model.graph().value("wq").constant().type()).isEqualTo(DataType.INT8);
    assertThat(count(model.graph(), "QuantizeLinear")).isEqualTo(1);
  }

  @Test
  void batchNormMovesIntoTheScalesAndNoIntegerChanges() {
    Model model = trained(1, 2, 0.5f, 1);
    Rewrites.run(model.graph(), new CodeConstants());
    final Tensor integers = model.graph().value("wq").constant();
    float[] before = run(model);
    Rewrites.run(model.graph(), new FoldBatchNormIntoScales(), new RemoveUnused());
    assertThat(count(model.graph(), "BatchNormalization")).isZero();
    assertClose(run(model), before);
    Node conv = only(model.graph(), "Conv");
    assertThat(conv.input(1).producer().input(0).constant()).isEqualTo(integers);
  }

  @Test
  void aNegativeFactorTurnsTheIntegersAndAZeroSwitchesThemOff() {
    Model model = trained(-1, 2, 0, 1);
    Rewrites.run(model.graph(), new CodeConstants());
    float[] before = run(model);
    Rewrites.run(model.graph(), new FoldBatchNormIntoScales(), new RemoveUnused());
    assertThat(count(model.graph(), "BatchNormalization")).isZero();
    assertClose(run(model), before);
  }

  @Test
  void theLowestIntegerHasNoOppositeAndIsLeftAlone() {
    Model model = trained(-1, 2, 1, 1);
    Graph graph = model.graph();
    float[] weights = new float[CHANNELS * 27];
    weights[0] = -100;
    graph.setInitializer(graph.value("w"), Tensor.ofFloats(weights, CHANNELS, 3, 3, 3));
    float[] before = run(model);
    Rewrites.run(graph, new CodeConstants(), new FoldBatchNormIntoScales());
    assertThat(count(graph, "BatchNormalization")).isEqualTo(1);
    assertThat(run(model)).containsExactly(before);
  }

  /**
   * ONNX Runtime rounds such a bias as it loads the model: to write it so changes nothing there.
   */
  @Test
  void biasesBecomeIntegersWhereTheOutputDoes() {
    Graph floating = trained(1, 2, 0.5f, 1).graph();
    Rewrites.run(floating, new CodeConstants(), new FoldBatchNormIntoScales(), new CodeBiases());
    assertThat(only(floating, "Conv").input(2).constant().type()).isEqualTo(DataType.FLOAT);

    Model model = new TrainedWeightsTest().trainedWithIntegerOutput();
    Graph graph = model.graph();
    Rewrites.run(graph, new CodeConstants(), new FoldBatchNormIntoScales());
    Node conv = only(graph, "Conv");
    float[] before = run(model);
    Rewrites.run(graph, new CodeBiases(), new RemoveUnused());

    assertThat(conv.input(2).producer().input(0).constant().type()).isEqualTo(DataType.INT32);
    assertThat(run(model)).containsExactly(before);
  }

  private static void assertClose(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      assertThat(actual[i]).isCloseTo(expected[i], within(1e-4f));
    }
  }

  private static long count(Graph graph, String op) {
    return graph.nodes().stream().filter(node -> node.is(op)).count();
  }

  private static Node only(Graph graph, String op) {
    return graph.nodes().stream().filter(node -> node.is(op)).findFirst().orElseThrow();
  }

  private static float[] run(Model model) {
    Random random = new Random(3);
    float[] image = new float[2 * 3 * 36];
    for (int i = 0; i < image.length; i++) {
      image[i] = (float) random.nextGaussian();
    }
    float[][] result = new float[1][];
    try (OnnxRuntimeRunner runner = OnnxRuntimeRunner.open(model)) {
      runner.run(
          Map.of("x", HostTensor.ofFloats(new int[] {2, 3, 6, 6}, image)),
          (name, tensor) -> result[0] = tensor.floats());
    }
    return result[0];
  }
}
