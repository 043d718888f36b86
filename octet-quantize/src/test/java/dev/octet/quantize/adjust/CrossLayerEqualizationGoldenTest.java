package dev.octet.quantize.adjust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against {@code ptq-algorithms.json}, computed in float64 from the published formulas. */
class CrossLayerEqualizationGoldenTest {
  /** What the golden files state for closed forms; twenty repetitions of one stay within it. */
  private static final double RELATIVE = 1e-9;

  static Stream<Golden> triples() {
    return Golden.cases("ptq-algorithms", "cle_depthwise_triple"::equals);
  }

  static Stream<Golden> chains() {
    return Golden.cases("ptq-algorithms", "cle_pairs_chain"::equals);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("triples")
  void aDepthwiseTripleGetsEqualRanges(Golden golden) {
    LayerWeights one = layer(golden.inputs(), 1, 1);
    LayerWeights two = layer(golden.inputs(), 2, 4);
    LayerWeights three = layer(golden.inputs(), 3, 1);
    Fields expected = golden.expected();
    assertClose(one.outputMax(), expected.array("r1"));
    assertClose(two.outputMax(), expected.array("r2"));
    assertClose(three.inputMax(4), expected.array("r3"));
    double[][] factors =
        CrossLayerEqualization.tripleScales(one.outputMax(), two.outputMax(), three.inputMax(4));
    assertClose(factors[0], expected.array("t12"));
    assertClose(factors[1], expected.array("t23"));

    CrossLayerEqualization.sweep(
        List.of(new Link("1", one, "2", two), new Link("2", two, "3", three)));

    assertClose(one.weights(), expected.array("w1"));
    assertClose(bias(one), expected.array("b1"));
    assertClose(two.weights(), expected.array("w2"));
    assertClose(bias(two), expected.array("b2"));
    assertClose(three.weights(), expected.array("w3"));
    // That the network computes the same is tested on graphs, in a runtime.
    expected.leave("output_before", "output_after");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("chains")
  void pairsOfAChainSettleStepByStep(Golden golden) {
    LayerWeights one = layer(golden.inputs(), 1, 1);
    LayerWeights two = layer(golden.inputs(), 2, 1);
    LayerWeights three = layer(golden.inputs(), 3, 1);
    List<Link> links = List.of(new Link("1", one, "2", two), new Link("2", two, "3", three));
    List<Double> moved = new ArrayList<>();
    for (int sweep = 1; sweep <= golden.params().integer("iterations"); sweep++) {
      moved.add(CrossLayerEqualization.sweep(links));
      if (sweep == 1) {
        assertChain(golden.expected().object("after_1"), one, two, three);
      }
    }
    assertChain(golden.expected().object("after_20"), one, two, three);
    // Differences from 1: what is left of them once they are small is the rounding of that 1.
    double[] expected = golden.expected().array("max_abs_t_minus_1").doubles();
    for (int i = 0; i < expected.length; i++) {
      assertThat(moved.get(i)).as("sweep " + i).isCloseTo(expected[i], within(RELATIVE));
    }
  }

  private static void assertChain(Fields expected, LayerWeights... layers) {
    for (int i = 0; i < layers.length; i++) {
      assertClose(layers[i].weights(), expected.array("w" + (i + 1)));
      if (i < 2) {
        assertClose(bias(layers[i]), expected.array("b" + (i + 1)));
      }
    }
  }

  private static LayerWeights layer(Fields inputs, int number, int groups) {
    GoldenArray weights = inputs.array("w" + number);
    long[] shape = Arrays.stream(weights.shape()).asLongStream().toArray();
    double[] bias = inputs.array("b" + number).doubles();
    return new LayerWeights(true, shape, groups, weights.doubles(), bias);
  }

  private static double[] bias(LayerWeights layer) {
    double[] bias = layer.bias();
    assertThat(bias).isNotNull();
    return bias;
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
