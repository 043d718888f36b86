package dev.octet.core.affine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Against torch 2.13, bit for bit, input gradients too: torch-fake-quantize.json. LibTorch 2.10
 * follows the same rule. Gradients of learnable scales are training's business, float zero points
 * are no affine quantization in the sense of this package, and moving averages belong to {@code
 * dev.octet.core.range}.
 */
class TorchFakeQuantizeGoldenTest {
  static Stream<Golden> cases() {
    return Golden.cases(
        "torch-fake-quantize",
        name ->
            name.matches("(per_tensor|per_channel|ties|nan).*|tensor_qparams_enabled1")
                && !name.equals("per_channel_float_zero_point"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void fakeQuantizes(Golden golden) {
    GoldenArray x = golden.inputs().array("x");
    QuantParams params = params(golden);
    for (Arithmetic arithmetic :
        new Arithmetic[] {Arithmetic.LIBTORCH_2_13, Arithmetic.LIBTORCH_2_10}) {
      assertThat(PeerParams.bits(Affine.fakeQuantize(x.floats(), x.shape(), params, arithmetic)))
          .isEqualTo(PeerParams.bits(golden.expected().floats("output")));
      boolean[] mask = Affine.mask(x.floats(), x.shape(), params, arithmetic);
      if (golden.expected().has("mask")) {
        assertThat(mask).isEqualTo(golden.expected().array("mask").booleans());
      }
      if (golden.expected().has("grad_input")) {
        float[] gradient = golden.inputs().floats("grad_output");
        assertThat(PeerParams.select(gradient, mask))
            .usingComparatorWithPrecision(0f)
            .containsExactly(golden.expected().floats("grad_input"));
      }
    }
  }

  private static QuantParams params(Golden golden) {
    Fields params = golden.params();
    int qmin = params.integer("quant_min");
    int qmax = params.integer("quant_max");
    if (!golden.inputs().has("scale")) {
      return QuantParams.affine(
          (float) params.real("scale"), params.integer("zero_point"), qmin, qmax);
    }
    return QuantParams.affine(
        golden.inputs().floats("scale"),
        golden.inputs().ints("zero_point"),
        PeerParams.granularity(params),
        qmin,
        qmax);
  }
}
