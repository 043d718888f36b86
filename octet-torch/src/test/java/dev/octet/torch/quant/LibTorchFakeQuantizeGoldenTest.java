package dev.octet.torch.quant;

import static dev.octet.torch.quant.GoldenTensors.assertBits;
import static dev.octet.torch.quant.GoldenTensors.backward;
import static dev.octet.torch.quant.GoldenTensors.gradient;
import static dev.octet.torch.quant.GoldenTensors.input;
import static dev.octet.torch.quant.GoldenTensors.leaf;
import static dev.octet.torch.quant.GoldenTensors.of;
import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.quant.LibTorchFakeQuantize.MovingAverage;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against torch 2.13: torch-fake-quantize.json. */
final class LibTorchFakeQuantizeGoldenTest {
  private static final String TOPIC = "torch-fake-quantize";

  static Stream<Golden> affineCases() {
    return Golden.cases(
        TOPIC, name -> name.matches("(per_tensor|per_channel|ties|nan).*|tensor_qparams_enabled1"));
  }

  static Stream<Golden> fastCases() {
    // Float zero points are LibTorch's alone.
    return Golden.cases(
        TOPIC,
        name ->
            name.matches("(per_tensor|per_channel|ties|nan).*")
                && !name.equals("per_channel_float_zero_point"));
  }

  static Stream<Golden> offCases() {
    return Golden.cases(TOPIC, name -> name.equals("tensor_qparams_enabled0"));
  }

  static Stream<Golden> learnableCases() {
    return Golden.cases(TOPIC, name -> name.startsWith("learnable"));
  }

  static Stream<Golden> fusedCases() {
    return Golden.cases(TOPIC, name -> name.startsWith("fused"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("affineCases")
  void fakeQuantizes(Golden golden) {
    Fields params = golden.params();
    int qmin = params.integer("quant_min");
    int qmax = params.integer("quant_max");
    try (Scope scope = Scope.open()) {
      Tensor x = leaf(input(golden, "x"));
      Tensor y = libTorch(golden, x, qmin, qmax);
      assertBits(golden, "output", y);
      if (golden.expected().has("mask")) {
        // The mask is the gradient of ones.
        Tensor twin = leaf(x.detach().clone());
        Tensor z = libTorch(golden, twin, qmin, qmax);
        backward(z, torch.ones_like(z));
        assertThat(flags(gradient(twin))).isEqualTo(golden.expected().array("mask").booleans());
      }
      if (golden.expected().has("grad_input")) {
        backward(y, input(golden, "grad_output"));
        assertThat(gradient(x))
            .usingComparatorWithPrecision(0f)
            .containsExactly(golden.expected().floats("grad_input"));
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("offCases")
  void passesAllWhenOff(Golden golden) {
    assertThat(golden.params().integer("fake_quant_enabled")).isZero();
    QuantizerConfig off =
        QuantizerConfig.builder(QuantDescriptor.uint8Activation()).disabled(true).build();
    try (TensorQuantizer quantizer = new TensorQuantizer(off);
        Scope scope = Scope.open()) {
      Tensor x = leaf(input(golden, "x"));
      Tensor y = quantizer.call(x.mul(new Scalar(1.0)));
      assertBits(golden, "output", y);
      backward(y, torch.ones_like(y));
      assertThat(flags(gradient(x))).isEqualTo(golden.expected().array("mask").booleans());
    }
  }

  private static Tensor libTorch(Golden golden, Tensor x, int qmin, int qmax) {
    Fields params = golden.params();
    if (golden.inputs().has("scale")) {
      Tensor zero = zeroPoints(golden);
      return LibTorchFakeQuantize.perChannel(
          x, input(golden, "scale"), zero, params.integer("axis"), qmin, qmax);
    }
    if (golden.name().startsWith("tensor_qparams")) {
      return LibTorchFakeQuantize.perTensor(
          x,
          Tensors.of(new float[] {params.number("scale")}, 1),
          Tensors.of(new long[] {params.integer("zero_point")}, 1).to(ScalarType.Int),
          qmin,
          qmax);
    }
    return LibTorchFakeQuantize.perTensor(
        x, params.real("scale"), params.integer("zero_point"), qmin, qmax);
  }

  private static Tensor zeroPoints(Golden golden) {
    GoldenArray array = golden.inputs().array("zero_point");
    if (array.dtype().equals("float32")) {
      return of(array);
    }
    int[] values = array.ints();
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = values[i];
    }
    return Tensors.of(floats, values.length).to(ScalarType.Int);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("fastCases")
  void theFastQuantizerAgrees(Golden golden) {
    Fields params = golden.params();
    if (golden.expected().has("mask")) {
      golden.expected().leave("mask"); // the other test compares it
    }
    int qmin = params.integer("quant_min");
    int qmax = params.integer("quant_max");
    QuantParams quantParams =
        golden.inputs().has("scale")
            ? QuantParams.affine(
                golden.inputs().floats("scale"),
                golden.inputs().ints("zero_point"),
                Granularity.perAxis(params.integer("axis")),
                qmin,
                qmax)
            : QuantParams.affine(
                (float) params.real("scale"), params.integer("zero_point"), qmin, qmax);
    try (FakeQuantizer quantizer = FakeQuantizer.of(quantParams, Arithmetic.LIBTORCH_2_10);
        Scope scope = Scope.open()) {
      Tensor x = leaf(input(golden, "x"));
      Tensor y = quantizer.apply(x);
      backward(y, input(golden, "grad_output"));
      float[] given = Tensors.toFloats(x);
      float[] actual = Tensors.toFloats(y);
      float[] plain = Tensors.toFloats(quantizer.apply(x.detach()));
      float[] gradient = gradient(x);
      float[] expected = golden.expected().floats("output");
      float[] expectedGradient = golden.expected().floats("grad_input");
      float largest = (qmax - quantParams.zeroPoint(0)) * quantParams.scale(0);
      for (int i = 0; i < given.length; i++) {
        if (Float.isNaN(given[i])) {
          assertThat(actual[i]).isNaN(); // the peer gives the smallest
        } else if (Math.abs(given[i]) > 1e9) {
          // The peer's conversion to integers wraps round; ours saturates.
          float end =
              given[i] > 0 ? largest : (qmin - quantParams.zeroPoint(0)) * quantParams.scale(0);
          assertThat(actual[i]).isEqualTo(end);
          assertThat(gradient[i]).isZero();
        } else {
          assertThat(actual[i] + 0f).isEqualTo(expected[i] + 0f);
          assertThat(gradient[i] + 0f).isEqualTo(expectedGradient[i] + 0f);
        }
        assertThat(Float.floatToIntBits(plain[i])).isEqualTo(Float.floatToIntBits(actual[i]));
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("learnableCases")
  void learnsScaleAndZeroPoint(Golden golden) {
    Fields params = golden.params();
    boolean perChannel = golden.inputs().has("scale");
    int qmin = params.integer("quant_min");
    int qmax = params.integer("quant_max");
    try (Scope scope = Scope.open()) {
      Tensor x = leaf(input(golden, "x"));
      Tensor scale =
          leaf(
              perChannel
                  ? input(golden, "scale")
                  : Tensors.of(new float[] {params.number("scale")}, 1));
      Tensor zero =
          leaf(
              perChannel
                  ? input(golden, "zero_point")
                  : Tensors.of(new float[] {params.number("zero_point")}, 1));
      double factor = params.real("grad_factor");
      Tensor y =
          perChannel
              ? LibTorchFakeQuantize.learnable(
                  x, scale, zero, params.integer("axis"), qmin, qmax, factor)
              : LibTorchFakeQuantize.learnable(x, scale, zero, qmin, qmax, factor);
      assertThat(Tensors.toFloats(y))
          .usingComparatorWithPrecision(0f)
          .containsExactly(golden.expected().floats("output"));
      backward(y, input(golden, "grad_output"));
      assertThat(gradient(x))
          .usingComparatorWithPrecision(0f)
          .containsExactly(golden.expected().floats("grad_input"));
      assertNear(gradient(scale), golden.expected().floats("grad_scale"));
      assertNear(gradient(zero), golden.expected().floats("grad_zero_point"));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("learnableCases")
  void theFastLearnedStepAgrees(Golden golden) {
    Fields params = golden.params();
    boolean perChannel = golden.inputs().has("scale");
    int qmin = params.integer("quant_min");
    int qmax = params.integer("quant_max");
    QuantDescriptor.Builder descriptor =
        QuantDescriptor.builder()
            .bits(Integer.numberOfTrailingZeros(qmax - qmin + 1))
            .signed(qmin < 0)
            .symmetric(false);
    if (perChannel) {
      descriptor.granularity(Granularity.perAxis(params.integer("axis")));
    }
    float[] zeros =
        perChannel
            ? golden.inputs().floats("zero_point")
            : new float[] {params.number("zero_point")};
    for (float zero : zeros) {
      if (zero != Math.rint(zero) && Math.abs(zero - Math.floor(zero)) == 0.5) {
        // At a tie the peer's backward rounds the zero point the other way than its forward.
        golden.expected().leave("output", "grad_input", "grad_scale", "grad_zero_point");
        return;
      }
    }
    try (Scope scope = Scope.open()) {
      Tensor x = leaf(input(golden, "x"));
      Tensor scale =
          leaf(
              perChannel
                  ? input(golden, "scale")
                  : Tensors.of(new float[] {params.number("scale")}, 1));
      Tensor zero = leaf(Tensors.of(zeros, zeros.length));
      Tensor y = LearnedStep.apply(x, scale, zero, descriptor.build());
      assertThat(Tensors.toFloats(y))
          .usingComparatorWithPrecision(1e-6f)
          .containsExactly(golden.expected().floats("output"));
      backward(y, input(golden, "grad_output"));
      assertThat(gradient(x))
          .usingComparatorWithPrecision(0f)
          .containsExactly(golden.expected().floats("grad_input"));
      double ours = 1 / Math.sqrt((double) x.numel() / zeros.length * qmax);
      float ratio = (float) (params.real("grad_factor") / ours);
      assertNear(times(gradient(scale), ratio), golden.expected().floats("grad_scale"));
      assertNear(times(gradient(zero), ratio), golden.expected().floats("grad_zero_point"));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("fusedCases")
  void observesAndFakeQuantizes(Golden golden) {
    Fields params = golden.params();
    boolean perRow = params.flag("per_row_fake_quant");
    List<GoldenArray> batches = golden.inputs().arrays("batches");
    List<Fields> steps = golden.expected().objects("steps");
    assertThat(steps).hasSameSizeAs(batches);
    int channels = perRow ? batches.get(0).shape()[0] : 1;
    try (MovingAverage state = new MovingAverage(channels);
        Scope scope = Scope.open()) {
      for (int i = 0; i < batches.size(); i++) {
        Fields step = steps.get(i);
        Tensor x = leaf(of(batches.get(i)));
        Tensor y =
            LibTorchFakeQuantize.movingAverage(
                x,
                state,
                params.integer("observer_on") == 1,
                params.integer("fake_quant_on") == 1,
                params.real("averaging_const"),
                params.integer("ch_axis"),
                params.integer("quant_min"),
                params.integer("quant_max"),
                params.flag("symmetric_quant"));
        assertThat(Tensors.toFloats(y))
            .usingComparatorWithPrecision(0f)
            .containsExactly(step.floats("output"));
        backward(y, torch.ones_like(y));
        assertThat(flags(gradient(x))).isEqualTo(step.array("mask").booleans());
        assertUlp(state.min(), step.floats("running_min"));
        assertUlp(state.max(), step.floats("running_max"));
        assertUlp(state.scale(), step.floats("scale"));
        assertThat(ints(state.zeroPoint())).isEqualTo(step.array("zero_point").ints());
      }
    }
  }

  private static void assertUlp(Tensor actual, float[] expected) {
    float[] values = Tensors.toFloats(actual);
    assertThat(values).hasSameSizeAs(expected);
    for (int i = 0; i < values.length; i++) {
      if (Float.isInfinite(expected[i])) {
        assertThat(values[i]).isEqualTo(expected[i]);
      } else {
        assertThat(Math.abs(values[i] - expected[i])).isLessThanOrEqualTo(Math.ulp(expected[i]));
      }
    }
  }

  private static void assertNear(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      double tolerance = 1e-5 * Math.max(Math.abs(expected[i]), 1e-3);
      assertThat((double) Math.abs(actual[i] - expected[i]))
          .as("%s, not %s", actual[i], expected[i])
          .isLessThanOrEqualTo(tolerance);
    }
  }

  private static float[] times(float[] values, float factor) {
    float[] scaled = values.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] *= factor;
    }
    return scaled;
  }

  private static boolean[] flags(float[] values) {
    boolean[] flags = new boolean[values.length];
    for (int i = 0; i < flags.length; i++) {
      flags[i] = values[i] != 0;
    }
    return flags;
  }

  private static int[] ints(Tensor x) {
    long[] values = Tensors.toLongs(x);
    int[] ints = new int[values.length];
    for (int i = 0; i < ints.length; i++) {
      ints[i] = (int) values[i];
    }
    return ints;
  }
}
