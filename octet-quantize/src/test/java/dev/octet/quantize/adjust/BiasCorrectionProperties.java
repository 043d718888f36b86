package dev.octet.quantize.adjust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class BiasCorrectionProperties {
  /** Sums of a few hundred products of float32 numbers around 1, in float64. */
  private static final double SUMMATION = 1e-9;

  @Property
  void theMeanOutputOfACorrectedProductIsThatOfTheFloatLayer(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 9) int inputs,
      @ForAll @IntRange(min = 1, max = 9) int outputs,
      @ForAll @IntRange(min = 1, max = 20) int samples) {
    Random random = new Random(seed);
    float[] exact = draw(random, inputs * outputs);
    float[] rounded = round(exact);
    float[] x = draw(random, samples * inputs);
    double[] means = new double[inputs];
    for (int i = 0; i < x.length; i++) {
      means[i % inputs] += (double) x[i] / samples;
    }
    double[] shift = shift(NodeSpec.of("MatMul"), exact, rounded, means, inputs, outputs);
    for (int out = 0; out < outputs; out++) {
      double difference = 0;
      for (int n = 0; n < samples; n++) {
        for (int in = 0; in < inputs; in++) {
          int weight = in * outputs + out;
          difference += ((double) rounded[weight] - exact[weight]) * x[n * inputs + in] / samples;
        }
      }
      assertThat(difference - shift[out]).isCloseTo(0, within(SUMMATION));
    }
  }

  /** A window over a ring has no border: every tap meets every value, as padding is taken to. */
  @Property
  void theMeanOutputOfACorrectedGroupedConvolutionIsThatOfTheFloatLayer(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 3) int groups,
      @ForAll @IntRange(min = 1, max = 3) int inPerGroup,
      @ForAll @IntRange(min = 1, max = 3) int outPerGroup,
      @ForAll @IntRange(min = 1, max = 4) int taps,
      @ForAll @IntRange(min = 4, max = 9) int length) {
    Random random = new Random(seed);
    int inputs = groups * inPerGroup;
    int outputs = groups * outPerGroup;
    float[] exact = draw(random, outputs * inPerGroup * taps);
    float[] rounded = round(exact);
    float[] x = draw(random, inputs * length);
    double[] means = new double[inputs];
    for (int i = 0; i < x.length; i++) {
      means[i / length] += (double) x[i] / length;
    }
    double[] shift =
        shift(
            NodeSpec.of("Conv").with("group", groups),
            exact,
            rounded,
            means,
            outputs,
            inPerGroup,
            taps);
    for (int out = 0; out < outputs; out++) {
      double difference = 0;
      for (int at = 0; at < length; at++) {
        for (int in = 0; in < inPerGroup; in++) {
          int channel = out / outPerGroup * inPerGroup + in;
          for (int tap = 0; tap < taps; tap++) {
            int weight = (out * inPerGroup + in) * taps + tap;
            double error = (double) rounded[weight] - exact[weight];
            difference += error * x[channel * length + (at + tap) % length] / length;
          }
        }
      }
      assertThat(difference - shift[out]).isCloseTo(0, within(SUMMATION));
    }
  }

  private static double[] shift(
      NodeSpec layer, float[] exact, float[] rounded, double[] means, long... shape) {
    Node node = new FloatModels().node("y", layer).producer();
    assertThat(node).isNotNull();
    return BiasCorrection.shift(node, exact, rounded, shape, means);
  }

  private static float[] draw(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextGaussian() + 0.5);
    }
    return values;
  }

  private static float[] round(float[] exact) {
    float[] rounded = new float[exact.length];
    for (int i = 0; i < exact.length; i++) {
      rounded[i] = (float) Math.rint(exact[i] * 4) / 4;
    }
    return rounded;
  }
}
