package dev.octet.quantize.adjust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OrtException;
import dev.octet.core.range.Range;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class InputWeightEqualizationTest {
  private static final double FLOAT_ROUNDING = 5e-6;

  private final FloatModels small = new FloatModels();

  private Value layer(String name, Value input, int in, int out) {
    return small.node(
        name,
        NodeSpec.of("Gemm")
            .reads(input, small.uneven(name + "w", out, in), small.uneven(name + "b", out))
            .with("transB", 1));
  }

  private static double[] factors(int count) {
    double[] factors = new double[count];
    Arrays.setAll(factors, i -> Math.pow(10, i % 3 - 1));
    return factors;
  }

  private static void equalizesWithoutChange(Model model, Node layer, int channels, int nodes)
      throws OrtException {
    Map<String, float[]> before = FloatModels.run(model);
    int had = model.graph().nodeCount();
    InputWeightEqualization.apply(layer, factors(channels));
    assertThat(model.graph().nodeCount() - had).isEqualTo(nodes);
    assertThat(FloatModels.difference(before, FloatModels.run(model))).isLessThan(FLOAT_ROUNDING);
  }

  @Test
  void factorsAreRootsOfTheRatioOfWidths() {
    Value weight =
        small.constant("w", Tensor.ofFloats(new float[] {1, -1, 5, 2, 7, 5, 3, 0, 5}, 3, 3));
    Model model =
        small.returning(
            small.node(
                "y", NodeSpec.of("Gemm").reads(small.input("x", 2, 3), weight).with("transB", 1)));
    Node layer = model.graph().nodes().get(0);
    double[] factors =
        InputWeightEqualization.factors(
            layer, List.of(new Range(-1, 1), new Range(0, 2), new Range(0, 3)));
    // Columns (1, 2, 3), (-1, 7, 0) and (5, 5, 5), the last of no width.
    assertThat(factors).containsExactly(new double[] {1, 2, 1}, within(1e-12));
    assertThatThrownBy(() -> InputWeightEqualization.factors(layer, List.of(new Range(-1, 1))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("3 input channels");
  }

  @Test
  void scalesTheLayerBeforeThroughRelu() throws OrtException {
    Value relu = small.node("relu", "Relu", layer("a", small.input("x", 4, 5), 5, 6));
    Model model = small.returning(layer("b", relu, 6, 3));
    equalizesWithoutChange(model, model.graph().nodes().get(2), 6, 0);
  }

  @Test
  void scalesTheConvolutionBefore() throws OrtException {
    Value a = small.node("a", "Conv", small.input("x", 2, 3, 5, 5), small.uneven("aw", 6, 3, 3, 3));
    Value b = small.node("b", "Conv", small.node("r", "Relu", a), small.uneven("bw", 4, 6, 1, 1));
    Model model = small.returning(b);
    equalizesWithoutChange(model, model.graph().nodes().get(2), 6, 0);
  }

  @Test
  void multipliesWhereNothingBeforeCanTakeTheFactors() throws OrtException {
    Value x = small.input("x", 2, 3, 5, 5);
    Value conv = small.node("c", NodeSpec.of("Conv").reads(x, small.uneven("w", 4, 3, 3, 3)));
    Model model = small.returning(conv, small.node("t", "Tanh", x));
    Node layer = conv.producer();
    equalizesWithoutChange(model, layer, 3, 1);
    assertThat(layer.input(0).producer()).matches(InputWeightEqualization::made);
  }

  @Test
  void refusesOtherOperators() {
    Model model = small.returning(small.node("y", "Tanh", small.input("x", 2)));
    assertThat(InputWeightEqualization.refusal(model.graph().nodes().get(0)))
        .contains("convolutions and linear layers");
  }
}
