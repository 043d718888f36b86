package dev.octet.core.affine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.Granularity;
import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Against Distiller's last commit: distiller-linear.json, the cases that need no clipping. Of
 * tensors everything agrees exactly, of Python numbers, which Distiller takes as float64, scales
 * and broken zero points to 1 ulp.
 */
class DistillerLinearGoldenTest {
  private static final String TOPIC = "distiller-linear";

  static Stream<Golden> symmetricCases() {
    return Golden.cases(TOPIC, name -> name.startsWith("sym_params_"));
  }

  static Stream<Golden> asymmetricCases() {
    return Golden.cases(TOPIC, name -> name.startsWith("asym_params_"));
  }

  static Stream<Golden> tensorCases() {
    return Golden.cases(
        TOPIC, name -> name.matches("tensor_.*_NONE_.*|per_channel_.*|quantize_.*"));
  }

  static Stream<Golden> statisticsCases() {
    return Golden.cases(TOPIC, name -> name.matches("stats_(A?SYMMETRIC).*_NONE_.*"));
  }

  static Stream<Golden> tieCases() {
    return Golden.cases(TOPIC, name -> name.startsWith("ties_"));
  }

  static Stream<Golden> straightThroughCases() {
    return Golden.cases(TOPIC, name -> name.equals("ste"));
  }

  static Stream<Golden> errorCases() {
    return Golden.cases(
        TOPIC, name -> name.matches("error_negative_saturation|error_min_above_max"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("symmetricCases")
  void findsSymmetricParameters(Golden golden) {
    Fields params = golden.params();
    if (golden.inputs().has("sat")) {
      check(
          golden,
          DistillerLinear.symmetric(
              params.integer("num_bits"), false, golden.inputs().floats("sat")));
      return;
    }
    DistillerLinear linear =
        DistillerLinear.symmetric(
            params.integer("num_bits"),
            params.flag("restrict_qrange"),
            params.number("saturation_val"));
    assertUlp(linear.scales()[0], golden.expected().number("scale"));
    assertThat(linear.zeroPoints()[0]).isEqualTo(golden.expected().number("zero_point"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("asymmetricCases")
  void findsAsymmetricParameters(Golden golden) {
    Fields params = golden.params();
    if (golden.inputs().has("min")) {
      check(
          golden,
          DistillerLinear.asymmetric(
              params.integer("num_bits"),
              params.flag("signed"),
              true,
              golden.inputs().floats("min"),
              golden.inputs().floats("max")));
      return;
    }
    DistillerLinear linear =
        DistillerLinear.asymmetric(
            params.integer("num_bits"),
            params.flag("signed"),
            params.flag("integral_zero_point"),
            new float[] {params.number("min")},
            new float[] {params.number("max")});
    assertUlp(linear.scales()[0], golden.expected().number("scale"));
    // Distiller has a zero point of −0 where the range starts at zero.
    assertThat(linear.zeroPoints()[0] + 0f).isEqualTo(golden.expected().number("zero_point") + 0f);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("tensorCases")
  void takesParametersFromATensor(Golden golden) {
    GoldenArray array = golden.inputs().array("x");
    float[] x = array.floats();
    boolean perChannel =
        golden.params().names().contains("per_channel") && golden.params().flag("per_channel");
    int groups = perChannel ? array.shape()[0] : 1;
    int[] shape = {groups, x.length / groups};
    float[] min = new float[groups];
    float[] max = new float[groups];
    for (int g = 0; g < groups; g++) {
      float[] sorted = Arrays.copyOfRange(x, g * shape[1], (g + 1) * shape[1]);
      Arrays.sort(sorted);
      min[g] = sorted[0];
      max[g] = sorted[sorted.length - 1];
    }
    DistillerLinear linear = of(golden.params(), min, max);
    check(golden, linear);
    if (golden.expected().has("quantized")) {
      assertThat(linear.qmin()).isEqualTo(golden.expected().integer("qmin"));
      assertThat(linear.qmax()).isEqualTo(golden.expected().integer("qmax"));
      checkValues(golden, linear, shape, perChannel);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("statisticsCases")
  void takesParametersFromStatistics(Golden golden) {
    Fields stats = golden.inputs().object("stats");
    check(
        golden,
        of(golden.params(), new float[] {stats.number("min")}, new float[] {stats.number("max")}));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("tieCases")
  void roundsTiesAfterSubtractingTheZeroPoint(Golden golden) {
    Fields params = golden.params();
    DistillerLinear linear =
        DistillerLinear.of(
            params.number("scale"),
            params.number("zero_point"),
            params.integer("qmin"),
            params.integer("qmax"));
    checkValues(golden, linear, golden.inputs().array("x").shape(), false);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("straightThroughCases")
  void doesNotClampWhatFitsItsIntegers(Golden golden) {
    GoldenArray x = golden.inputs().array("x");
    DistillerLinear linear =
        DistillerLinear.of(
            golden.params().number("scale"),
            golden.params().number("zero_point"),
            -(1 << 20),
            1 << 20);
    assertThat(linear.fakeQuantize(x.floats(), x.shape(), Granularity.perTensor()))
        .usingComparatorWithPrecision(0f)
        .containsExactly(golden.expected().floats("output"));
    // The gradient passes everywhere: nothing of ours computes it.
    golden.expected().leave("grad_input");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("errorCases")
  void refusesWhatThePeerRefuses(Golden golden) {
    assertThat(golden.expected().text("error")).startsWith("ValueError");
    if (golden.name().equals("error_negative_saturation")) {
      assertThatThrownBy(() -> DistillerLinear.symmetric(8, false, -1f))
          .hasMessage("saturation 0 is -1.0; it must be finite and not negative");
    } else {
      assertThatThrownBy(
              () -> DistillerLinear.asymmetric(8, false, true, new float[] {2}, new float[] {1}))
          .hasMessage("range 0 is [2.0, 1.0]; give finite ends, the smaller first");
    }
  }

  private static DistillerLinear of(Fields params, float[] min, float[] max) {
    int bits = params.integer("num_bits");
    String mode = params.text("mode");
    if (mode.startsWith("ASYMMETRIC")) {
      return DistillerLinear.asymmetric(bits, mode.endsWith("_SIGNED"), true, min, max);
    }
    float[] saturation = new float[min.length];
    for (int i = 0; i < min.length; i++) {
      saturation[i] = Math.max(Math.abs(min[i]), Math.abs(max[i]));
    }
    return DistillerLinear.symmetric(bits, mode.endsWith("RESTRICTED"), saturation);
  }

  private static void check(Golden golden, DistillerLinear linear) {
    float[] scales = golden.expected().floats("scale");
    assertThat(linear.scales()).isEqualTo(scales);
    assertThat(linear.zeroPoints())
        .usingComparatorWithPrecision(0f)
        .containsExactly(golden.expected().floats("zero_point"));
  }

  private static void checkValues(
      Golden golden, DistillerLinear linear, int[] shape, boolean perChannel) {
    float[] x = golden.inputs().floats("x");
    Granularity granularity = perChannel ? Granularity.perAxis(0) : Granularity.perTensor();
    assertThat(linear.quantize(x, shape, granularity))
        .usingComparatorWithPrecision(0f)
        .containsExactly(golden.expected().floats("quantized"));
    assertThat(linear.fakeQuantize(x, shape, granularity))
        .usingComparatorWithPrecision(0f)
        .containsExactly(golden.expected().floats("dequantized"));
  }

  private static void assertUlp(float actual, float expected) {
    assertThat(Math.abs((double) actual - expected))
        .as("%s against %s", actual, expected)
        .isLessThanOrEqualTo(Math.ulp(expected));
  }
}
