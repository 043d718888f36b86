package dev.octet.core.affine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.Granularity;
import org.junit.jupiter.api.Test;

final class DistillerLinearTest {
  @Test
  void theSameIntegersInOnnxConvention() {
    DistillerLinear linear =
        DistillerLinear.asymmetric(8, false, true, new float[] {-2, 0}, new float[] {10, 0.5f});
    QuantParams params = linear.toQuantParams(Granularity.perAxis(0));
    float[] x = {-2, -0.3f, 4.567f, 10, 0, 0.1f, 0.33f, 0.5f};
    int[] shape = {2, 4};
    float[] expected = linear.quantize(x, shape, Granularity.perAxis(0));
    int[] codes = Affine.quantize(x, shape, params, Arithmetic.ONNX);
    for (int i = 0; i < x.length; i++) {
      assertThat((float) codes[i]).as("x = %s", x[i]).isEqualTo(expected[i]);
    }
    assertThatThrownBy(
            () -> DistillerLinear.of(1, 0.5f, -8, 7).toQuantParams(Granularity.perTensor()))
        .hasMessage("zero point 0 is 0.5, which is not whole");
  }

  @Test
  void scalesOfAccumulators() {
    assertThat(DistillerLinear.symmetricScale(8, 4)).isEqualTo(31.875f);
    assertThat(DistillerLinear.symmetricScale(32, 1)).isEqualTo(0x1p31f);
    assertThat(DistillerLinear.symmetricScale(32, 0)).isEqualTo(1);
    assertThatThrownBy(() -> DistillerLinear.symmetricScale(33, 1))
        .hasMessage("bits is 33; choose 2 to 32");
    assertThatThrownBy(() -> DistillerLinear.symmetricScale(8, Float.NaN))
        .hasMessageContaining("finite");
  }

  @Test
  void givenScalesAreChecked() {
    DistillerLinear linear = DistillerLinear.of(new float[] {2, 4}, new float[] {0, 1}, -8, 7);
    assertThat(linear.quantize(new float[] {1, 1}, new int[] {2, 1}, Granularity.perAxis(0)))
        .containsExactly(2, 3);
    assertThatThrownBy(() -> DistillerLinear.of(new float[] {2, 0}, new float[2], -8, 7))
        .hasMessageContaining("positive");
    assertThatThrownBy(() -> DistillerLinear.of(new float[] {2}, new float[2], -8, 7))
        .hasMessageContaining("one of each");
  }
}
