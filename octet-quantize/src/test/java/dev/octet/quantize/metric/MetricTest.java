package dev.octet.quantize.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.quantize.data.HostTensor;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class MetricTest {

  private static HostTensor rows(int samples, float... values) {
    return HostTensor.ofFloats(new int[] {samples, values.length / samples}, values);
  }

  private static Outcome outcome(HostTensor actual, HostTensor reference, int... labels) {
    List<OptionalInt> known =
        Arrays.stream(labels)
            .mapToObj(label -> label < 0 ? OptionalInt.empty() : OptionalInt.of(label))
            .toList();
    return new Outcome(
        Map.of("out", actual), reference == null ? Map.of() : Map.of("out", reference), known);
  }

  private static Score score(Metric metric, Outcome... outcomes) {
    Tally tally = metric.tally();
    for (Outcome outcome : outcomes) {
      tally.add(outcome);
    }
    assertThat(tally.scores()).hasSize(1);
    return tally.scores().get(0);
  }

  @Test
  void top1CountsLabelledSamplesOnlyAndBreaksTiesToTheLowestIndex() {
    // Sample 0: tie of 0 and 1, label 1: wrong. 1: right. 2: no label. 3: label out of range:
    // wrong.
    HostTensor out = rows(4, 5, 5, 0, 0, 0, 9, 1, 2, 3, 7, 8, 9);
    Score score = score(Metric.top1(), outcome(out, null, 1, 2, -1, 3));
    assertThat(score).isEqualTo(new Score("top1", "out", 1.0 / 3, Score.Unit.SHARE, 3, 0));
  }

  @Test
  void top5TakesTheFirstFiveOfEqualScores() {
    HostTensor allEqual = rows(2, new float[12]);
    assertThat(score(Metric.top5(), outcome(allEqual, null, 4, 5)).value()).isEqualTo(0.5);
  }

  @Test
  void aNaNAmongTheScoresIsAWrongAnswerAndIsCounted() {
    HostTensor out = rows(2, Float.NaN, 1, 0, 1);
    Outcome outcome = outcome(out, rows(2, 0, 1, 0, 1), 1, 1);
    assertThat(score(Metric.top1(), outcome))
        .isEqualTo(new Score("top1", "out", 0.5, Score.Unit.SHARE, 2, 1));
    assertThat(score(Metric.agreement(), outcome))
        .isEqualTo(new Score("agreement", "out", 0.5, Score.Unit.SHARE, 2, 1));
  }

  @Test
  void agreementComparesArgMaxAcrossBatches() {
    Outcome same = outcome(rows(1, 1, 2), rows(1, 10, 20), -1);
    Outcome other = outcome(rows(2, 3, 2, 1, 2), rows(2, 1, 2, 1, 2), -1, -1);
    assertThat(score(Metric.agreement(), same, other).value()).isEqualTo(2.0 / 3);
  }

  @Test
  void sqnrIsTheRatioOfEnergiesInDecibels() {
    // f = 3, 4; f - q = 0.3, 0.4: energies 25 and 0.25, so 20 dB, up to float32's 2.7 and 3.6.
    Score score = score(Metric.sqnr(), outcome(rows(1, 2.7f, 3.6f), rows(1, 3, 4), -1));
    assertThat(score.value()).isCloseTo(20, within(1e-5));
    assertThat(score.text()).isEqualTo("20.0 dB");
  }

  @Test
  void cosineAndLargestErrorFollowTheHandCalculation() {
    Outcome outcome = outcome(rows(1, 4, 3), rows(1, 3, 4), -1);
    assertThat(score(Metric.cosine(), outcome).value()).isCloseTo(24.0 / 25, within(1e-15));
    assertThat(score(Metric.maxError(), outcome).value()).isEqualTo(1);
  }

  @Test
  void normalizedL2IsTheErrorAsAShareOfTheSignal() {
    Difference difference = new Difference();
    difference.add(FloatBuffer.wrap(new float[] {3, 4}), FloatBuffer.wrap(new float[] {3, 4}));
    assertThat(difference.normalizedL2()).isZero();
    difference.add(FloatBuffer.wrap(new float[] {0}), FloatBuffer.wrap(new float[] {2}));
    assertThat(difference.normalizedL2()).isEqualTo(2.0 / 5);
    difference.add(FloatBuffer.wrap(new float[] {1}), FloatBuffer.wrap(new float[] {Float.NaN}));
    assertThat(difference.normalizedL2()).isInfinite();
  }

  @Test
  void noNoiseIsInfiniteAndNoSignalIsNegativeInfinity() {
    assertThat(score(Metric.sqnr(), outcome(rows(1, 1, 2), rows(1, 1, 2), -1)).value())
        .isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(score(Metric.sqnr(), outcome(rows(1, 1, 2), rows(1, 0, 0), -1)).value())
        .isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(score(Metric.cosine(), outcome(rows(1, 0, 0), rows(1, 0, 0), -1)).value())
        .isEqualTo(1);
  }

  @Test
  void aLostValueIsInfiniteNoiseAndAnInfiniteReferenceIsLeftOut() {
    Score lost = score(Metric.sqnr(), outcome(rows(1, Float.NaN, 2), rows(1, 1, 2), -1));
    assertThat(lost.value()).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(lost.nonFinite()).isEqualTo(1);
    float inf = Float.NEGATIVE_INFINITY;
    Score left = score(Metric.sqnr(), outcome(rows(1, -9, 2.2f), rows(1, inf, 2), -1));
    assertThat(left.value()).isCloseTo(20, within(1e-4));
    assertThat(left.count()).isEqualTo(1);
    assertThat(left.nonFinite()).isEqualTo(1);
  }

  @Test
  void twoHalvesMergedEqualTheWholeAndStayAsTheyWere() {
    Outcome one = outcome(rows(1, 1, 2), rows(1, 1, 3), 1);
    Outcome two = outcome(rows(1, 5, 2), rows(1, 4, 2), 1);
    for (Metric metric : Metric.standard()) {
      Tally whole = metric.tally();
      whole.add(one);
      whole.add(two);
      Tally left = metric.tally();
      left.add(one);
      List<Score> before = left.scores();
      Tally right = metric.tally();
      right.add(two);
      Tally merged = left.merge(right);
      assertThat(merged.scores()).as(metric.name()).isEqualTo(whole.scores());
      merged.add(two);
      assertThat(left.scores()).isEqualTo(before);
      assertThat(metric.tally().merge(right).scores()).isEqualTo(right.scores());
    }
  }

  @Test
  void talliesOfDifferentMetricsDoNotMerge() {
    assertThatThrownBy(() -> Metric.top1().tally().merge(Metric.top5().tally()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a tally of 'top1' merges with its own");
    assertThatThrownBy(() -> Metric.sqnr().tally().merge(Metric.cosine().tally()))
        .hasMessage("a tally of 'sqnr' merges with its own");
  }

  @Test
  void withoutAFloatModelOrLabelsThereIsNoScore() {
    for (Metric metric : Metric.standard()) {
      Tally tally = metric.tally();
      tally.add(outcome(rows(1, 1, 2), null, -1));
      assertThat(tally.scores()).as(metric.name()).isEmpty();
    }
  }

  @Test
  void outputsOfOtherShapesCannotBeCompared() {
    assertThatThrownBy(
            () -> Metric.sqnr().tally().add(outcome(rows(1, 1, 2), rows(1, 1, 2, 3), -1)))
        .hasMessage(
            "shapes differ: the float model gives float32 [1, 3], the other float32 [1, 2]");
  }
}
