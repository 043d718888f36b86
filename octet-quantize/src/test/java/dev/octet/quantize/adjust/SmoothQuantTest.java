package dev.octet.quantize.adjust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OrtException;
import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.graph.pass.Passes;
import dev.octet.testing.SharedFolder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SmoothQuantTest {
  /** Sums of products of other factors are rounded elsewhere: some steps of the largest output. */
  private static final double FLOAT_ROUNDING = 5e-6;

  private final FloatModels small = new FloatModels();

  @Test
  void dividesInsideTheNormalizationForAllItsReaders() throws OrtException {
    Value norm = norm("norm", small.input("x", 2, 5, 6), 6);
    Model model = small.returning(matMul("q", norm, 6, 4), matMul("k", norm, 6, 4));
    int nodes = model.graph().nodeCount();

    SmoothQuant smoothing = smoothsWithoutChange(model);

    assertThat(smoothing.refusals()).isEmpty();
    assertThat(smoothing.sites())
        .containsExactly(new SmoothQuant.Site("norm", 6, List.of("q", "k")));
    assertThat(model.graph().nodeCount()).isEqualTo(nodes);
  }

  @Test
  void aResidualSumKeepsTheNormalizedValue() throws OrtException {
    Value norm = norm("norm", small.input("x", 2, 5, 6), 6);
    Value sum = small.node("sum", "Add", norm, matMul("o", norm, 6, 6));
    Model model = small.returning(sum);

    SmoothQuant smoothing = smoothsWithoutChange(model);

    assertThat(smoothing.sites()).hasSize(1);
    assertThat(model.graph().nodes())
        .extracting(node -> node.op() + " " + node.name())
        .contains("LayerNormalization norm", "LayerNormalization norm_smooth");
    assertThat(sum.producer()).isNotNull();
    assertThat(sum.producer().input(0)).isSameAs(norm);
  }

  @Test
  void dividesThroughSumsAndReluInTheLayerBefore() throws OrtException {
    Value first = matMul("a", small.input("x", 2, 5, 6), 6, 8);
    Value sum = small.node("sum", "Add", first, small.uneven("bias", 8));
    Model model = small.returning(matMul("b", small.node("relu", "Relu", sum), 8, 3));
    SmoothQuant smoothing = smoothsWithoutChange(model);
    assertThat(smoothing.sites()).extracting(SmoothQuant.Site::input).containsExactly("relu");
    assertThat(smoothing.refusals()).containsExactly(new Refusal("a", "'x' is not made by a node"));
  }

  @Test
  void dividesConstantsMultipliedAndAdded() throws OrtException {
    Value x = small.input("x", 2, 5, 6);
    Value scaled = small.node("scaled", "Mul", x, small.uneven("gamma", 6));
    Value shifted = small.node("shifted", "Add", small.uneven("beta", 1, 1, 6), scaled);
    Model model =
        small.returning(
            small.node("y", NodeSpec.of("MatMul").reads(shifted, small.uneven("w", 6, 4))),
            small.node("raw", "Tanh", x));
    assertThat(smoothsWithoutChange(model).sites()).hasSize(1);
  }

  @Test
  void refusesWithAReason() {
    Value x = small.input("x", 2, 5, 6);
    Value bent = small.node("bent", "Tanh", x);
    Value scaled = small.node("scaled", "Mul", x, small.uneven("gamma", 6));
    Model model =
        small.returning(
            matMul("a", bent, 6, 6), small.node("sum", "Add", scaled, matMul("b", scaled, 6, 6)));

    SmoothQuant smoothing = SmoothQuant.find(model.graph());

    assertThat(smoothing.sites()).isEmpty();
    assertThat(smoothing.refusals())
        .containsExactly(
            new Refusal(
                "a", "'bent' is made by Tanh 'bent', which cannot take a factor per feature"),
            new Refusal("b", "'scaled' is also read by others than linear layers"));
  }

  @Test
  void wantsTheMaximumOfEveryFeature() {
    Value norm = norm("norm", small.input("x", 2, 5, 6), 6);
    SmoothQuant smoothing = SmoothQuant.find(small.returning(matMul("q", norm, 6, 4)).graph());
    assertThatThrownBy(() -> smoothing.apply(Map.of("norm", new double[5]), 0.5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("'norm' needs the largest magnitude of each of its 6 features; 5 are given");
  }

  @Test
  void featuresThatWereNeverSeenStayAsTheyAre() {
    double[] factors =
        SmoothQuant.scales(new double[] {0, 4, 9, 1}, new double[] {3, 0, 4, 1}, 0.5);
    assertThat(factors).containsExactly(1, 1, 1.5, 1);
  }

  @Test
  void fullStrengthMakesAllFeaturesEquallyLargeAndNoneLeavesTheWeightsEven() {
    double[] max = {2, 8};
    double[] weights = {5, 0.1};
    double[] full = SmoothQuant.scales(max, weights, 1);
    assertThat(max[0] / full[0]).isCloseTo(max[1] / full[1], within(1e-12));
    double[] none = SmoothQuant.scales(max, weights, 0);
    assertThat(weights[0] * none[0]).isCloseTo(weights[1] * none[1], within(1e-12));
  }

  @Test
  void aRealTransformerComputesTheSame() throws OrtException {
    Model model = OnnxReader.read(SharedFolder.require("models/sst2-transformer.onnx"));
    Passes.simplify(model);
    assertThat(smoothsWithoutChange(model).sites()).hasSize(6);
  }

  /** Smooths with maxima that differ by two orders of magnitude from feature to feature. */
  private static SmoothQuant smoothsWithoutChange(Model model) throws OrtException {
    Map<String, float[]> before = FloatModels.run(model);
    SmoothQuant smoothing = SmoothQuant.find(model.graph());
    Map<String, double[]> maxima = new HashMap<>();
    for (SmoothQuant.Site site : smoothing.sites()) {
      double[] max = new double[site.channels()];
      Arrays.setAll(max, i -> Math.pow(10, i % 3));
      maxima.put(site.input(), max);
    }
    smoothing.apply(maxima, 0.5);
    assertThat(FloatModels.difference(before, FloatModels.run(model))).isLessThan(FLOAT_ROUNDING);
    return smoothing;
  }

  private Value norm(String name, Value x, long features) {
    return small.node(
        name,
        NodeSpec.of("LayerNormalization")
            .reads(x, small.uneven(name + "g", features), small.uneven(name + "b", features))
            .with("axis", -1));
  }

  private Value matMul(String name, Value x, long in, long out) {
    return small.node(name, "MatMul", x, small.uneven(name + "w", in, out));
  }
}
