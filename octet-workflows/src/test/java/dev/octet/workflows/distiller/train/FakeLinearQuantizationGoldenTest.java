package dev.octet.workflows.distiller.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.workflows.distiller.LinearQuantMode;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against Distiller's last commit: the range that follows activations. */
class FakeLinearQuantizationGoldenTest {
  static Stream<Golden> averages() {
    return Golden.cases("distiller-linear", name -> name.startsWith("ema_"));
  }

  static Stream<Golden> quantizers() {
    return Golden.cases("distiller-linear", name -> name.startsWith("fake_linear_ema"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("averages")
  void averagesAsDistiller(Golden golden) {
    float[] values = golden.inputs().array("values").floats();
    List<Fields> steps = golden.expected().objects("steps");
    try (FakeLinearQuantization module =
            new FakeLinearQuantization(
                8, LinearQuantMode.ASYMMETRIC_SIGNED, golden.params().number("decay"));
        Scope scope = Scope.open()) {
      for (int i = 0; i < values.length; i++) {
        module.call(Tensors.of(new float[] {values[i]}, 1));
        Fields step = steps.get(i);
        assertUlps(buffer(module, "tracked_max_biased"), step.floats("biased")[0]);
        assertUlps(module.trackedMax(), step.floats("unbiased")[0]);
        assertThat(module.trackedMin()).isEqualTo(module.trackedMax());
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("quantizers")
  void quantizesAsDistiller(Golden golden) {
    LinearQuantMode mode = LinearQuantMode.valueOf(golden.params().text("mode"));
    int bits = golden.params().integer("num_bits");
    float decay = golden.params().number("ema_decay");
    try (FakeLinearQuantization module =
            new FakeLinearQuantization(bits, mode, decay, Levels.AS_DISTILLER);
        Scope scope = Scope.open()) {
      List<GoldenArray> batches = golden.inputs().arrays("batches");
      List<Fields> steps = golden.expected().objects("train_steps");
      for (int i = 0; i < batches.size(); i++) {
        Tensor x = tensor(batches.get(i));
        x.set_requires_grad(true);
        Tensor y = module.call(x);
        Fields step = steps.get(i);
        assertUlps(module.trackedMin(), step.floats("tracked_min")[0]);
        assertUlps(module.trackedMax(), step.floats("tracked_max")[0]);
        assertUlps(buffer(module, "scale"), step.floats("scale")[0]);
        assertThat(buffer(module, "zero_point")).isEqualTo(step.floats("zero_point")[0]);
        assertUlps(Tensors.toFloats(y), step.floats("output"));
        y.sum().backward(new Tensor(), new BoolOptional(), false, null);
        assertThat(Tensors.toFloats(x.grad())).containsExactly(step.floats("grad_input_ones"));
      }
      module.eval();
      Tensor eval = module.call(tensor(golden.inputs().array("eval_x")));
      assertUlps(Tensors.toFloats(eval), golden.expected().floats("eval_output"));
    }
  }

  private static Tensor tensor(GoldenArray array) {
    return Tensors.of(array.floats(), Arrays.stream(array.shape()).asLongStream().toArray());
  }

  private static float buffer(FakeLinearQuantization module, String name) {
    return Tensors.toFloats(module.buffers().get(name))[0];
  }

  private static void assertUlps(float actual, float expected) {
    assertUlps(new float[] {actual}, new float[] {expected});
  }

  private static void assertUlps(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      double distance = Math.abs((double) actual[i] - expected[i]);
      assertThat(distance).as("element %d", i).isLessThanOrEqualTo((double) Math.ulp(expected[i]));
    }
  }

  @Test
  void staysWithinItsBits() {
    try (FakeLinearQuantization within =
            new FakeLinearQuantization(2, LinearQuantMode.SYMMETRIC, 0);
        FakeLinearQuantization beyond =
            new FakeLinearQuantization(2, LinearQuantMode.SYMMETRIC, 0, Levels.AS_DISTILLER);
        Scope scope = Scope.open()) {
      Tensor x = Tensors.of(new float[] {-3, 0, 3}, 3);
      // Steps of 2: the integers are -2 to 1.
      assertThat(Tensors.toFloats(within.call(x))).containsExactly(-4, 0, 2);
      assertThat(Tensors.toFloats(beyond.call(x))).containsExactly(-4, 0, 4);
    }
  }

  @Test
  void passesValuesBeforeItHasARange() {
    try (FakeLinearQuantization module =
            new FakeLinearQuantization(8, LinearQuantMode.SYMMETRIC, 0.9f);
        Scope scope = Scope.open()) {
      module.eval();
      Tensor x = Tensors.of(new float[] {-1, 0.3f}, 2);
      assertThat(Tensors.toFloats(module.call(x))).containsExactly(-1, 0.3f);
      assertThat(module.hasRange()).isFalse();
      module.train(true);
      assertThatThrownBy(() -> module.call(Tensors.of(new float[] {Float.NaN}, 1)))
          .hasMessageContaining("holds NaN or infinities");
    }
  }
}
