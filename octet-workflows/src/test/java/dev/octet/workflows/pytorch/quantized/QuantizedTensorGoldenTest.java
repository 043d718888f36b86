package dev.octet.workflows.pytorch.quantized;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.FloatQuantParams;
import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against torch 2.13, and the rule of 2.10: torch-quantized-tensor.json. All exact. */
final class QuantizedTensorGoldenTest {
  static Stream<Golden> cases() {
    return Golden.cases("torch-quantized-tensor");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void codesAndRealValuesAreThePeers(Golden golden) {
    Fields params = golden.params();
    Fields expected = golden.expected();
    GoldenArray x = golden.inputs().array("x");
    Dtype dtype = Dtype.valueOf(params.text("dtype").toUpperCase(Locale.ROOT));
    try (Scope scope = Scope.open()) {
      Tensor input = Tensors.of(x.floats(), Arrays.stream(x.shape()).asLongStream().toArray());
      QuantizedTensor made = made(golden, input, dtype);
      assertThat(made.toInts()).isEqualTo(expected.ints("int_repr"));
      assertThat(Tensors.toLongs(made.intRepr()))
          .isEqualTo(Arrays.stream(made.toInts()).asLongStream().toArray());
      assertThat(Tensors.toFloats(made.dequantize())).isEqualTo(expected.floats("dequantize"));
      if (expected.has("scale")) {
        assertThat(made.scale()).isEqualTo(expected.number("scale"));
        assertThat(made.zeroPoint()).isEqualTo(expected.integer("zero_point"));
      }
      if (expected.has("int_repr_rule_2_10")) {
        QuantizedTensor older =
            QuantizedTensor.quantize(input, made.params(), dtype, Arithmetic.LIBTORCH_2_10);
        assertThat(older.toInts()).isEqualTo(expected.ints("int_repr_rule_2_10"));
      }
    }
  }

  private static QuantizedTensor made(Golden golden, Tensor x, Dtype dtype) {
    Fields params = golden.params();
    return switch (params.text("op")) {
      case "quantize_per_tensor" ->
          QuantizedTensor.quantizePerTensor(
              x, params.number("scale"), params.integer("zero_point"), dtype);
      case "quantize_per_tensor_dynamic" ->
          QuantizedTensor.quantizePerTensorDynamic(x, dtype, params.flag("reduce_range"));
      case "quantize_per_channel" ->
          QuantizedTensor.quantizePerChannel(
              x,
              golden.inputs().array("scale").doubles(),
              golden.inputs().ints("zero_point"),
              params.integer("axis"),
              dtype);
      default ->
          QuantizedTensor.quantizePerChannel(
              x,
              FloatQuantParams.of(
                  golden.inputs().floats("scale"),
                  golden.inputs().floats("zero_point"),
                  params.integer("axis"),
                  dtype.qmin(),
                  dtype.qmax()));
    };
  }
}
