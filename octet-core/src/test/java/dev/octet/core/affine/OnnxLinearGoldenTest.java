package dev.octet.core.affine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.range.Range;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against ONNX Runtime 1.30 on the CPU, bit for bit: onnx-qdq.json. */
class OnnxLinearGoldenTest {
  static Stream<Golden> quantizeCases() {
    return Golden.cases("onnx-qdq", name -> name.matches("(per_tensor|ties|axis|block|nan).*"));
  }

  static Stream<Golden> dequantizeCases() {
    return Golden.cases("onnx-qdq", name -> name.startsWith("dequantize"));
  }

  static Stream<Golden> dynamicCases() {
    return Golden.cases("onnx-qdq", name -> name.startsWith("dynamic"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("quantizeCases")
  void quantizesAndDequantizes(Golden golden) {
    GoldenArray x = golden.inputs().array("x");
    int[] range = PeerParams.range(golden.params().text("dtype"));
    QuantParams params =
        QuantParams.affine(
            golden.inputs().floats("scale"),
            golden.inputs().ints("zero_point"),
            PeerParams.granularity(golden.params()),
            range[0],
            range[1]);

    int[] q = Affine.quantize(x.floats(), x.shape(), params);
    assertThat(q).isEqualTo(golden.expected().ints("quantized"));
    int[] bits = PeerParams.bits(golden.expected().floats("dequantized"));
    assertThat(PeerParams.bits(Affine.dequantize(q, x.shape(), params))).isEqualTo(bits);
    assertThat(PeerParams.bits(Affine.fakeQuantize(x.floats(), x.shape(), params))).isEqualTo(bits);
    golden.expected().leave("codes_from");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("dequantizeCases")
  void dequantizes(Golden golden) {
    GoldenArray q = golden.inputs().array("q");
    int[] range = PeerParams.range(golden.params().text("dtype"));
    QuantParams params =
        QuantParams.affine(
            golden.params().number("scale"),
            golden.params().integer("zero_point"),
            range[0],
            range[1]);
    assertThat(PeerParams.bits(Affine.dequantize(q.ints(), q.shape(), params)))
        .isEqualTo(PeerParams.bits(golden.expected().floats("dequantized")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("dynamicCases")
  void findsTheParametersOfDynamicQuantization(Golden golden) {
    GoldenArray x = golden.inputs().array("x");
    float[] sorted = x.floats();
    Arrays.sort(sorted);
    QuantParams params = QuantParams.dynamic(new Range(sorted[0], sorted[sorted.length - 1]));
    assertThat(params.scales()).isEqualTo(golden.expected().floats("scale"));
    assertThat(params.zeroPoints()).isEqualTo(golden.expected().ints("zero_point"));
    assertThat(Affine.quantize(x.floats(), x.shape(), params))
        .isEqualTo(golden.expected().ints("y"));
  }
}
