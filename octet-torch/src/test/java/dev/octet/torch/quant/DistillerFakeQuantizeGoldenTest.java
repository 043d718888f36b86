package dev.octet.torch.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.testing.Golden;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against Distiller's last commit: distiller-linear.json, what it trains with. */
class DistillerFakeQuantizeGoldenTest {
  private static final String TOPIC = "distiller-linear";

  static Stream<Golden> dorefaWeights() {
    return Golden.cases(TOPIC, name -> name.startsWith("dorefa_weights"));
  }

  static Stream<Golden> dorefaActivations() {
    return Golden.cases(TOPIC, name -> name.startsWith("dorefa_acts"));
  }

  static Stream<Golden> wrpn() {
    return Golden.cases(TOPIC, name -> name.startsWith("wrpn"));
  }

  static Stream<Golden> pact() {
    return Golden.cases(TOPIC, name -> name.startsWith("pact"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("dorefaWeights")
  void roundsWeightsAsDorefa(Golden golden) {
    int bits = golden.params().integer("num_bits");
    check(golden, x -> DistillerFakeQuantize.dorefaWeight(x, bits));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("dorefaActivations")
  void roundsActivationsAsDorefa(Golden golden) {
    int bits = golden.params().integer("num_bits");
    float clip = golden.params().number("clip_val");
    check(golden, x -> DistillerFakeQuantize.clipped(x, clip, bits));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrpn")
  void roundsWeightsAsDistillersWrpn(Golden golden) {
    int bits = golden.params().integer("num_bits");
    check(golden, x -> DistillerFakeQuantize.wrpnWeightAsDistiller(x, bits));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("pact")
  void learnsTheClipOfPact(Golden golden) {
    int bits = golden.params().integer("num_bits");
    try (Scope scope = Scope.open()) {
      Tensor alpha =
          GoldenTensors.leaf(Tensors.of(new float[] {golden.params().number("alpha")}, 1));
      check(golden, x -> DistillerFakeQuantize.learnedClip(x, alpha, bits));
      assertUlps(GoldenTensors.gradient(alpha), golden.expected().floats("grad_alpha"), 4);
    }
  }

  private static void check(Golden golden, UnaryOperator<Tensor> quantize) {
    try (Scope scope = Scope.open()) {
      Tensor x = GoldenTensors.leaf(GoldenTensors.input(golden, "x"));
      Tensor y = quantize.apply(x);
      assertUlps(Tensors.toFloats(y), golden.expected().floats("output"), 1);
      GoldenTensors.backward(y, GoldenTensors.input(golden, "grad_output"));
      // Products of derivatives: what is scaled up and down again, and sums over the maximum.
      assertUlps(GoldenTensors.gradient(x), golden.expected().floats("grad_input"), 8);
    }
  }

  private static void assertUlps(float[] actual, float[] expected, int ulps) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      double distance = Math.abs((double) actual[i] - expected[i]);
      assertThat(distance)
          .as("element %d", i)
          .isLessThanOrEqualTo((double) ulps * Math.ulp(expected[i]));
    }
  }

  @Test
  void keepsWrpnInsideItsBits() {
    try (Scope scope = Scope.open()) {
      Tensor weight = Tensors.of(new float[] {-2, -0.9f, -0.4f, 0, 0.4f, 0.6f, 2}, 7);
      assertThat(Tensors.toFloats(DistillerFakeQuantize.wrpnWeight(weight, 2)))
          .containsExactly(-1, -1, 0, 0, 0, 1, 1);
      assertThat(Tensors.toFloats(DistillerFakeQuantize.wrpnWeightAsDistiller(weight, 2))[0])
          .isLessThan(-1.3f);
    }
  }

  @Test
  void givesAWeightOfZerosALevel() {
    try (Scope scope = Scope.open()) {
      Tensor zeros = GoldenTensors.leaf(Tensors.of(new float[4], 4));
      Tensor y = DistillerFakeQuantize.dorefaWeight(zeros, 2);
      assertThat(Tensors.toFloats(y)).containsOnly(2 * (2f / 3) - 1);
      GoldenTensors.backward(y.sum());
      for (float gradient : GoldenTensors.gradient(zeros)) {
        assertThat(gradient).isFinite();
      }
    }
  }

  @Test
  void refusesWhatIsNoRange() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensors.of(new float[] {1}, 1);
      assertThatThrownBy(() -> DistillerFakeQuantize.clipped(x, 0, 4))
          .hasMessage("the clip is 0.0; it must be above 0 and finite");
      assertThatThrownBy(() -> DistillerFakeQuantize.clipped(x, 1, 17))
          .hasMessage("17 bits; choose 1 to 16");
      assertThatThrownBy(() -> DistillerFakeQuantize.wrpnWeight(x, 1))
          .hasMessage("1 bits; choose 2 to 16");
      assertThatThrownBy(
              () -> DistillerFakeQuantize.between(x, 1, 0, DistillerFakeQuantize.levels(1, 4)))
          .hasMessageContaining("give the smaller end first");
      assertThatThrownBy(() -> DistillerFakeQuantize.learnedClip(x, Tensors.of(new float[2], 2), 4))
          .hasMessageContaining("it must be one value");
    }
  }
}
