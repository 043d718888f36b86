package dev.octet.core.range;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.Size;

/** Sums without rounding, against arithmetic of any precision. */
class MomentsProperties {
  private static final MathContext PRECISE = new MathContext(60);

  @Property(tries = 200)
  void areThoseOfExactArithmetic(
      @ForAll @Size(min = 1, max = 50) float @FloatRange(min = -1e20f, max = 1e20f) [] values) {
    Moments moments = new Moments();
    moments.add(values);
    BigDecimal n = BigDecimal.valueOf(values.length);
    BigDecimal sum = BigDecimal.ZERO;
    for (float value : values) {
      sum = sum.add(new BigDecimal(value));
    }
    BigDecimal mean = sum.divide(n, PRECISE);
    BigDecimal squares = BigDecimal.ZERO;
    BigDecimal deviations = BigDecimal.ZERO;
    MeanDeviation deviation = new MeanDeviation(moments.mean());
    deviation.add(values);
    for (float value : values) {
      BigDecimal difference = new BigDecimal(value).subtract(mean);
      squares = squares.add(difference.multiply(difference));
      deviations =
          deviations.add(new BigDecimal(value).subtract(new BigDecimal(moments.mean())).abs());
    }
    assertThat(moments.count()).isEqualTo(values.length);
    near(moments.mean(), mean.doubleValue());
    near(
        moments.standardDeviation(),
        Math.sqrt(squares.divide(n, PRECISE).round(MathContext.DECIMAL128).doubleValue()));
    near(deviation.mean(), deviations.divide(n, PRECISE).doubleValue());
  }

  private static void near(double actual, double exact) {
    assertThat(actual).isCloseTo(exact, within(4 * Math.ulp(exact)));
  }

  @Property(tries = 200)
  void doNotDependOnOrderOrParts(@ForAll @Size(max = 40) float[] values, @ForAll long seed) {
    Moments whole = new Moments();
    whole.add(values);
    MeanDeviation wholeDeviation = new MeanDeviation(0.25);
    wholeDeviation.add(values);
    int cut = (int) Math.floorMod(seed, values.length + 1L);
    Moments first = new Moments();
    Moments second = new Moments();
    first.add(Arrays.copyOfRange(values, 0, cut));
    second.add(Arrays.copyOfRange(values, cut, values.length));
    MeanDeviation firstDeviation = new MeanDeviation(0.25);
    MeanDeviation secondDeviation = new MeanDeviation(0.25);
    firstDeviation.add(Arrays.copyOfRange(values, 0, cut));
    secondDeviation.add(Arrays.copyOfRange(values, cut, values.length));
    assertThat(second.merge(first)).isEqualTo(whole).hasSameHashCodeAs(whole);
    assertThat(secondDeviation.merge(firstDeviation))
        .isEqualTo(wholeDeviation)
        .hasSameHashCodeAs(wholeDeviation);
  }

  @Example
  void hasNoErrorWhereFloatSumsDrownInIt() {
    float[] values = new float[100_000];
    Arrays.fill(values, 1e8f);
    values[0] = 1e8f + 16;
    Moments moments = new Moments();
    moments.add(values);
    assertThat(moments.mean()).isEqualTo(1e8 + 16e-5);
    assertThat(moments.standardDeviation())
        .isCloseTo(16 * Math.sqrt(1e-5 * (1 - 1e-5)), within(1e-15));
  }

  @Example
  void leavesOutWhatIsNotFinite() {
    Moments moments = new Moments();
    moments.add(Float.NaN, 1, Float.POSITIVE_INFINITY, 3, Float.NEGATIVE_INFINITY);
    MeanDeviation deviation = new MeanDeviation(2);
    deviation.add(Float.NaN, 1, Float.POSITIVE_INFINITY, 3, Float.NEGATIVE_INFINITY);
    assertThat(moments.count()).isEqualTo(2);
    assertThat(moments.mean()).isEqualTo(2);
    assertThat(moments.standardDeviation()).isEqualTo(1);
    assertThat(deviation.mean()).isEqualTo(1);
  }

  @Example
  void refusesToTellOfNothing() {
    assertThatThrownBy(() -> new Moments().mean()).hasMessage("there was no finite value");
    assertThatThrownBy(() -> new MeanDeviation(0).mean()).hasMessage("there was no finite value");
    assertThatThrownBy(() -> new MeanDeviation(Double.NaN)).hasMessageContaining("finite");
    MeanDeviation other = new MeanDeviation(1);
    assertThatThrownBy(() -> new MeanDeviation(0).merge(other))
        .hasMessage("deviations from 0.0 and from 1.0 do not merge");
  }
}
