package dev.octet.quantize.adjust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against {@code ptq-algorithms.json}, computed in float64 from the difference of outputs. */
class BiasCorrectionGoldenTest {
  /** Weights are float32 here and float64 there: half a step of the largest weight, times means. */
  private static final double WEIGHT_ROUNDING = 1e-6;

  static Stream<Golden> products() {
    return Golden.cases("ptq-algorithms", name -> name.startsWith("bias_correction_linear"));
  }

  static Stream<Golden> convolutions() {
    return Golden.cases("ptq-algorithms", name -> name.startsWith("bias_correction_conv"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("products")
  void takesTheShiftOfAProductFromItsInputMeans(Golden golden) {
    double[] x = golden.inputs().array("x").doubles();
    int features = golden.inputs().array("x").shape()[1];
    double[] means = new double[features];
    for (int i = 0; i < x.length; i++) {
      means[i % features] += x[i] * features / x.length;
    }
    check(golden, NodeSpec.of("Gemm").with("transB", 1), means);
  }

  /**
   * The golden layer has no padding, and its output mean needs the mean of the input under each tap
   * of the window. Unfolded, it is a product whose features are taps.
   */
  @ParameterizedTest(name = "{0}")
  @MethodSource("convolutions")
  void takesTheShiftOfAnUnfoldedConvolutionFromItsInputMeans(Golden golden) {
    double[] x = golden.inputs().array("x").doubles();
    int[] input = golden.inputs().array("x").shape();
    int[] kernel = golden.inputs().array("weight").shape();
    int height = input[2] - kernel[2] + 1;
    int width = input[3] - kernel[3] + 1;
    double[] means = new double[kernel[1] * kernel[2] * kernel[3]];
    for (int n = 0; n < input[0]; n++) {
      for (int tap = 0; tap < means.length; tap++) {
        int channel = tap / (kernel[2] * kernel[3]);
        int row = tap / kernel[3] % kernel[2];
        int column = tap % kernel[3];
        for (int at = 0; at < height * width; at++) {
          int y = row + at / width;
          int index = ((n * input[1] + channel) * input[2] + y) * input[3] + column + at % width;
          means[tap] += x[index] / (input[0] * height * width);
        }
      }
    }
    check(golden, NodeSpec.of("Gemm").with("transB", 1), means);
  }

  private static void check(Golden golden, NodeSpec layer, double[] means) {
    GoldenArray weights = golden.inputs().array("weight");
    float[] exact = LayerWeights.floats(weights.doubles());
    GoldenArray codes = golden.expected().array("weight_quantized");
    float[] rounded = LayerWeights.floats(codes.doubles());
    Node node = new FloatModels().node("y", layer).producer();
    assertThat(node).isNotNull();
    long[] shape = {weights.shape()[0], means.length};
    double[] shift = BiasCorrection.shift(node, exact, rounded, shape, means);
    double[] bias = golden.inputs().array("bias").doubles();
    double[] corrected = bias.clone();
    Arrays.setAll(corrected, i -> bias[i] - shift[i]);
    assertThat(shift)
        .containsExactly(golden.expected().array("shift").doubles(), within(WEIGHT_ROUNDING));
    assertThat(corrected)
        .containsExactly(golden.expected().array("bias").doubles(), within(WEIGHT_ROUNDING));
    golden.expected().leave("scale"); // how weights are rounded is not the business of this step
  }
}
