package dev.octet.workflows.pytorch.experimental;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.op.TraceException;
import dev.octet.torch.trace.Trace;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.Size;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

final class APoTTest {

  /** The article's example: 4 bits in two numbers of 2; 1 + 1/2 lies on alpha. */
  @Test
  void levelsAreSumsOfPowersOfTwo() {
    APoTQuantizer quantizer = APoTQuantizer.of(4, 2, false, 1.5f);
    assertThat(quantizer.gamma()).isEqualTo(1);
    float[] sums = new float[16];
    int at = 0;
    for (float first : new float[] {0, 1, 0.25f, 0.0625f}) {
      for (float second : new float[] {0, 0.5f, 0.125f, 0.03125f}) {
        sums[at++] = first + second;
      }
    }
    int[] indices = quantizer.levelIndices();
    float[] levels = quantizer.quantizationLevels();
    assertThat(levels).isSorted();
    for (int i = 0; i < levels.length; i++) {
      assertThat(levels[i]).isEqualTo(sums[indices[i]]);
    }
    APoTQuantizer signed = APoTQuantizer.of(4, 2, true, 3);
    assertThat(signed.quantizationLevels()).hasSize(49).contains(-3, 3, 0);
    assertThat(signed.gamma()).isEqualTo(2);
    assertThatThrownBy(() -> APoTQuantizer.of(4, 3, false, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("divisor");
  }

  @Property(tries = 50)
  void takesTheNearestLevel(
      @ForAll @Size(min = 1, max = 20) float[] xs,
      @ForAll boolean signed,
      @ForAll @FloatRange(min = 0.01f, max = 100) float alpha) {
    for (int i = 0; i < xs.length; i++) {
      xs[i] = Float.isFinite(xs[i]) ? xs[i] % (2 * alpha) : 0;
    }
    APoTQuantizer quantizer = APoTQuantizer.of(6, 2, signed, alpha);
    try (Scope scope = Scope.open()) {
      Tensor x = Tensors.of(xs, xs.length);
      float[] y = Tensors.toFloats(quantizer.fakeQuantize(x));
      assertThat(Tensors.toFloats(quantizer.dequantize(quantizer.quantize(x)))).containsExactly(y);
      float[] levels = quantizer.quantizationLevels();
      for (int i = 0; i < y.length; i++) {
        double least = Double.POSITIVE_INFINITY;
        for (float level : levels) {
          least = Math.min(least, Math.abs((double) level - xs[i]));
        }
        assertThat(Math.abs((double) y[i] - xs[i])).isLessThanOrEqualTo(least + 1e-6 * alpha);
      }
    }
  }

  @Test
  void gradientsPassInsideAndObserversLearn() {
    Torch.seed(3);
    try (Scope scope = Scope.open();
        APoTFakeQuantize fake = new APoTFakeQuantize(new APoTObserver(4, 2), true)) {
      assertThatThrownBy(fake::calculateQParams)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("no values");
      fake.call(Tensors.of(new float[] {-2, 1}, 2));
      assertThat(fake.calculateQParams().alpha()).isEqualTo(2);
      fake.enableObserver(false);
      Tensor x = Tensors.of(new float[] {-3, -1.9f, 0.3f, Float.NaN, 2}, 5);
      x.set_requires_grad(true);
      Tensor y = fake.call(x);
      float[] values = Tensors.toFloats(y.detach());
      assertThat(values[0]).isEqualTo(-2);
      assertThat(values[3]).isNaN();
      y.sum().backward();
      assertThat(Arrays.copyOf(Tensors.toFloats(x.grad()), 3)).containsExactly(0, 1, 1);
      fake.enableFakeQuant(false);
      assertThat(Tensors.toFloats(fake.call(x.detach()))[0]).isEqualTo(-3);
      assertThatThrownBy(() -> Trace.of(fake).graph(torch.randn(2, 2)))
          .isInstanceOf(TraceException.class)
          .hasMessageContaining("simulated only");
    }
  }
}
