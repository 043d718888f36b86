package dev.octet.core.format;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every code of every format. */
class SmallFloatTest {
  @ParameterizedTest
  @EnumSource
  void encodesEveryValueAsItsOwnCode(SmallFloat format) {
    for (int code = 0; code < 2 * format.signBit(); code++) {
      float value = format.decode(code);
      int again = format.encode(value, false);
      if (Float.isNaN(value)) {
        assertThat(Float.isNaN(format.decode(again))).isTrue();
      } else if (again != code) {
        assertThat(again).as("code of %s", value).isEqualTo(code);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void rounds(SmallFloat format) {
    for (int code = 0; code < format.largest(); code++) {
      float below = format.decode(code);
      float above = format.decode(code + 1);
      assertThat(below).isLessThan(above);
      float middle = below + (above - below) / 2; // exact: every format is coarser than float32
      int even = code % 2 == 0 ? code : code + 1;
      for (int sign : new int[] {0, format.signBit()}) {
        float s = sign == 0 ? 1 : -1;
        check(format, s * middle, sign | even);
        check(format, s * Math.nextDown(middle), sign | code);
        check(format, s * Math.nextUp(middle), sign | (code + 1));
      }
    }
  }

  private static void check(SmallFloat format, float x, int expected) {
    int actual = format.encode(x, false);
    if (actual != expected) {
      assertThat(actual).as("code of %s in %s", x, format).isEqualTo(expected);
    }
  }

  @Test
  void goesBeyondTheLargestValueOnlyFromHalfAStepOn() {
    assertThat(Float16.decode(Float16.encode(65519.996f))).isEqualTo(65504f);
    assertThat(Float16.decode(Float16.encode(65520f))).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Float16.decode(Float16.encode(-3e38f))).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(BFloat16.decode(BFloat16.encode(Float.MAX_VALUE)))
        .isEqualTo(Float.POSITIVE_INFINITY);
  }

  @Test
  void saturatesWhenAsked() {
    float[] beyond = {1e30f, -1e30f, Float.POSITIVE_INFINITY, Float.NaN, 1};
    assertThat(Float16.decode(Float16.encodeSaturating(beyond)))
        .containsExactly(65504f, -65504f, 65504f, Float.NaN, 1);
    assertThat(BFloat16.decode(BFloat16.encodeSaturating(new float[] {Float.MAX_VALUE})))
        .containsExactly(BFloat16.MAX_VALUE);
    for (Float8 format : Float8.values()) {
      assertThat(format.decode(format.encode(Float.POSITIVE_INFINITY)))
          .isEqualTo(format.maxValue());
      assertThat(format.decode(format.encode(-1e30f))).isEqualTo(-format.maxValue());
      assertThat(format.decode(format.encode(Float.NaN))).isNaN();
    }
  }

  @Test
  void hasTheLimitsThatItsStandardsName() {
    assertThat(Float8.E4M3FN.maxValue()).isEqualTo(448f);
    assertThat(Float8.E5M2.maxValue()).isEqualTo(57344f);
    assertThat(Float8.E4M3FN.decode((byte) 1)).isEqualTo(0x1p-9f);
    assertThat(Float8.E4M3FN.decode((byte) 8)).isEqualTo(0x1p-6f);
    assertThat(Float8.E5M2.decode((byte) 1)).isEqualTo(0x1p-16f);
    assertThat(Float8.E5M2.decode((byte) 0x7C)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Float16.decode((short) 1)).isEqualTo(0x1p-24f);
    assertThat(Float16.decode((short) 0x3C00)).isEqualTo(1f);
    assertThat(Float16.decode((short) 0x7BFF)).isEqualTo(Float16.MAX_VALUE);
    assertThat(BFloat16.decode((short) 0x7F7F)).isEqualTo(BFloat16.MAX_VALUE);
    assertThat(BFloat16.decode((short) 1)).isEqualTo(0x1p-133f);
  }

  @Test
  void bfloat16IsTheUpperHalfOfAFloat() {
    for (int code = 0; code < 1 << 16; code++) {
      float value = Float.intBitsToFloat(code << 16);
      int actual = Float.floatToIntBits(BFloat16.decode((short) code));
      if (actual != Float.floatToIntBits(value)) {
        assertThat(Float.intBitsToFloat(actual)).as("code %x", code).isEqualTo(value);
      }
    }
  }

  @Test
  void keepsTheSignOfZero() {
    assertThat(Float16.encode(-0.0f)).isEqualTo((short) 0x8000);
    assertThat(Float.floatToRawIntBits(Float16.decode((short) 0x8000)))
        .isEqualTo(Float.floatToRawIntBits(-0.0f));
    assertThat(Float8.E4M3FN.encode(-1e-30f)).isEqualTo((byte) 0x80);
  }
}
