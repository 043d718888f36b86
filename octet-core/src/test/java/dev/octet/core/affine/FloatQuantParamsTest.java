package dev.octet.core.affine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.range.Range;
import java.util.List;
import org.junit.jupiter.api.Test;

final class FloatQuantParamsTest {
  private static final int[] SHAPE = {2, 3};

  @Test
  void endsOfARangeAreTheFirstAndLastInteger() {
    FloatQuantParams params =
        FloatQuantParams.covering(List.of(new Range(1, 4), new Range(-2, 0.5f)), 0, 0, 15);
    float[] x = {1, 4, 2, -2, 0.5f, 9};
    assertThat(params.quantize(x, SHAPE)).containsExactly(0, 15, 5, 0, 15, 15);
    assertThat(params.dequantize(new int[] {0, 15, 5, 0, 15, 15}, SHAPE))
        .containsExactly(1, 4, 2, -2, 0.5f, 0.5f);
    assertThat(params.scales()[0]).isEqualTo(0.2f);
    assertThat(params.zeroPoints()[0]).isEqualTo(-5f);
  }

  @Test
  void aRowOfOneValueIsKept() {
    FloatQuantParams params = FloatQuantParams.covering(List.of(new Range(3, 3)), 0, 0, 255);
    assertThat(params.scales()).containsExactly(1);
    assertThat(params.quantize(new float[] {3, 3}, new int[] {1, 2})).containsExactly(0, 0);
    assertThat(params.dequantize(new int[] {0, 0}, new int[] {1, 2})).containsExactly(3, 3);
  }

  @Test
  void theAxisMayBeTheLast() {
    FloatQuantParams params =
        FloatQuantParams.of(new float[] {1, 2, 4}, new float[] {0, 0.5f, -1}, -1, 0, 255);
    float[] x = {1, 1, 8, 0, 3, Float.NaN};
    assertThat(params.quantize(x, SHAPE)).containsExactly(1, 1, 1, 0, 2, 255);
    assertThat(params.dequantize(new int[] {1, 1, 1, 0, 2, 0}, SHAPE))
        .containsExactly(1, 1, 8, 0, 3, 4);
    assertThat(params)
        .isEqualTo(FloatQuantParams.of(params.scales(), params.zeroPoints(), -1, 0, 255))
        .isNotEqualTo(FloatQuantParams.of(params.scales(), params.zeroPoints(), 1, 0, 255))
        .hasToString("3 scales of axis -1 with real zero points");
  }

  @Test
  void whatIsNoScaleOrZeroPointIsRefused() {
    float[] one = {1};
    for (float scale : new float[] {0, -1, Float.NaN, Float.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> FloatQuantParams.of(new float[] {scale}, one, 0, 0, 255))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("scale 0");
    }
    assertThatThrownBy(() -> FloatQuantParams.of(one, new float[] {Float.NaN}, 0, 0, 255))
        .hasMessageContaining("zero point 0");
    assertThatThrownBy(() -> FloatQuantParams.of(one, new float[2], 0, 0, 255))
        .hasMessageContaining("one of each");
    assertThatThrownBy(() -> FloatQuantParams.of(one, one, 0, 0, 256))
        .hasMessageContaining("8 bits");
    FloatQuantParams params = FloatQuantParams.of(one, one, 0, 0, 255);
    assertThatThrownBy(() -> params.quantize(new float[6], SHAPE))
        .hasMessageContaining("do not fit");
  }
}
