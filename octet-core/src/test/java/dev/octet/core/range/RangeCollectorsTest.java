package dev.octet.core.range;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RangeCollectorsTest {

  private static RangeCollector of(String method) {
    return RangeCollectors.create(
        "conv1_out", QuantDescriptor.builder().method(RangeMethod.parse(method)).build(), 1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "minmax",
        "moving-average",
        "percentile",
        "entropy",
        "mse",
        "octav",
        "aciq:laplace",
        "aciq:gauss",
        "nsigma",
        "average"
      })
  void everyMethodWorksPerTensorAndPerChannel(String method) {
    QuantDescriptor descriptor =
        QuantDescriptor.builder()
            .method(RangeMethod.parse(method))
            .granularity(Granularity.perAxis(1))
            .build();
    RangeCollector channels = RangeCollectors.create("x", descriptor, 3);
    RangeCollector whole = of(method);
    Random random = new Random(3);
    float[] values = new float[4 * 3 * 500];
    for (int i = 0; i < values.length; i++) {
      if (i / 500 % 3 == 1) { // channel 0 stays zero, channel 2 is twice channel 1
        values[i] = (float) random.nextGaussian();
        values[i + 500] = 2 * values[i];
      }
    }
    channels.collect(values, new int[] {4, 3, 500});
    whole.collect(values, new int[] {4, 3, 500});
    assertThat(whole.ranges()).hasSize(1);
    assertThat(channels.ranges()).hasSize(3);
    assertThat(channels.ranges().get(0)).isEqualTo(new Range(0, 0));
    assertThat(channels.observed().get(0).allZero()).isTrue();
    Range one = channels.ranges().get(1);
    Range two = channels.ranges().get(2);
    assertThat(one.amax()).isBetween(1f, 5f);
    assertThat(two).isEqualTo(new Range(2 * one.min(), 2 * one.max())); // powers of two are exact
  }

  @Test
  void nothingFiniteIsAnErrorThatNamesTheTensor() {
    RangeCollector collector = of("entropy");
    collector.collect(new float[] {Float.NaN, Float.POSITIVE_INFINITY}, new int[] {2});
    assertThatThrownBy(collector::ranges)
        .isInstanceOf(CalibrationException.class)
        .hasMessage(
            "tensor 'conv1_out' saw no finite value (1 NaN, 1 infinite); check the samples and the"
                + " preprocessing, or leave its node in float");
  }

  @Test
  void wrongShapesAreRefused() {
    RangeCollector collector = of("minmax");
    assertThatThrownBy(() -> collector.collect(new float[3], new int[] {2, 2}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "tensor 'conv1_out' has 3 values but shape [2, 2] holds 4; give the values of exactly"
                + " that shape");
  }

  @Test
  void samplesAreAveragedEachByItself() {
    RangeCollector collector = of("average");
    collector.collect(new float[] {-1, 3, -3, 1, 0, 5}, new int[] {3, 2});
    assertThat(collector.ranges()).containsExactly(new Range(-4f / 3, 3));
  }

  @Test
  void theMovingAverageCannotBeMerged() {
    assertThat(of("moving-average")).isNotInstanceOf(MergeableRangeCollector.class);
  }

  @Test
  void entropyClipsALoneOutlier() {
    RangeCollector collector = of("entropy");
    Random random = new Random(5);
    float[] values = new float[100_000];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    values[17] = 60;
    collector.collect(values, 0, values.length);
    assertThat(collector.ranges().get(0).amax()).isBetween(3f, 15f);
  }

  @Test
  void anotherMethodFindsInTheSameCountsWhatItsOwnCollectorFinds() {
    float[] values = new float[5000];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(i) * (i % 100 == 0 ? 4 : 1);
    }
    HistogramCollector entropy = (HistogramCollector) collected(new RangeMethod.Entropy(), values);
    for (RangeMethod method :
        List.of(new RangeMethod.Mse(), new RangeMethod.Percentile(99), new RangeMethod.MinMax())) {
      assertThat(entropy.ranges(method)).isEqualTo(collected(method, values).ranges());
    }
    assertThatThrownBy(() -> entropy.ranges(new RangeMethod.MovingAverage(0.1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("needs batches or samples");
  }

  private static RangeCollector collected(RangeMethod method, float[] values) {
    RangeCollector collector =
        RangeCollectors.create("x", QuantDescriptor.builder().method(method).build(), 1);
    collector.collect(values, 0, values.length);
    return collector;
  }
}
