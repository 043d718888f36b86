package dev.octet.core.affine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.Granularity;
import org.junit.jupiter.api.Test;

class AffineTest {
  private static final QuantParams TENTHS = QuantParams.affine(0.1f, 0, -128, 127);

  @Test
  void refusesValuesThatDoNotFillTheShape() {
    assertThatThrownBy(() -> Affine.quantize(new float[5], new int[] {2, 3}, TENTHS))
        .hasMessage("5 values do not fill shape [2, 3], which holds 6");
  }

  @Test
  void refusesScalesThatDoNotFitTheShape() {
    QuantParams two =
        QuantParams.affine(new float[] {1, 2}, new int[2], Granularity.perAxis(1), -128, 127);
    assertThatThrownBy(() -> Affine.fakeQuantize(new float[6], new int[] {2, 3}, two))
        .hasMessage("2 scales per channel of axis 1 do not fit shape [2, 3], which needs 3");
  }

  @Test
  void refusesAnAxisThatIsNotThere() {
    assertThatThrownBy(() -> Affine.scaleShape(new int[] {2, 3}, Granularity.perAxis(2)))
        .hasMessage("axis 2 is not in shape [2, 3]; choose -2 to 1");
  }

  @Test
  void refusesShapesThatOverflow() {
    int[] huge = {1 << 16, 1 << 16};
    assertThatThrownBy(() -> Affine.quantize(new float[0], huge, TENTHS))
        .hasMessage("shape [65536, 65536] has more than 2^31 - 1 elements; quantize it in parts");
    int[] negative = {-1, -6};
    assertThatThrownBy(() -> Affine.quantize(new float[6], negative, TENTHS))
        .hasMessage("shape [-1, -6] has a negative size; give the actual shape");
  }

  @Test
  void refusesArraysWithoutRoom() {
    int[] shape = {4};
    assertThatThrownBy(
            () ->
                Affine.fakeQuantize(
                    new float[4], 0, new float[5], 2, shape, TENTHS, Arithmetic.ONNX))
        .hasMessage("output of 5 values has no room for 4 from offset 2");
    float[] x = new float[6];
    assertThatThrownBy(() -> Affine.fakeQuantize(x, 0, x, 1, shape, TENTHS, Arithmetic.ONNX))
        .hasMessage(
            "input at 0 and output at 1 of one array overlap; use the same offset or another"
                + " array");
  }

  @Test
  void quantizesNothingToNothing() {
    assertThat(Affine.quantize(new float[0], new int[] {0, 3}, TENTHS)).isEmpty();
    QuantParams three =
        QuantParams.affine(new float[] {1, 1, 1}, new int[3], Granularity.perAxis(1), -8, 7);
    assertThat(Affine.fakeQuantize(new float[0], new int[] {0, 3}, three)).isEmpty();
  }

  @Test
  void takesAShapeWithoutAxesAsOneValue() {
    assertThat(Affine.quantize(new float[] {1.26f}, new int[0], TENTHS)).containsExactly(13);
  }

  @Test
  void replacesNanWhereverItIs() {
    for (int at : new int[] {0, 7, 8, 2047, 2048, 4999}) {
      float[] x = new float[5000];
      x[at] = Float.NaN;
      float[] y = Affine.fakeQuantize(x, new int[] {5000}, TENTHS);
      assertThat(y[at]).isEqualTo(-128 * 0.1f);
      assertThat(Affine.quantize(x, new int[] {5000}, TENTHS, Arithmetic.LIBTORCH_2_13)[at])
          .isEqualTo(127);
      y[at] = 0;
      assertThat(y).containsOnly(0f);
    }
  }

  @Test
  void quantizesBiasesToInt32() {
    QuantParams bias = QuantParams.affine(1e-3f, 0, Integer.MIN_VALUE, Integer.MAX_VALUE);
    float[] x = {1234567.5f, -3e9f, 3e9f, Float.NaN};
    assertThat(Affine.quantize(x, new int[] {4}, bias))
        .containsExactly(
            (int) Math.rint(1234567.5f / 1e-3f),
            Integer.MIN_VALUE,
            Integer.MAX_VALUE,
            Integer.MIN_VALUE);
    assertThatThrownBy(() -> Affine.fakeQuantize(x, new int[] {4}, bias))
        .hasMessageContaining("too wide to fake-quantize; choose at most 21 bits");
  }

  @Test
  void wantsSymmetricParametersForPytorchQuantization() {
    QuantParams affine = QuantParams.affine(0.1f, 3, 0, 255);
    assertThatThrownBy(
            () ->
                Affine.fakeQuantize(
                    new float[1], new int[] {1}, affine, Arithmetic.PYTORCH_QUANTIZATION))
        .hasMessageContaining("choose symmetric parameters or another arithmetic");
  }
}
