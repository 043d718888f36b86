package dev.octet.core.affine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.format.Float8;
import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Against pytorch-quantization 2.2.1, bit for bit, gradients too: nvidia-fake-tensor-quant.json.
 * The gradients of learnable bounds (clip_*) are training's business; of the two TensorQuantizer
 * cases with such bounds the output is compared here.
 */
class NvidiaFakeTensorQuantGoldenTest {
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
    GoldenArray x = golden.inputs().array("x");
    float[] amax = golden.inputs().floats("amax");
    Granularity granularity = PeerParams.granularity(params);

    assertBits(golden, "scale", quantizer.scales(amax));
    assertBits(golden, "quantized", quantizer.quantize(x.floats(), x.shape(), granularity, amax));
    assertBits(golden, "fake", quantizer.fakeQuantize(x.floats(), x.shape(), granularity, amax));
    assertGradient(golden, quantizer.mask(x.floats(), x.shape(), granularity, amax));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("printedCases")
  void givesTheNumbersThatTheArticlePrints(Golden golden) {
    GoldenArray x = golden.inputs().array("x");
    float amax = amaxOf(x.floats(), 0, 1);
    AmaxQuantizer int8 = AmaxQuantizer.int8();
    assertThat(int8.quantize(x.floats(), x.shape(), Granularity.perTensor(), amax))
        .isEqualTo(golden.expected().floats("quantized"));
    assertThat(int8.scales(amax)[0]).isCloseTo(golden.expected().number("scale"), within(0.01f));
    float[] fake = int8.fakeQuantize(x.floats(), x.shape(), Granularity.perTensor(), amax);
    assertThat(fake).containsExactly(golden.expected().floats("fake"), within(1e-4f));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("affineCases")
  void fakeQuantizesARange(Golden golden) {
    float[] x = golden.inputs().floats("x");
    float min = golden.inputs().floats("min")[0];
    float max = golden.inputs().floats("max")[0];
    int bits = golden.params().integer("num_bits");
    // The peer subtracts its zero point before clamping, which loses the sign of zero.
    assertThat(AmaxQuantizer.fakeQuantizeRange(x, min, max, bits))
        .usingComparatorWithPrecision(0f)
        .containsExactly(golden.expected().floats("fake"));
    boolean[] passes = new boolean[x.length];
    for (int i = 0; i < x.length; i++) {
      passes[i] = x[i] >= min && x[i] <= max;
    }
    assertGradient(golden, passes);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("errorCases")
  void refusesWhatThePeerRefuses(Golden golden) {
    assertThat(golden.expected().text("error")).containsIgnoringCase("negative");
    int[] shape = {1};
    Granularity whole = Granularity.perTensor();
    if (golden.name().equals("error_negative_amax")) {
      assertThatThrownBy(() -> AmaxQuantizer.int8().quantize(new float[] {1}, shape, whole, -1f))
          .hasMessage("amax 0 is -1.0; it must be finite and not negative");
    } else {
      assertThatThrownBy(
              () -> new AmaxQuantizer(8, true, true).quantize(new float[] {-1}, shape, whole, 1f))
          .hasMessage("value 0 is -1.0, which unsigned integers cannot hold; choose signed ones");
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("moduleCases")
  void doesWhatTheModuleDoes(Golden golden) {
    Fields params = golden.params();
    GoldenArray array = golden.inputs().array("x");
    float[] x = array.floats();
    float[] factors =
        golden.inputs().has("pre_quant_scale")
            ? golden.inputs().floats("pre_quant_scale")
            : new float[] {1};
    for (int i = 0; i < x.length; i++) {
      x[i] *= factors[i % factors.length];
    }
    boolean clips = params.names().contains("learn_amax");
    if (clips) {
      float bound = params.number("amax");
      for (int i = 0; i < x.length; i++) {
        x[i] = Math.min(Math.max(x[i], -bound), bound);
      }
      golden.expected().leave("grad_input", "grad_clip.clip_value_min", "grad_clip.clip_value_max");
    }
    // The axes of these cases are the first ones: as one axis they keep their order.
    int kept = params.names().contains("axis") ? params.texts("axis").size() : 0;
    int groups = Arrays.stream(array.shape()).limit(kept).reduce(1, (a, b) -> a * b);
    int[] shape = {groups, x.length / groups};
    Granularity granularity = kept == 0 ? Granularity.perTensor() : Granularity.perAxis(0);
    float[] amax = new float[groups];
    for (int i = 0; i < groups; i++) {
      amax[i] = params.names().contains("amax") ? params.number("amax") : amaxOf(x, i, groups);
      if (params.names().contains("scale_amax")) {
        amax[i] *= params.number("scale_amax");
      }
    }
    boolean disabled =
        params.names().contains("disabled")
            || (params.names().contains("quant") && !params.flag("quant"));
    boolean integers = params.names().contains("fake_quant") && !params.flag("fake_quant");
    AmaxQuantizer quantizer =
        new AmaxQuantizer(
            params.names().contains("num_bits") ? params.integer("num_bits") : 8,
            params.names().contains("unsigned") && params.flag("unsigned"),
            integers || (params.names().contains("narrow_range") && params.flag("narrow_range")));
    float[] y;
    if (disabled) {
      y = x;
    } else if (integers) {
      y = quantizer.quantize(x, shape, granularity, amax);
      assertBits(golden, "scale", quantizer.scales(amax));
    } else {
      y = quantizer.fakeQuantize(x, shape, granularity, amax);
    }
    assertBits(golden, "output", y);
    if (!clips) {
      boolean[] passes = quantizer.mask(x, shape, granularity, amax);
      float[] gradient = golden.inputs().floats("grad_output");
      for (int i = 0; i < gradient.length; i++) {
        gradient[i] = disabled || passes[i] ? gradient[i] * factors[i % factors.length] : 0;
      }
      assertThat(gradient)
          .usingComparatorWithPrecision(0f)
          .containsExactly(golden.expected().floats("grad_input"));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("float8Cases")
  void scalesFloat8(Golden golden) {
    float[] x = golden.inputs().floats("x");
    ScaledFloat8 float8 =
        golden.params().has("amax")
            ? new ScaledFloat8(Float8.E4M3FN, golden.params().number("amax"))
            : ScaledFloat8.unscaled(Float8.E4M3FN);
    assertBits(golden, "output", float8.fakeQuantize(x));
    assertGradient(golden, float8.mask(x));
  }

  private static float amaxOf(float[] x, int group, int groups) {
    float amax = 0;
    for (int i = group * (x.length / groups); i < (group + 1) * (x.length / groups); i++) {
      amax = Math.max(amax, Math.abs(x[i]));
    }
    return amax;
  }

  private static void assertGradient(Golden golden, boolean[] passes) {
    float[] gradient = golden.inputs().floats("grad_output");
    assertThat(PeerParams.select(gradient, passes))
        .isEqualTo(golden.expected().floats("grad_input"));
  }

  private static void assertBits(Golden golden, String name, float[] actual) {
    assertThat(PeerParams.bits(actual))
        .as(name)
        .isEqualTo(PeerParams.bits(golden.expected().floats(name)));
  }
}
