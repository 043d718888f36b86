package dev.octet.workflows.distiller;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MatMul;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Mul;
import dev.octet.workflows.distiller.RangeLinearQuantParamLayerWrapper.WeightSettings;
import dev.octet.workflows.distiller.stats.LayerStats;
import dev.octet.workflows.distiller.stats.TensorStats;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against Distiller's last commit: distiller-linear.json. */
final class PostTrainGoldenTest {
  private static final String TOPIC = "distiller-linear";

  static Stream<Golden> rangeCases() {
    return Golden.cases(TOPIC, name -> name.matches("(tensor|stats)_A?SYMMETRIC.*"));
  }

  static Stream<Golden> perChannelCases() {
    return Golden.cases(TOPIC, name -> name.startsWith("per_channel_"));
  }

  static Stream<Golden> approximationCases() {
    return Golden.cases(TOPIC, name -> name.startsWith("scale_approx_"));
  }

  static Stream<Golden> quantizeCases() {
    return Golden.cases(TOPIC, name -> name.matches("(quantize|ties)_.*"));
  }

  static Stream<Golden> errorCases() {
    return Golden.cases(
        TOPIC, name -> name.matches("error_aciq_9_bits_gauss|error_n_std_not_positive"));
  }

  static Stream<Golden> layerCases() {
    return Golden.cases(TOPIC, name -> name.matches("wrap_(conv|linear)_.*"));
  }

  static Stream<Golden> operationCases() {
    return Golden.cases(TOPIC, name -> name.matches("wrap_(concat|mult|add|matmul)_.*"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rangeCases")
  void clipsAsThePeer(Golden golden) {
    Fields params = golden.params();
    ActivationSettings acts =
        new ActivationSettings(
            params.integer("num_bits"),
            LinearQuantMode.valueOf(params.text("mode")),
            ClipMode.valueOf(params.text("clip")),
            params.has("num_stds") ? params.real("num_stds") : null,
            params.flag("half_range"));
    DistillerLinear found;
    try (Scope scope = Scope.open()) {
      found =
          golden.inputs().has("stats")
              ? acts.params(stats(golden.inputs().object("stats")), "x")
              : acts.params(tensor(golden.inputs().array("x")), "x");
    }
    assertThat(found.scales()[0])
        .satisfies(scale -> assertClose(scale, golden.expected().floats("scale")[0], 1e-6));
    assertThat(found.zeroPoints()[0] + 0f)
        .isEqualTo(golden.expected().floats("zero_point")[0] + 0f);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("perChannelCases")
  void givesChannelsTheirOwnScale(Golden golden) {
    LinearQuantMode mode = LinearQuantMode.valueOf(golden.params().text("mode"));
    try (Scope scope = Scope.open()) {
      List<TensorStats> figures = Figures.ofChannels(tensor(golden.inputs().array("x")));
      DistillerLinear found =
          mode.params(
              golden.params().integer("num_bits"),
              figures.stream().mapToDouble(TensorStats::min).toArray(),
              figures.stream().mapToDouble(TensorStats::max).toArray());
      assertThat(found.scales()).isEqualTo(golden.expected().floats("scale"));
      assertThat(found.zeroPoints())
          .usingComparatorWithPrecision(0f)
          .containsExactly(golden.expected().floats("zero_point"));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("approximationCases")
  void approximatesFactors(Golden golden) {
    double factor = golden.params().real("scale");
    int bits = golden.params().integer("mult_bits");
    ScaleApproximation free = ScaleApproximation.of(factor, bits, false);
    assertThat(free.multiplier()).isEqualTo(golden.expected().real("multiplier"));
    assertThat(free.shift()).isEqualTo(golden.expected().real("shift"));
    assertThat((float) free.value()).isEqualTo(golden.expected().number("approx"));
    ScaleApproximation limited = ScaleApproximation.of(factor, bits, true);
    assertThat(limited.multiplier()).isEqualTo(golden.expected().real("multiplier_limited"));
    assertThat(limited.shift()).isEqualTo(golden.expected().real("shift_limited"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("quantizeCases")
  void quantizesTensors(Golden golden) {
    try (Scope scope = Scope.open()) {
      boolean ties = golden.name().startsWith("ties_");
      Fields from = ties ? golden.params() : golden.expected();
      float scale = ties ? from.number("scale") : from.floats("scale")[0];
      float zero = ties ? from.number("zero_point") : from.floats("zero_point")[0];
      DistillerLinear params =
          DistillerLinear.of(scale, zero, from.integer("qmin"), from.integer("qmax"));
      Tensor codes = Arithmetics.quantize(tensor(golden.inputs().array("x")), params, 1);
      assertThat(Tensors.toFloats(codes))
          .usingComparatorWithPrecision(0f)
          .containsExactly(golden.expected().floats("quantized"));
      assertThat(Tensors.toFloats(Arithmetics.dequantize(codes, params, 1)))
          .usingComparatorWithPrecision(0f)
          .containsExactly(golden.expected().floats("dequantized"));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("errorCases")
  void refusesWhatThePeerRefuses(Golden golden) {
    assertThat(golden.expected().text("error")).contains("Error");
    boolean aciq = golden.name().equals("error_aciq_9_bits_gauss");
    ActivationSettings acts =
        new ActivationSettings(
            9,
            LinearQuantMode.SYMMETRIC,
            aciq ? ClipMode.GAUSS : ClipMode.N_STD,
            aciq ? null : 0.0,
            false);
    TensorStats stats = new TensorStats(-1, 1, -1, 1, 0, 1, 1, "", 2);
    assertThatThrownBy(() -> acts.params(stats, "input 0 of 'fc'"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("input 0 of 'fc'")
        .hasMessageContaining(aciq ? "up to 8 bits, not 9" : "above 0, not 0.0");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("layerCases")
  void layersComputeAsThePeer(Golden golden) {
    Fields params = golden.params();
    LinearQuantMode mode = LinearQuantMode.valueOf(params.text("mode"));
    QuantizedValues values = new QuantizedValues();
    try (Scope scope = Scope.open();
        Module layer = layer(golden);
        RangeLinearQuantParamLayerWrapper wrapper =
            new RangeLinearQuantParamLayerWrapper(
                layer,
                settings(
                    golden,
                    mode,
                    params.names().contains("clip_half_range") && params.flag("clip_half_range"),
                    values),
                new WeightSettings(
                    params.integer("bits_parameters"),
                    mode,
                    params.flag("per_channel_wts"),
                    ClipMode.NONE,
                    null,
                    false))) {
      wrapper.eval();
      Tensor x = tensor(golden.inputs().array("x"));
      values.put(
          x,
          DistillerLinear.of(
              params.floats("input_scale")[0],
              params.floats("input_zero_point")[0],
              params.integer("input_qmin"),
              params.integer("input_qmax")));
      Fields expected = golden.expected();
      assertThat(Tensors.toFloats(wrapper.weightCodes()))
          .usingComparatorWithPrecision(0f)
          .containsExactly(expected.floats("weight_quantized"));
      assertThat(Tensors.toFloats(wrapper.ownBuffers().get("w_scale")))
          .isEqualTo(expected.floats("w_scale"));
      assertThat(Tensors.toFloats(wrapper.ownBuffers().get("w_zero_point")))
          .usingComparatorWithPrecision(0f)
          .containsExactly(expected.floats("w_zero_point"));
      checkOutput(golden, wrapper, values, x);
    }
  }

  private static Module layer(Golden golden) {
    Tensor weight = tensor(golden.inputs().array("weight"));
    Tensor bias = golden.inputs().has("bias") ? tensor(golden.inputs().array("bias")) : null;
    Module layer =
        golden.params().text("wrapper").equals("linear")
            ? Linear.builder(weight.size(1), weight.size(0)).bias(bias != null).build()
            : Conv2d.builder(weight.size(1), weight.size(0), weight.size(2), weight.size(3))
                .padding(golden.params().integer("padding"))
                .bias(bias != null)
                .build();
    try (Torch.Switched noGrad = Torch.noGrad()) {
      Layers.weight(layer).copy_(weight);
      if (bias != null) {
        Tensors.check(Layers.bias(layer), "bias").copy_(bias);
      }
    }
    layer.eval();
    return layer;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("operationCases")
  void operationsComputeAsThePeer(Golden golden) {
    LinearQuantMode mode = LinearQuantMode.valueOf(golden.params().text("mode"));
    QuantizedValues values = new QuantizedValues();
    RangeLinearQuantWrapper.Settings settings = settings(golden, mode, false, values);
    try (Scope scope = Scope.open();
        RangeLinearQuantWrapper wrapper = operation(golden, settings)) {
      wrapper.eval();
      List<GoldenArray> scales = golden.params().arrays("input_scale");
      List<GoldenArray> zeros = golden.params().arrays("input_zero_point");
      List<Tensor> inputs = new ArrayList<>();
      for (GoldenArray array : golden.inputs().arrays("x")) {
        Tensor x = tensor(array);
        int at = inputs.size();
        // The peer's inputs are of all the integers, in the restricted mode too.
        boolean unsigned = mode == LinearQuantMode.ASYMMETRIC_UNSIGNED;
        values.put(
            x,
            DistillerLinear.of(
                scales.get(at).floats()[0],
                zeros.get(at).floats()[0],
                unsigned ? 0 : -128,
                unsigned ? 255 : 127));
        inputs.add(x);
      }
      checkOutput(golden, wrapper, values, inputs.toArray(new Tensor[0]));
    }
  }

  private static RangeLinearQuantWrapper operation(
      Golden golden, RangeLinearQuantWrapper.Settings settings) {
    return switch (golden.params().text("wrapper")) {
      case "concat" ->
          new RangeLinearQuantConcatWrapper(Concat.of(golden.params().integer("dim")), settings);
      case "mult" -> new RangeLinearQuantEltwiseMultWrapper(Mul.of(), settings);
      case "add" -> new RangeLinearQuantEltwiseAddWrapper(Add.of(), settings);
      case "matmul" -> new RangeLinearQuantMatmulWrapper(MatMul.of(), settings);
      default -> throw new IllegalArgumentException(golden.name());
    };
  }

  private static void checkOutput(
      Golden golden, RangeLinearQuantWrapper wrapper, QuantizedValues values, Tensor... x) {
    Tensor y = wrapper.call(x);
    DistillerLinear made = values.get(y);
    assertThat(made).isNotNull();
    Fields expected = golden.expected();
    float scale = expected.floats("out_scale")[0];
    assertClose(made.scales()[0], scale, 1.2e-7);
    assertThat(made.zeroPoints()[0] + 0f).isEqualTo(expected.floats("out_zero_point")[0] + 0f);
    float[] actual = Tensors.toFloats(y);
    float[] wanted = expected.floats("output");
    assertThat(actual).hasSameSizeAs(wanted);
    for (int i = 0; i < wanted.length; i++) {
      // The integers are the same ones; as floats they may differ in the last bit of the scale.
      assertThat(Math.rint(actual[i] * scale)).isEqualTo(Math.rint(wanted[i] * scale));
      assertClose(actual[i], wanted[i], 3e-7);
    }
  }

  @Test
  void theTablesAreThoseOfTheOptimum() {
    // Root of 2a/(3·4^8) = 2e^−a, rounded to two digits.
    TensorStats stats = new TensorStats(-50, 50, -50, 50, 0, 1, 1, "", 2);
    double[] range = ClipMode.LAPLACE.range(true, 8, null, false, stats, "x");
    double a = range[1];
    assertThat(2 * a / (3 * Math.pow(4, 8))).isCloseTo(2 * Math.exp(-a), offset(0.01));
  }

  private static org.assertj.core.data.Percentage offset(double share) {
    return org.assertj.core.data.Percentage.withPercentage(100 * share);
  }

  private static RangeLinearQuantWrapper.Settings settings(
      Golden golden, LinearQuantMode mode, boolean halfRange, QuantizedValues values) {
    Fields params = golden.params();
    return new RangeLinearQuantWrapper.Settings(
        "layer",
        new ActivationSettings(
            params.integer("bits_activations"),
            mode,
            ClipMode.valueOf(params.text("clip_acts")),
            null,
            halfRange),
        params.integer("bits_accum"),
        null,
        golden.inputs().has("stats") ? layerStats(golden.inputs().object("stats")) : null,
        Map.of(),
        false,
        values);
  }

  private static @Nullable LayerStats layerStats(Fields stats) {
    return LayerStats.of(
        stats.objects("inputs").stream().map(PostTrainGoldenTest::stats).toList(),
        stats(stats.object("output")));
  }

  private static TensorStats stats(Fields stats) {
    return new TensorStats(
        stats.real("min"),
        stats.real("max"),
        optional(stats, "avg_min"),
        optional(stats, "avg_max"),
        optional(stats, "mean"),
        optional(stats, "std"),
        optional(stats, "b"),
        "",
        0);
  }

  private static double optional(Fields stats, String name) {
    return stats.has(name) ? stats.real(name) : Double.NaN;
  }

  private static Tensor tensor(GoldenArray array) {
    return Tensors.of(array.floats(), Arrays.stream(array.shape()).asLongStream().toArray());
  }

  private static void assertClose(float actual, float expected, double relative) {
    assertThat(Math.abs((double) actual - expected))
        .as("%s against %s", actual, expected)
        .isLessThanOrEqualTo(relative * Math.abs(expected));
  }
}
