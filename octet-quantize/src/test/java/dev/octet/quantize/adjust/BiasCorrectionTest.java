package dev.octet.quantize.adjust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import org.junit.jupiter.api.Test;

/** Expected values are worked out by hand in the comments. */
class BiasCorrectionTest {
  private static final double EXACT = 1e-7;

  private final FloatModels small = new FloatModels();
  private int nodes;

  @Test
  void aMatrixShiftsByItsErrorTimesTheMeans() {
    // Errors of the rows (input features): (0.5, 0), (-1, 0.25); means 2 and 4.
    float[] exact = {1, 2, 3, 4};
    float[] rounded = {1.5f, 2, 2, 4.25f};
    double[] means = {2, 4};
    assertThat(shift(NodeSpec.of("MatMul"), exact, rounded, new long[] {2, 2}, means))
        .containsExactly(new double[] {0.5 * 2 - 1 * 4, 0.25 * 4}, within(EXACT));
    // The same numbers with features as columns: errors of the rows (output channels) as above.
    NodeSpec transposed = NodeSpec.of("Gemm").with("transB", 1);
    assertThat(shift(transposed, exact, rounded, new long[] {2, 2}, means))
        .containsExactly(new double[] {0.5 * 2, -1 * 2 + 0.25 * 4}, within(EXACT));
  }

  @Test
  void aConvolutionSumsItsWindowAndKeepsGroupsApart() {
    // [2 outputs, 1 input of the group, 2 taps]; errors (0.1, 0.2) and (0.3, -0.1).
    float[] exact = {1, 1, 1, 1};
    float[] rounded = {1.1f, 1.2f, 1.3f, 0.9f};
    NodeSpec grouped = NodeSpec.of("Conv").with("group", 2);
    assertThat(shift(grouped, exact, rounded, new long[] {2, 1, 2}, 10, 100))
        .containsExactly(new double[] {0.3 * 10, 0.2 * 100}, within(1e-4));
    // One group with two inputs: the same four numbers are [1 output, 2 inputs, 2 taps].
    assertThat(shift(NodeSpec.of("Conv"), exact, rounded, new long[] {1, 2, 2}, 10, 100))
        .containsExactly(new double[] {0.3 * 10 + 0.2 * 100}, within(1e-4));
  }

  @Test
  void aTransposedConvolutionReachesEachOutputOnceInStrideSteps() {
    // [2 inputs, 1 output of the group, 2 taps] in two groups; errors (0.5, 0.5) and (1, -0.5).
    float[] exact = {0, 0, 0, 0};
    float[] rounded = {0.5f, 0.5f, 1, -0.5f};
    NodeSpec grouped =
        NodeSpec.of("ConvTranspose").with("group", 2).with("strides", FloatModels.ints(2L));
    assertThat(shift(grouped, exact, rounded, new long[] {2, 1, 2}, 3, 4))
        .containsExactly(new double[] {1 * 3 / 2.0, 0.5 * 4 / 2.0}, within(EXACT));
    assertThat(shift(NodeSpec.of("ConvTranspose"), exact, rounded, new long[] {2, 1, 2}, 3, 4))
        .containsExactly(new double[] {1 * 3 + 0.5 * 4}, within(EXACT));
  }

  @Test
  void recurrentWeightsAreRowsOfGates() {
    // [1 direction, 4 gates of 1 unit, 2 inputs]: only the errors of gates 0 and 3 are not zero.
    float[] exact = new float[8];
    float[] rounded = {1, 2, 0, 0, 0, 0, -1, 0};
    assertThat(shift(NodeSpec.of("LSTM"), exact, rounded, new long[] {1, 4, 2}, 10, 1))
        .containsExactly(new double[] {12, 0, 0, -10}, within(EXACT));
  }

  @Test
  void exactWeightsShiftNothing() {
    float[] exact = {1, -2, 3};
    assertThat(shift(NodeSpec.of("MatMul"), exact, exact, new long[] {3, 1}, 1, 2, 3))
        .containsExactly(0);
  }

  @Test
  void refusesMeansThatDoNotFit() {
    float[] four = new float[4];
    assertThatThrownBy(() -> shift(NodeSpec.of("Conv"), four, four, new long[] {2, 2, 1}, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 input means are given for the 2 input channels");
    assertThatThrownBy(() -> shift(NodeSpec.of("MatMul"), four, four, new long[] {2, 2}, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("1 input means are given for 2 input features");
    assertThatThrownBy(() -> shift(NodeSpec.of("GRU"), four, four, new long[] {1, 2, 2}, 1, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("(GRU) is not defined");
  }

  private double[] shift(
      NodeSpec spec, float[] exact, float[] rounded, long[] shape, double... means) {
    Value made = small.node("y" + nodes++, spec);
    Node node = made.producer();
    assertThat(node).isNotNull();
    return BiasCorrection.shift(node, exact, rounded, shape, means);
  }
}
