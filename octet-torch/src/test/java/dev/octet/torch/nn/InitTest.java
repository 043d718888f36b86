package dev.octet.torch.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;

final class InitTest {
  /** Fan-in 90, fan-out 1800. */
  private static float[] filled(UnaryOperator<Tensor> fill) {
    try (Scope scope = Scope.open()) {
      return Tensors.toFloats(
          fill.apply(Tensors.uninitialised(ScalarType.Float, 200, 10, 3, 3)));
    }
  }

  private static void assertUniform(UnaryOperator<Tensor> fill, double bound) {
    float[] values = filled(fill);
    double largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    assertThat(largest).isLessThanOrEqualTo(bound * 1.000001).isCloseTo(bound, within(bound / 500));
    assertThat(deviation(values)).isCloseTo(bound / Math.sqrt(3), within(bound / 50));
  }

  private static double deviation(float[] values) {
    double squares = 0;
    for (float value : values) {
      squares += value * value;
    }
    return Math.sqrt(squares / values.length);
  }

  @Test
  void fillsByTheFormulas() {
    Torch.seed(11);
    assertUniform(t -> Init.uniform(t, -2, 2), 2);
    assertUniform(t -> Init.kaimingUniform(t, 0), Math.sqrt(6.0 / 90));
    assertUniform(t -> Init.kaimingUniform(t, Math.sqrt(5)), Math.sqrt(1.0 / 90));
    assertUniform(t -> Init.xavierUniform(t, 2), 2 * Math.sqrt(6.0 / 1890));
    assertThat(deviation(filled(t -> Init.normal(t, 0, 3)))).isCloseTo(3, within(0.06));
    assertThat(deviation(filled(t -> Init.kaimingNormal(t, 0))))
        .isCloseTo(Math.sqrt(2.0 / 90), within(0.003));
    assertThat(deviation(filled(t -> Init.kaimingNormalFanOut(t, 0))))
        .isCloseTo(Math.sqrt(2.0 / 1800), within(0.0007));
    assertThat(deviation(filled(t -> Init.xavierNormal(t, 1))))
        .isCloseTo(Math.sqrt(2.0 / 1890), within(0.0007));
    assertThat(filled(t -> Init.constant(t, 4))).containsOnly(4);
    float[] cut = filled(t -> Init.truncNormal(t, 1, 2, -1, 2));
    double sum = 0;
    for (float value : cut) {
      assertThat(value).isBetween(-1f, 2f);
      sum += value;
    }
    // Between -1 and 0.5 deviations, the mean is 1 + 2 (φ(-1) - φ(0.5)) / (Φ(0.5) - Φ(-1)).
    assertThat(sum / cut.length).isCloseTo(1 + 2 * (0.241971 - 0.352065) / (0.691462 - 0.158655), within(0.02));
  }

  @Test
  void repeatsAfterTheSameSeed() {
    float[][] rounds = new float[2][];
    for (int i = 0; i < 2; i++) {
      Torch.seed(4);
      try (Linear layer = Linear.builder(10, 3).build()) {
        rounds[i] = Tensors.toFloats(layer.weight());
      }
    }
    assertThat(rounds[0]).containsExactly(rounds[1]);
    try (Linear other = Linear.builder(10, 3).build()) {
      assertThat(Tensors.toFloats(other.weight())).isNotEqualTo(rounds[0]);
    }
  }

  @Test
  void namesWhatCannotBeFilled() {
    try (Scope scope = Scope.open()) {
      Tensor flat = Tensors.of(new float[2], 2);
      assertThatThrownBy(() -> Init.kaimingUniform(flat, 0)).hasMessageContaining("no fan-in");
      assertThatThrownBy(() -> Init.uniform(flat, 2, 1)).hasMessageContaining("above high");
      assertThatThrownBy(() -> Init.normal(flat, 0, -1)).hasMessageContaining("-1.0");
      assertThatThrownBy(() -> Init.truncNormal(flat, 0, 1, 2, 2)).hasMessageContaining("2.0 to 2.0");
      assertThatThrownBy(() -> Init.constant(Tensors.of(new long[2], 2), 1))
          .hasMessageContaining("Long[2] cannot be initialised");
    }
  }
}
