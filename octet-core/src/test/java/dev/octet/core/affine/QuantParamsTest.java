package dev.octet.core.affine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import java.util.List;
import org.junit.jupiter.api.Test;

class QuantParamsTest {
  private static final QuantDescriptor INT8 = QuantDescriptor.int8Activation();
  private static final QuantDescriptor UINT8 = QuantDescriptor.uint8Activation();

  @Test
  void symmetricScaleIsAmaxOverTheLargestInteger() {
    QuantParams params = QuantParams.of(INT8, new Range(-12.7f, 3));
    assertThat(params.scales()).containsExactly(0.1f);
    assertThat(params.zeroPoints()).containsExactly(0);
    assertThat(params.qmin()).isEqualTo(-128);
  }

  @Test
  void unsignedSymmetricCoversZeroToTheUpperEnd() {
    QuantDescriptor unsigned = UINT8.toBuilder().symmetric(true).build();
    assertThat(QuantParams.of(unsigned, new Range(0, 25.5f)).scale(0)).isEqualTo(0.1f);
    assertThat(QuantParams.of(unsigned, new Range(-3, 0)).withoutWidth()).containsExactly(0);
  }

  @Test
  void affineRangeIsWidenedToHoldZero() {
    QuantParams above = QuantParams.of(UINT8, new Range(5.1f, 25.5f));
    assertThat(above).isEqualTo(QuantParams.affine(0.1f, 0, 0, 255));
    QuantParams below = QuantParams.of(UINT8, new Range(-25.5f, -5.1f));
    assertThat(below).isEqualTo(QuantParams.affine(0.1f, 255, 0, 255));
  }

  @Test
  void aRangeWithoutWidthGetsScaleOneAndIsListed() {
    QuantParams params =
        QuantParams.of(
            QuantDescriptor.int8Weight(0),
            List.of(Range.symmetric(1), Range.symmetric(0), Range.symmetric(2)));
    assertThat(params.scale(1)).isEqualTo(1f);
    assertThat(params.withoutWidth()).containsExactly(1);
    assertThat(QuantParams.of(UINT8, new Range(0, 0)).withoutWidth()).containsExactly(0);
  }

  @Test
  void scalesAreNormalFloatsHoweverSmallOrLargeTheRange() {
    Range tiny = new Range(-Float.MIN_VALUE, Float.MIN_VALUE);
    assertThat(QuantParams.of(INT8, tiny).scale(0)).isEqualTo(Float.MIN_NORMAL);
    assertThat(QuantParams.of(INT8, tiny).withoutWidth()).isEmpty();
    Range all = Range.symmetric(Float.MAX_VALUE);
    QuantParams two = QuantParams.of(UINT8.toBuilder().bits(2).build(), all);
    assertThat(two.scale(0)).isFinite().isGreaterThan(2e38f);
    assertThat(QuantParams.dynamic(all).scale(0)).isFinite();
    assertThat(QuantParams.dynamic(tiny).scale(0)).isEqualTo(Float.MIN_NORMAL);
  }

  @Test
  void refusesScalesAndZeroPointsThatMeanNothing() {
    assertThatThrownBy(() -> QuantParams.affine(0, 0, 0, 255))
        .hasMessage("scale 0 is 0.0; it must be positive and finite");
    assertThatThrownBy(() -> QuantParams.affine(Float.NaN, 0, 0, 255))
        .hasMessage("scale 0 is NaN; it must be positive and finite");
    assertThatThrownBy(() -> QuantParams.affine(1, 256, 0, 255))
        .hasMessage("zero point 0 is 256; choose 0 to 255");
    assertThatThrownBy(
            () ->
                QuantParams.affine(new float[] {1, 2}, new int[1], Granularity.perAxis(0), 0, 255))
        .hasMessage("2 scales and 1 zero points; give one of each");
    assertThatThrownBy(
            () ->
                QuantParams.affine(new float[] {1, 2}, new int[2], Granularity.perTensor(), 0, 255))
        .hasMessage("2 scales for a whole tensor; give one, or another granularity");
    assertThatThrownBy(() -> QuantParams.affine(1, 0, 5, 5))
        .hasMessage("integers from 5 to 5 hold nothing; give the smaller end first");
  }

  @Test
  void keepsItsOwnCopies() {
    float[] scales = {1, 2};
    QuantParams params = QuantParams.affine(scales, new int[2], Granularity.perAxis(0), 0, 255);
    scales[0] = 9;
    params.scales()[1] = 9;
    params.zeroPoints()[0] = 9;
    assertThat(params.scales()).containsExactly(1, 2);
    assertThat(params.zeroPoints()).containsExactly(0, 0);
  }
}
