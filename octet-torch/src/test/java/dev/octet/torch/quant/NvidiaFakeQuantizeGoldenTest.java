package dev.octet.torch.quant;

import static dev.octet.torch.quant.GoldenTensors.assertBits;
import static dev.octet.torch.quant.GoldenTensors.backward;
import static dev.octet.torch.quant.GoldenTensors.gradient;
import static dev.octet.torch.quant.GoldenTensors.input;
import static dev.octet.torch.quant.GoldenTensors.leaf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.core.affine.AmaxQuantizer;
import dev.octet.core.affine.Arithmetic;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.quant.QuantizerConfig.Learned;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Against pytorch-quantization 2.2.1, bit for bit, gradients too: nvidia-fake-tensor-quant.json.
 */
final class NvidiaFakeQuantizeGoldenTest {
  private static final String TOPIC = "nvidia-fake-tensor-quant";

  static Stream<Golden> functionCases() {
    return Golden.cases(
        TOPIC,
        name -> !name.matches("(affine_|error_|tensor_quantizer_|clip_|e4m3_).*|.*_printed"));
  }

  static Stream<Golden> printedCases() {
    return Golden.cases(TOPIC, name -> name.endsWith("_printed"));
  }

  static Stream<Golden> affineCases() {
    return Golden.cases(TOPIC, name -> name.startsWith("affine_"));
  }

  static Stream<Golden> errorCases() {
    return Golden.cases(TOPIC, name -> name.startsWith("error_"));
  }

  static Stream<Golden> moduleCases() {
    return Golden.cases(TOPIC, name -> name.startsWith("tensor_quantizer_"));
  }

  static Stream<Golden> clipCases() {
    return Golden.cases(TOPIC, name -> name.startsWith("clip_"));
  }

  static Stream<Golden> float8Cases() {
    return Golden.cases(TOPIC, name -> name.startsWith("e4m3_"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("functionCases")
  void quantizesAndFakeQuantizes(Golden golden) {
    Fields params = golden.params();
    AmaxQuantizer quantizer =
        new AmaxQuantizer(
            params.integer("num_bits"), params.flag("unsigned"), params.flag("narrow_range"));
    try (Scope scope = Scope.open()) {
      Tensor x = leaf(input(golden, "x"));
      Tensor amax = input(golden, "amax");
      FakeQuantize.Integers integers = FakeQuantize.tensorQuant(x, amax, quantizer);
      assertBits(golden, "quantized", integers.integers());
      assertBits(golden, "scale", integers.scale());
      Tensor fake = FakeQuantize.amax(x, amax, quantizer);
      assertBits(golden, "fake", fake);
      assertBits(golden, "fake", FakeQuantize.amax(x.detach(), amax, quantizer));
      backward(fake, input(golden, "grad_output"));
      assertBits(golden, "grad_input", x.grad());
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("printedCases")
  void givesTheNumbersThatTheArticlePrints(Golden golden) {
    try (Scope scope = Scope.open()) {
      Tensor x = input(golden, "x");
      Tensor amax = x.abs().max();
      FakeQuantize.Integers integers = FakeQuantize.tensorQuant(x, amax, AmaxQuantizer.int8());
      assertBits(golden, "quantized", integers.integers());
      assertThat(Tensors.toFloats(integers.scale())[0])
          .isCloseTo(golden.expected().number("scale"), within(0.01f));
      assertThat(Tensors.toFloats(FakeQuantize.amax(x, amax, AmaxQuantizer.int8())))
          .containsExactly(golden.expected().floats("fake"), within(1e-4f));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("affineCases")
  void fakeQuantizesARange(Golden golden) {
    try (Scope scope = Scope.open()) {
      float min = golden.inputs().floats("min")[0];
      float max = golden.inputs().floats("max")[0];
      int bits = golden.params().integer("num_bits");
      Tensor x = leaf(input(golden, "x"));
      Tensor y = FakeQuantize.range(x, min, max, bits);
      // The peer subtracts its zero point before clamping, which loses the sign of zero.
      float[] expected = golden.expected().floats("fake");
      assertThat(Tensors.toFloats(y)).usingComparatorWithPrecision(0f).containsExactly(expected);
      assertThat(Tensors.toFloats(FakeQuantize.range(x.detach(), min, max, bits)))
          .usingComparatorWithPrecision(0f)
          .containsExactly(expected);
      backward(y, input(golden, "grad_output"));
      assertBits(golden, "grad_input", x.grad());
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("errorCases")
  void refusesWhatThePeerRefuses(Golden golden) {
    assertThat(golden.expected().text("error")).containsIgnoringCase("negative");
    try (Scope scope = Scope.open()) {
      if (golden.name().equals("error_negative_amax")) {
        assertThatThrownBy(
                () ->
                    FakeQuantize.amax(Tensors.scalar(1), Tensors.scalar(-1), AmaxQuantizer.int8()))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("amax 0 is -1.0");
      } else {
        assertThatThrownBy(
                () ->
                    FakeQuantize.amax(
                        Tensors.scalar(-1), Tensors.scalar(1), new AmaxQuantizer(8, true, true)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("negative values");
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clipCases")
  void clipsToLearnedBounds(Golden golden) {
    try (Scope scope = Scope.open()) {
      Tensor x = leaf(input(golden, "x"));
      Tensor min = leaf(Tensors.scalar(golden.params().number("min")));
      Tensor max = leaf(Tensors.scalar(golden.params().number("max")));
      Tensor y = FakeQuantize.clip(x, min, max);
      assertBits(golden, "output", y);
      backward(y, input(golden, "grad_output"));
      // The peer multiplies by its mask, which leaves some zeros a sign.
      assertThat(gradient(x))
          .usingComparatorWithPrecision(0f)
          .containsExactly(golden.expected().floats("grad_input"));
      assertBits(golden, "grad_min", min.grad());
      assertBits(golden, "grad_max", max.grad());
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("float8Cases")
  void scalesFloat8(Golden golden) {
    try (Scope scope = Scope.open()) {
      Tensor x = leaf(input(golden, "x"));
      Float amax = golden.params().has("amax") ? golden.params().number("amax") : null;
      Tensor y = FakeQuantize.e4m3(x, amax);
      assertBits(golden, "output", y);
      backward(y, input(golden, "grad_output"));
      assertBits(golden, "grad_input", x.grad());
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("moduleCases")
  void doesWhatTheModuleDoes(Golden golden) {
    Fields params = golden.params();
    QuantDescriptor.Builder descriptor =
        QuantDescriptor.builder()
            .bits(has(params, "num_bits") ? params.integer("num_bits") : 8)
            .signed(!has(params, "unsigned"))
            .narrow(has(params, "narrow_range") && params.flag("narrow_range"));
    if (has(params, "amax")) {
      float amax = params.number("amax");
      descriptor.fixedRange(has(params, "unsigned") ? new Range(0, amax) : Range.symmetric(amax));
    }
    boolean twoAxes = has(params, "axis") && params.texts("axis").size() == 2;
    if (has(params, "axis")) {
      // Two kept axes are blocks over what the others are flattened to.
      descriptor.granularity(twoAxes ? Granularity.perBlock(2, 1 << 20) : Granularity.perAxis(0));
    }
    QuantizerConfig.Builder config =
        QuantizerConfig.builder(descriptor.build())
            .arithmetic(Arithmetic.PYTORCH_QUANTIZATION)
            .fakeQuant(!has(params, "fake_quant"))
            .scaleAmax(has(params, "scale_amax") ? params.number("scale_amax") : 1)
            .learned(has(params, "learn_amax") ? Learned.BOUNDS : Learned.NOTHING)
            .disabled(has(params, "disabled"))
            .quant(!has(params, "quant") || params.flag("quant"));
    try (TensorQuantizer quantizer = new TensorQuantizer(config.build());
        Scope scope = Scope.open()) {
      if (golden.inputs().has("pre_quant_scale")) {
        quantizer.preQuantScale(input(golden, "pre_quant_scale"));
      }
      Tensor x = leaf(input(golden, "x"));
      long[] shape = Tensors.shape(x);
      Tensor used = twoAxes ? x.reshape(shape[0], shape[1], -1) : x;
      Tensor y = quantizer.call(used);
      assertBits(golden, "output", y);
      backward(y, input(golden, "grad_output").reshape(Tensors.shape(y)));
      assertThat(gradient(x))
          .usingComparatorWithPrecision(0f)
          .containsExactly(golden.expected().floats("grad_input"));
      if (has(params, "learn_amax")) {
        for (String bound : new String[] {"clip.clip_value_min", "clip.clip_value_max"}) {
          assertThat(gradient(quantizer.parameters().get(bound))[0])
              .isCloseTo(golden.expected().floats("grad_" + bound)[0], within(1e-6f));
        }
      }
      if (has(params, "fake_quant")) {
        assertBits(golden, "scale", quantizer.scale());
      }
    }
  }

  private static boolean has(Fields params, String name) {
    return params.names().contains(name);
  }
}
