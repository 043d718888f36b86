package dev.octet.core.affine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Against torch 2.13, bit for bit: torch-quantized-tensor.json. Float zero points
 * (per_channel_float_qparams, embeddings) are no affine quantization in the sense of this package,
 * where zero is exactly representable.
 */
class TorchQuantizedTensorGoldenTest {
  static Stream<Golden> fixedCases() {
    return Golden.cases(
        "torch-quantized-tensor", name -> name.matches("(per_tensor|per_channel_\\d|tie|nan).*"));
  }

  static Stream<Golden> dynamicCases() {
    return Golden.cases("torch-quantized-tensor", name -> name.startsWith("dynamic"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("fixedCases")
  void quantizesByBothTieRules(Golden golden) {
    GoldenArray x = golden.inputs().array("x");
    QuantParams params = params(golden);
    int[] q = Affine.quantize(x.floats(), x.shape(), params, Arithmetic.LIBTORCH_2_13);
    assertThat(q).isEqualTo(golden.expected().ints("int_repr"));
    float[] dequantized = Affine.dequantize(q, x.shape(), params);
    float[] expected = golden.expected().floats("dequantize");
    if (golden.inputs().has("scale")) {
      // LibTorch keeps scales per channel as doubles; ours, rounded to float32, are up to half an
      // ulp away, and so is the product, before it is rounded.
      for (int i = 0; i < expected.length; i++) {
        assertThat(Math.abs((double) dequantized[i] - expected[i]))
            .isLessThanOrEqualTo(Math.ulp(expected[i]));
      }
    } else {
      assertThat(PeerParams.bits(dequantized)).isEqualTo(PeerParams.bits(expected));
    }
    if (golden.expected().has("int_repr_rule_2_10")) {
      assertThat(Affine.quantize(x.floats(), x.shape(), params, Arithmetic.LIBTORCH_2_10))
          .isEqualTo(golden.expected().ints("int_repr_rule_2_10"));
    }
  }

  private static QuantParams params(Golden golden) {
    int[] range = PeerParams.range(golden.params().text("dtype"));
    if (golden.inputs().has("scale")) {
      return QuantParams.affine(
          PeerParams.floats(golden.inputs().array("scale").doubles()),
          golden.inputs().ints("zero_point"),
          PeerParams.granularity(golden.params()),
          range[0],
          range[1]);
    }
    return QuantParams.affine(
        (float) golden.params().real("scale"),
        golden.params().integer("zero_point"),
        range[0],
        range[1]);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("dynamicCases")
  void quantizesByTheRangeOfTheTensor(Golden golden) {
    GoldenArray x = golden.inputs().array("x");
    float[] sorted = x.floats();
    Arrays.sort(sorted);
    QuantDescriptor descriptor =
        QuantDescriptor.builder()
            .bits(golden.params().flag("reduce_range") ? 7 : 8)
            .signed(golden.params().text("dtype").equals("qint8"))
            .symmetric(false)
            .build();
    QuantParams params =
        QuantParams.of(descriptor, new Range(sorted[0], sorted[sorted.length - 1]));
    assertThat(params.scale(0)).isEqualTo((float) golden.expected().real("scale"));
    assertThat(params.zeroPoint(0)).isEqualTo(golden.expected().integer("zero_point"));
    int[] q = Affine.quantize(x.floats(), x.shape(), params, Arithmetic.LIBTORCH_2_13);
    assertThat(q).isEqualTo(golden.expected().ints("int_repr"));
    assertThat(PeerParams.bits(Affine.dequantize(q, x.shape(), params)))
        .isEqualTo(PeerParams.bits(golden.expected().floats("dequantize")));
  }
}
