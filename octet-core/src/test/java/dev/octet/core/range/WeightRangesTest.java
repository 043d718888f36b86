package dev.octet.core.range;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class WeightRangesTest {
  private static final float[] SIX = {1, -2, 3, -4, 5, -6};

  private static List<Range> minMax(Granularity granularity) {
    return WeightRanges.find(
        SIX, new int[] {2, 3}, QuantDescriptor.builder().granularity(granularity).build());
  }

  @Test
  void rangesComeInTheOrderOfTheScales() {
    assertThat(minMax(Granularity.perTensor())).containsExactly(new Range(-6, 5));
    assertThat(minMax(Granularity.perAxis(0))).containsExactly(new Range(-2, 3), new Range(-6, 5));
    assertThat(minMax(Granularity.perAxis(-1)))
        .containsExactly(new Range(-4, 1), new Range(-2, 5), new Range(-6, 3));
  }

  @Test
  void theLastBlockMayBeShorter() {
    assertThat(minMax(Granularity.perBlock(1, 2)))
        .containsExactly(new Range(-2, 1), new Range(3, 3), new Range(-4, 5), new Range(-6, -6));
    assertThat(minMax(Granularity.perBlock(0, 2)))
        .containsExactly(new Range(-4, 1), new Range(-2, 5), new Range(-6, 3));
  }

  @Test
  void leastSquaredErrorBeatsMinMaxAtFourBits() {
    Random random = new Random(7);
    float[] weights = new float[2000];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) random.nextGaussian();
    }
    for (boolean symmetric : List.of(true, false)) {
      QuantDescriptor minMax = QuantDescriptor.builder().bits(4).symmetric(symmetric).build();
      QuantDescriptor mse = minMax.toBuilder().method(new RangeMethod.Mse()).build();
      double before = error(weights, WeightRanges.find(weights, new int[] {2000}, minMax).get(0));
      double after = error(weights, WeightRanges.find(weights, new int[] {2000}, mse).get(0));
      assertThat(after).isLessThan(0.75 * before);
    }
  }

  /** Squared error on sixteen even levels from end to end, near enough to either grid. */
  private static double error(float[] weights, Range range) {
    double scale = (range.max() - range.min()) / 15.0;
    double sum = 0;
    for (float weight : weights) {
      double clipped = Math.min(Math.max(weight, range.min()), range.max());
      sum += Math.pow(weight - Math.rint(clipped / scale) * scale, 2);
    }
    return sum;
  }

  @Test
  void zerosGiveAnEmptyRangeAndNanIsRefused() {
    QuantDescriptor descriptor = QuantDescriptor.builder().method(new RangeMethod.Mse()).build();
    assertThat(WeightRanges.find(new float[3], new int[] {3}, descriptor))
        .containsExactly(new Range(0, 0));
    assertThatThrownBy(() -> WeightRanges.find(new float[] {Float.NaN}, new int[] {1}, descriptor))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("weights hold 1 NaN and 0 infinities; repair the model before quantizing it");
  }
}
