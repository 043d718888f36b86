package dev.octet.workflows.pytorch.observer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Fake-quantize modules against torch 2.13: every case of torch-fake-quantize.json. */
final class FakeQuantizeGoldenTest {
  private static final String TOPIC = "torch-fake-quantize";

  static Stream<Golden> affine() {
    return Golden.cases(TOPIC, name -> name.matches("(per_|ties|nan|tensor_qparams).*"));
  }

  static Stream<Golden> learnable() {
    return Golden.cases(TOPIC, name -> name.startsWith("learnable"));
  }

  static Stream<Golden> fused() {
    return Golden.cases(TOPIC, name -> name.startsWith("fused"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("affine")
  void fakeQuantizesByTheScaleItHolds(Golden golden) {
    Fields params = golden.params();
    boolean perChannel = golden.inputs().has("scale");
    try (FakeQuantize module = new FakeQuantize(observer(golden, 1));
        Scope scope = Scope.open()) {
      module.enableObserver(false);
      if (params.has("fake_quant_enabled")) {
        module.enableFakeQuant(params.integer("fake_quant_enabled") == 1);
      }
      Tensor scale =
          perChannel
              ? tensor(golden.inputs().array("scale"))
              : Tensors.of(new float[] {(float) params.real("scale")}, 1);
      Tensor zeroPoint =
          perChannel
              ? zeroPoints(golden.inputs().array("zero_point"))
              : Tensors.of(new long[] {params.integer("zero_point")}, 1).to(ScalarType.Int);
      Map<String, Tensor> state = new LinkedHashMap<>(module.stateDict());
      state.put("scale", scale);
      state.put("zero_point", zeroPoint);
      module.loadStateDict(state, true);

      Tensor x = leaf(tensor(golden.inputs().array("x")));
      Tensor y = module.call(x);
      assertThat(bits(Tensors.toFloats(y))).isEqualTo(bits(golden.expected().floats("output")));
      if (golden.expected().has("mask")) {
        Tensor twin = leaf(x.detach().clone());
        Tensor ones = module.call(Ops.mul(twin, 1.0));
        backward(ones, torch.ones_like(ones));
        assertThat(flags(gradient(twin))).isEqualTo(golden.expected().array("mask").booleans());
      }
      if (golden.expected().has("grad_input")) {
        backward(y, tensor(golden.inputs().array("grad_output")));
        assertThat(gradient(x))
            .usingComparatorWithPrecision(0f)
            .containsExactly(golden.expected().floats("grad_input"));
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("learnable")
  void learnsScaleAndZeroPoint(Golden golden) {
    Fields params = golden.params();
    boolean perChannel = golden.inputs().has("scale");
    float[] scales =
        perChannel ? golden.inputs().floats("scale") : new float[] {params.number("scale")};
    float[] zeros =
        perChannel
            ? golden.inputs().floats("zero_point")
            : new float[] {params.number("zero_point")};
    try (LearnableFakeQuantize module =
            new LearnableFakeQuantize(observer(golden, 1), 1, 0, scales.length, false);
        Scope scope = Scope.open()) {
      Map<String, Tensor> state = new LinkedHashMap<>(module.stateDict());
      state.put("scale", Tensors.of(scales, scales.length));
      state.put("zero_point", Tensors.of(zeros, zeros.length));
      module.loadStateDict(state, true);
      module.enableParamLearning();
      assertThat(module.isLearning()).isTrue();

      Tensor x = leaf(tensor(golden.inputs().array("x")));
      Tensor y = module.call(x);
      assertThat(Tensors.toFloats(y))
          .usingComparatorWithPrecision(0f)
          .containsExactly(golden.expected().floats("output"));
      backward(y, tensor(golden.inputs().array("grad_output")));
      assertThat(gradient(x))
          .usingComparatorWithPrecision(0f)
          .containsExactly(golden.expected().floats("grad_input"));
      // The module's own factor is 1 here; gradients of both are in proportion to it.
      double factor = params.real("grad_factor");
      assertNear(gradient(module.scale()), factor, golden.expected().floats("grad_scale"));
      assertNear(gradient(module.zeroPoint()), factor, golden.expected().floats("grad_zero_point"));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("fused")
  void observesAndFakeQuantizes(Golden golden) {
    Fields params = golden.params();
    List<GoldenArray> batches = golden.inputs().arrays("batches");
    List<Fields> steps = golden.expected().objects("steps");
    assertThat(steps).hasSameSizeAs(batches);
    ExtremesObserver observer = observer(golden, params.real("averaging_const"));
    try (FusedMovingAvgObsFakeQuantize module =
            observer instanceof MovingAveragePerChannelMinMaxObserver perChannel
                ? new FusedMovingAvgObsFakeQuantize(perChannel)
                : new FusedMovingAvgObsFakeQuantize((MovingAverageMinMaxObserver) observer);
        Scope scope = Scope.open()) {
      module.enableObserver(params.integer("observer_on") == 1);
      module.enableFakeQuant(params.integer("fake_quant_on") == 1);
      for (int i = 0; i < batches.size(); i++) {
        Fields step = steps.get(i);
        Tensor x = leaf(tensor(batches.get(i)));
        Tensor y = module.call(Ops.mul(x, 1.0));
        assertThat(Tensors.toFloats(y))
            .usingComparatorWithPrecision(0f)
            .containsExactly(step.floats("output"));
        backward(y, torch.ones_like(y));
        assertThat(flags(gradient(x))).isEqualTo(step.array("mask").booleans());
        assertUlp(observer.minVal(), step.floats("running_min"));
        assertUlp(observer.maxVal(), step.floats("running_max"));
        assertUlp(module.scale(), step.floats("scale"));
        assertThat(Tensors.toLongs(module.zeroPoint()))
            .isEqualTo(Arrays.stream(step.array("zero_point").ints()).asLongStream().toArray());
      }
    }
  }

  private static ExtremesObserver observer(Golden golden, double constant) {
    Fields params = golden.params();
    int qmin = params.integer("quant_min");
    int qmax = params.integer("quant_max");
    boolean fused = params.has("per_row_fake_quant");
    boolean perChannel = fused ? params.flag("per_row_fake_quant") : golden.inputs().has("scale");
    boolean symmetric = fused && params.flag("symmetric_quant");
    boolean floats = perChannel && !fused && golden.name().contains("float_zero_point");
    ObserverSettings settings =
        ObserverSettings.builder()
            .dtype(qmin < 0 ? QuantDtype.QINT8 : QuantDtype.QUINT8)
            .qscheme(scheme(perChannel, symmetric, floats))
            .range(qmin, qmax)
            .build();
    int axis = perChannel ? params.integer(fused ? "ch_axis" : "axis") : -1;
    return perChannel
        ? new MovingAveragePerChannelMinMaxObserver(settings, constant, axis)
        : new MovingAverageMinMaxObserver(settings, constant);
  }

  private static QScheme scheme(boolean perChannel, boolean symmetric, boolean floats) {
    if (floats) {
      return QScheme.PER_CHANNEL_AFFINE_FLOAT_QPARAMS;
    }
    if (perChannel) {
      return symmetric ? QScheme.PER_CHANNEL_SYMMETRIC : QScheme.PER_CHANNEL_AFFINE;
    }
    return symmetric ? QScheme.PER_TENSOR_SYMMETRIC : QScheme.PER_TENSOR_AFFINE;
  }

  private static Tensor zeroPoints(GoldenArray array) {
    return array.dtype().equals("float32")
        ? tensor(array)
        : Tensors.of(Arrays.stream(array.ints()).asLongStream().toArray(), array.ints().length)
            .to(ScalarType.Int);
  }

  private static Tensor tensor(GoldenArray array) {
    return Tensors.of(array.floats(), Arrays.stream(array.shape()).asLongStream().toArray());
  }

  private static Tensor leaf(Tensor x) {
    x.set_requires_grad(true);
    return x;
  }

  private static void backward(Tensor y, Tensor gradient) {
    y.backward(gradient, new BoolOptional(), false, null);
  }

  private static float[] gradient(Tensor x) {
    return Tensors.toFloats(x.grad());
  }

  /** All NaN are one, and −0 and 0 differ. */
  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    Arrays.setAll(bits, i -> Float.floatToIntBits(values[i]));
    return bits;
  }

  private static boolean[] flags(float[] values) {
    boolean[] flags = new boolean[values.length];
    for (int i = 0; i < flags.length; i++) {
      flags[i] = values[i] != 0;
    }
    return flags;
  }

  private static void assertUlp(Tensor actual, float[] expected) {
    float[] values = Tensors.toFloats(actual);
    for (int i = 0; i < expected.length; i++) {
      // One value stands for all channels as long as nothing was seen.
      float value = values[Math.min(i, values.length - 1)];
      if (Float.isInfinite(expected[i])) {
        assertThat(value).isEqualTo(expected[i]);
      } else {
        assertThat(Math.abs(value - expected[i])).isLessThanOrEqualTo(Math.ulp(expected[i]));
      }
    }
  }

  private static void assertNear(float[] actual, double factor, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      double tolerance = 1e-5 * Math.max(Math.abs(expected[i]), 1e-3);
      assertThat(Math.abs(actual[i] * factor - expected[i])).isLessThanOrEqualTo(tolerance);
    }
  }
}
