package dev.octet.quantize.adjust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against {@code ptq-algorithms.json}, computed in float64 from the published formula. */
class SmoothQuantGoldenTest {
  private static final double RELATIVE = 1e-9;

  static Stream<Golden> cases() {
    return Golden.cases("ptq-algorithms", name -> name.startsWith("smoothquant"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void movesLargeFeaturesIntoTheWeights(Golden golden) {
    GoldenArray x = golden.inputs().array("x");
    GoldenArray w = golden.inputs().array("weight");
    int features = x.shape()[1];
    long[] shape = Arrays.stream(w.shape()).asLongStream().toArray();
    LayerWeights weights = new LayerWeights(true, shape, 1, w.doubles(), null);
    double[] values = x.doubles();
    double[] max = new double[features];
    for (int i = 0; i < values.length; i++) {
      max[i % features] = Math.max(max[i % features], Math.abs(values[i]));
    }

    double[] factors =
        SmoothQuant.scales(max, weights.inputMax(features), golden.params().real("alpha"));
    weights.multiplyInputs(factors);
    for (int i = 0; i < values.length; i++) {
      values[i] /= factors[i % features];
    }

    assertClose(factors, golden.expected().array("scale"));
    assertClose(weights.weights(), golden.expected().array("weight_smoothed"));
    assertClose(values, golden.expected().array("x_smoothed"));
  }

  private static void assertClose(double[] actual, GoldenArray expected) {
    double[] wanted = expected.doubles();
    assertThat(actual).hasSameSizeAs(wanted);
    for (int i = 0; i < wanted.length; i++) {
      assertThat(actual[i])
          .as(expected + " at " + i)
          .isCloseTo(wanted[i], within(RELATIVE * Math.abs(wanted[i])));
    }
  }
}
