package dev.octet.torch.quant;

import static dev.octet.torch.quant.GoldenTensors.backward;
import static dev.octet.torch.quant.GoldenTensors.gradient;
import static dev.octet.torch.quant.GoldenTensors.leaf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.core.affine.Affine;
import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.CalibrationException;
import dev.octet.core.range.Range;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.ModuleException;
import dev.octet.torch.quant.QuantizerConfig.Learned;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class TensorQuantizerTest {
  private static final float[] X = {-2, -0.51f, -0.001f, 0, 0.3f, 0.97f, 1.5f, 3};

  private static Tensor x() {
    return Tensors.of(X.clone(), 2, 4);
  }

  private static TensorQuantizer int8() {
    return new TensorQuantizer(QuantDescriptor.int8Activation());
  }

  // --- Stages ----------------------------------------------------------------------------------

  @Test
  void quantizesWithTheRangeOfEachTensorUntilOneIsKnown() {
    try (TensorQuantizer quantizer = int8();
        Scope scope = Scope.open()) {
      assertThat(quantizer.hasRange()).isFalse();
      float[] dynamic = Tensors.toFloats(quantizer.call(x()));
      assertThat(dynamic[7]).isEqualTo(3);
      assertThat(dynamic[4]).isCloseTo(0.3f, within(1.5f / 127));
      quantizer.amax(1);
      assertThat(Tensors.toFloats(quantizer.call(x()))[7]).isEqualTo(1);
      assertThat(Tensors.toFloats(quantizer.call(x()))[0]).isEqualTo(-128 * (1 / 127f));
      quantizer.amax(2);
      assertThat(Tensors.toFloats(quantizer.call(x()))[7]).isEqualTo(2);
      quantizer.clearRange();
      assertThat(Tensors.toFloats(quantizer.call(x()))).isEqualTo(dynamic);
    }
  }

  @Test
  void goesThroughItsStages() {
    try (TensorQuantizer quantizer = int8();
        Scope scope = Scope.open()) {
      Tensor x = x();
      quantizer.disable();
      assertThat(quantizer.isEnabled()).isFalse();
      assertThat(Tensors.toFloats(quantizer.call(x))).isEqualTo(X);
      quantizer.enable();
      quantizer.disableQuant();
      quantizer.enableCalib();
      assertThat(Tensors.toFloats(quantizer.call(x))).isEqualTo(X);
      quantizer.loadCalibAmax();
      assertThat(quantizer.ranges()).containsExactly(Range.symmetric(3));
      assertThat(Tensors.shape(quantizer.amax())).isEmpty();
      quantizer.disableCalib();
      quantizer.enableQuant();
      assertThat(quantizer.isQuant()).isTrue();
      assertThat(quantizer.isCalib()).isFalse();
      assertThat(Tensors.toFloats(quantizer.call(x))[1]).isEqualTo(-22 * (3 / 127f));
      quantizer.scaleAmax(0.5f);
      for (int i = 0; i < 2; i++) {
        assertThat(Tensors.toFloats(quantizer.call(x))[7]).isEqualTo(1.5f);
      }
      assertThat(quantizer.ranges()).containsExactly(Range.symmetric(3));
      assertThat(quantizer.stepSize()).containsExactly(3 / 127f);
    }
  }

  @Test
  void aRangeThatIsChangedInPlaceIsUsed() {
    try (TensorQuantizer quantizer = int8();
        Scope scope = Scope.open()) {
      quantizer.amax(1);
      assertThat(Tensors.toFloats(quantizer.call(x()))[7]).isEqualTo(1);
      quantizer.loadStateDict(Map.of("_amax", Tensors.scalar(2)), true);
      assertThat(Tensors.toFloats(quantizer.call(x()))[7]).isEqualTo(2);
      quantizer.amax().fill_(Tensors.scalar(0.5f));
      assertThat(Tensors.toFloats(quantizer.call(x()))[7]).isEqualTo(0.5f);
    }
  }

  @Test
  void multipliesFirstAlsoWhenDisabled() {
    try (TensorQuantizer quantizer = int8();
        Scope scope = Scope.open()) {
      quantizer.preQuantScale(Tensors.of(new float[] {1, 2, 3, 4}, 4));
      quantizer.disable();
      assertThat(Tensors.toFloats(quantizer.call(x()))[7]).isEqualTo(12);
      quantizer.preQuantScale(null);
      assertThat(quantizer.stateDict()).isEmpty();
      assertThat(Tensors.toFloats(quantizer.call(x()))[7]).isEqualTo(3);
    }
  }

  @Test
  void severalMethodsCanBeTriedOnWhatWasCollectedOnce() {
    QuantDescriptor descriptor =
        QuantDescriptor.builder().method(new RangeMethod.Entropy()).build();
    try (TensorQuantizer quantizer = new TensorQuantizer(descriptor);
        Scope scope = Scope.open()) {
      quantizer.disableQuant();
      quantizer.enableCalib();
      float[] values = new float[20000];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) Math.sin(i) * (i % 100 == 0 ? 4 : 1);
      }
      quantizer.call(Tensors.of(values, values.length));
      quantizer.loadCalibAmax(new RangeMethod.MinMax());
      float max = quantizer.ranges().get(0).amax();
      quantizer.loadCalibAmax(new RangeMethod.Percentile(99));
      float percentile = quantizer.ranges().get(0).amax();
      quantizer.loadCalibAmax();
      float entropy = quantizer.ranges().get(0).amax();
      assertThat(max).isGreaterThan(3.9f);
      assertThat(percentile).isBetween(0.9f, 2.5f);
      assertThat(entropy).isBetween(0.9f, max);
      quantizer.calibrator().reset();
      assertThatThrownBy(quantizer::loadCalibAmax).isInstanceOf(CalibrationException.class);
    }
  }

  // --- Granularity and arithmetic --------------------------------------------------------------

  @ParameterizedTest
  @ValueSource(ints = {0, 1, -1, -2})
  void axesKeepTheirOwnRanges(int axis) {
    QuantDescriptor descriptor =
        QuantDescriptor.builder().narrow(true).granularity(Granularity.perAxis(axis)).build();
    checkAgainstCore(descriptor, new int[] {2, 4});
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 7})
  void blocksKeepTheirOwnRanges(int size) {
    checkAgainstCore(
        QuantDescriptor.builder().bits(4).granularity(Granularity.perBlock(-1, size)).build(),
        new int[] {2, 4});
    checkAgainstCore(
        QuantDescriptor.builder().bits(4).granularity(Granularity.perBlock(1, size)).build(),
        new int[] {2, 4, 1});
    checkAgainstCore(
        QuantDescriptor.builder().bits(4).granularity(Granularity.perBlock(0, size)).build(),
        new int[] {4, 2});
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 5, 8, 12, 16})
  void affineIntegersHoldOneSidedRanges(int bits) {
    for (boolean signed : new boolean[] {true, false}) {
      QuantDescriptor.Builder affine =
          QuantDescriptor.builder().bits(bits).signed(signed).symmetric(false);
      checkAgainstCore(affine.build(), new int[] {8});
      checkAgainstCore(affine.granularity(Granularity.perAxis(0)).build(), new int[] {2, 4});
    }
  }

  /** Dynamic and fixed ranges, with and without gradient: bit for bit octet-core's numbers. */
  private static void checkAgainstCore(QuantDescriptor descriptor, int[] shape) {
    long[] sizes = Arrays.stream(shape).asLongStream().toArray();
    for (Arithmetic arithmetic : new Arithmetic[] {Arithmetic.ONNX, Arithmetic.LIBTORCH_2_10}) {
      QuantizerConfig config = QuantizerConfig.builder(descriptor).arithmetic(arithmetic).build();
      try (TensorQuantizer quantizer = new TensorQuantizer(config);
          Scope scope = Scope.open()) {
        float[] values = X.clone();
        Tensor x = leaf(Tensors.of(values, sizes));
        List<Range> ranges = dev.octet.core.range.WeightRanges.find(values, shape, descriptor);
        QuantParams params = QuantParams.of(descriptor, ranges);
        float[] expected = Affine.fakeQuantize(values, shape, params, arithmetic);
        assertThat(unsignedZeros(quantizer.call(x))).containsExactly(unsignedZeros(expected));
        List<Range> half = ranges.stream().map(r -> new Range(r.min() / 2, r.max() / 2)).toList();
        QuantParams clipped = QuantParams.of(descriptor, half);
        quantizer.setRanges(half);
        float[] fixed = Affine.fakeQuantize(values, shape, clipped, arithmetic);
        Tensor y = quantizer.call(x);
        assertThat(unsignedZeros(y)).containsExactly(unsignedZeros(fixed));
        assertThat(unsignedZeros(quantizer.call(x.detach()))).containsExactly(unsignedZeros(fixed));
        backward(y, torch.ones_like(y));
        boolean[] mask = Affine.mask(values, shape, clipped, arithmetic);
        float[] gradient = gradient(x);
        for (int i = 0; i < mask.length; i++) {
          assertThat(gradient[i]).as("gradient %d", i).isEqualTo(mask[i] ? 1 : 0);
        }
        Tensor wide = leaf(x.detach().to(ScalarType.Double));
        Tensor z = quantizer.call(wide);
        assertThat(Tensors.type(z)).isEqualTo(ScalarType.Double);
        assertThat(unsignedZeros(z)).containsExactly(unsignedZeros(fixed));
        backward(z, torch.ones_like(z));
        assertThat(gradient(wide)).containsExactly(gradient);
      }
    }
  }

  private static float[] unsignedZeros(Tensor x) {
    return unsignedZeros(Tensors.toFloats(x));
  }

  /** A quantizer may leave a zero its sign; the runtime of a graph has none. */
  private static float[] unsignedZeros(float[] values) {
    float[] same = values.clone();
    for (int i = 0; i < same.length; i++) {
      same[i] += 0f;
    }
    return same;
  }

  @ParameterizedTest
  @EnumSource(
      value = ScalarType.class,
      names = {"Half", "BFloat16"})
  void sixteenBitsAreComputedInThirtyTwo(ScalarType type) {
    try (TensorQuantizer quantizer = int8();
        Scope scope = Scope.open()) {
      // A scale beyond the range of Half would make all zero, or infinite.
      quantizer.amax(1e-6f);
      Tensor x = leaf(Tensors.of(new float[] {9e-7f, 4e-7f, -1, 0}, 4).to(type).detach());
      Tensor y = quantizer.call(x);
      assertThat(Tensors.type(y)).isEqualTo(type);
      float[] values = Tensors.toFloats(x);
      float[] expected =
          Affine.fakeQuantize(
              values,
              new int[] {4},
              QuantParams.of(QuantDescriptor.int8Activation(), Range.symmetric(1e-6f)),
              Arithmetic.ONNX);
      float[] rounded = Tensors.toFloats(Tensors.of(expected, 4).to(type));
      assertThat(Tensors.toFloats(y)).containsExactly(rounded);
      assertThat(rounded[1]).isPositive();
      backward(y, torch.ones_like(y));
      assertThat(gradient(x)).containsExactly(1, 1, 0, 1);
    }
  }

  @Test
  void keepsNanAndCutsInfinities() {
    try (TensorQuantizer quantizer = int8();
        Scope scope = Scope.open()) {
      quantizer.amax(127);
      float inf = Float.POSITIVE_INFINITY;
      Tensor x = Tensors.of(new float[] {Float.NaN, inf, -inf, 5.4f}, 4);
      float[] expected = {Float.NaN, 127, -128, 5};
      assertThat(Tensors.toFloats(quantizer.call(x))).containsExactly(expected);
      assertThat(Tensors.toFloats(quantizer.call(leaf(x)))).containsExactly(expected);
      quantizer.clearRange();
      assertThatThrownBy(() -> quantizer.call(x))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("NaN or infinities");
    }
  }

  @Test
  void keepsChannelsLast() {
    try (TensorQuantizer quantizer = int8();
        Scope scope = Scope.open()) {
      quantizer.amax(1);
      Tensor x = torch.randn(2, 3, 4, 5).contiguous(torch.MemoryFormat.ChannelsLast);
      assertThat(quantizer.call(leaf(x)).is_contiguous(torch.MemoryFormat.ChannelsLast)).isTrue();
      assertThat(quantizer.call(x.detach()).is_contiguous(torch.MemoryFormat.ChannelsLast))
          .isTrue();
    }
  }

  @Test
  void allZeroAndEmptyTensorsStayAsTheyAre() {
    try (TensorQuantizer quantizer = int8();
        Scope scope = Scope.open()) {
      quantizer.enableCalib();
      assertThat(Tensors.toFloats(quantizer.call(Tensors.of(new float[3], 3))))
          .containsExactly(0, 0, 0);
      assertThat(Tensors.shape(quantizer.call(Tensors.of(new float[0], 0, 3))))
          .containsExactly(0, 3);
      quantizer.loadCalibAmax();
      assertThat(quantizer.ranges().get(0).amax()).isZero();
      assertThat(quantizer.calibrator().observed().get(0).allZero()).isTrue();
      assertThat(Tensors.toFloats(quantizer.call(Tensors.of(new float[3], 3))))
          .containsExactly(0, 0, 0);
    }
  }

  // --- Calibration -----------------------------------------------------------------------------

  @Test
  void calibratesChannelsOnHistogramsWhateverTheLayout() {
    QuantDescriptor descriptor =
        QuantDescriptor.builder()
            .granularity(Granularity.perAxis(1))
            .method(new RangeMethod.Mse())
            .build();
    Torch.seed(3);
    try (TensorQuantizer quantizer = new TensorQuantizer(descriptor);
        TensorQuantizer other = new TensorQuantizer(descriptor);
        Scope scope = Scope.open()) {
      Tensor x = torch.randn(4, 3, 5, 6);
      quantizer.enableCalib();
      quantizer.call(x);
      quantizer.loadCalibAmax();
      assertThat(Tensors.shape(quantizer.amax())).containsExactly(1, 3, 1, 1);
      other.enableCalib();
      other.call(x.contiguous(torch.MemoryFormat.ChannelsLast));
      other.loadCalibAmax();
      assertThat(other.ranges()).isEqualTo(quantizer.ranges());
    }
  }

  @Test
  void countsNanAndInfinitiesAndLeavesThemOut() {
    try (TensorQuantizer quantizer = int8();
        Scope scope = Scope.open()) {
      quantizer.disableQuant();
      quantizer.enableCalib();
      quantizer.call(Tensors.of(new float[] {1, Float.NaN, Float.NEGATIVE_INFINITY}, 3));
      quantizer.loadCalibAmax();
      assertThat(quantizer.ranges()).containsExactly(Range.symmetric(1));
      assertThat(quantizer.calibrator().observed().get(0).nan()).isEqualTo(1);
      assertThat(quantizer.calibrator().observed().get(0).infinite()).isEqualTo(1);
    }
  }

  @Test
  void whatWasCollectedDoesNotChangeTheRangeInUse() {
    try (TensorQuantizer quantizer = int8();
        Scope scope = Scope.open()) {
      quantizer.enableCalib();
      quantizer.call(Tensors.of(new float[] {1}, 1));
      quantizer.loadCalibAmax();
      quantizer.call(Tensors.of(new float[] {5}, 1));
      assertThat(quantizer.ranges()).containsExactly(Range.symmetric(1));
      quantizer.loadCalibAmax();
      assertThat(quantizer.ranges()).containsExactly(Range.symmetric(5));
    }
  }

  @Test
  void theOriginalsCalibratorCanBeChosen() {
    try (TensorQuantizer quantizer = int8();
        Scope scope = Scope.open()) {
      quantizer.calibrator(NvidiaCalibrator.histogram(8, false, 2048, false));
      quantizer.enableCalib();
      float[] values = new float[10000];
      for (int k = 0; k < values.length; k++) {
        values[k] = (float) (10 * Math.pow(k / 9999.0, 3));
      }
      quantizer.call(Tensors.of(values, 10000));
      quantizer.loadCalibAmax(new RangeMethod.Mse());
      assertThat(quantizer.ranges().get(0).amax()).isCloseTo(9.93408203f, within(1e-6f));
      assertThatThrownBy(() -> quantizer.loadCalibAmax(new RangeMethod.Octav()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("octav");
    }
  }

  // --- Learning --------------------------------------------------------------------------------

  @Test
  void learnsItsBounds() {
    try (TensorQuantizer quantizer = int8();
        Scope scope = Scope.open()) {
      quantizer.amax(1);
      quantizer.learnAmax();
      assertThat(quantizer.parameters().keySet())
          .containsExactly("clip.clip_value_min", "clip.clip_value_max");
      Tensor x = leaf(x());
      Tensor y = quantizer.call(x);
      assertThat(Tensors.toFloats(y)[7]).isEqualTo(1);
      backward(y, torch.ones_like(y));
      assertThat(gradient(x)).containsExactly(0, 1, 1, 1, 1, 1, 0, 0);
      assertThat(gradient(quantizer.parameters().get("clip.clip_value_max"))).containsExactly(2);
      assertThat(gradient(quantizer.parameters().get("clip.clip_value_min"))).containsExactly(1);
      quantizer.disableClip();
      assertThat(quantizer.parameters().get("clip.clip_value_max").requires_grad()).isFalse();
      assertThat(Tensors.toFloats(quantizer.call(x))[7]).isEqualTo(1);
    }
  }

  @Test
  void learnsAnAsymmetricRange() {
    QuantizerConfig config =
        QuantizerConfig.builder(
                QuantDescriptor.uint8Activation().toBuilder()
                    .fixedRange(new Range(-0.5f, 2))
                    .build())
            .learned(Learned.BOUNDS)
            .build();
    try (TensorQuantizer quantizer = new TensorQuantizer(config);
        Scope scope = Scope.open()) {
      Tensor x = leaf(x());
      Tensor y = quantizer.call(x);
      assertThat(Tensors.toFloats(y)[7]).isCloseTo(2, within(0.005f));
      assertThat(Tensors.toFloats(y)[0]).isCloseTo(-0.5f, within(0.005f));
      backward(y, torch.ones_like(y));
      assertThat(gradient(x)).containsExactly(0, 0, 1, 1, 1, 1, 1, 0);
    }
  }

  @Test
  void learnsItsScaleUntilTheErrorIsSmall() {
    Torch.seed(1);
    try (TensorQuantizer quantizer =
            new TensorQuantizer(QuantDescriptor.builder().bits(3).build());
        Scope scope = Scope.open()) {
      Tensor x = torch.randn(4096);
      quantizer.amax(x.abs().max());
      quantizer.learnScale();
      Tensor scale = quantizer.parameters().get("_scale");
      double before = 0;
      double after = 0;
      for (int step = 0; step < 200; step++) {
        try (Scope inner = Scope.open()) {
          Tensor y = quantizer.call(x);
          Tensor loss = torch.mse_loss(y, x);
          after = loss.item_double();
          before = step == 0 ? after : before;
          backward(loss);
          try (Torch.Switched noGrad = Torch.noGrad()) {
            scale.sub_(scale.grad().mul(new org.bytedeco.pytorch.Scalar(20.0)));
          }
          quantizer.zeroGrad();
        }
      }
      assertThat(after).isLessThan(0.75 * before);
      assertThat(quantizer.stepSize()[0]).isEqualTo(Tensors.toFloats(scale)[0]);
    }
  }

  @Test
  void learningAScaleNeedsARangeToStartFrom() {
    try (TensorQuantizer quantizer = int8()) {
      assertThatThrownBy(quantizer::learnScale)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("no range to start from");
    }
  }

  // --- State -----------------------------------------------------------------------------------

  @Test
  void aRestoredQuantizerIsTheSame() {
    List<QuantizerConfig> configs =
        List.of(
            QuantizerConfig.of(QuantDescriptor.int8Weight(0)),
            QuantizerConfig.builder(QuantDescriptor.uint8Activation()).scaleAmax(0.7f).build(),
            QuantizerConfig.builder(QuantDescriptor.builder().bits(5).name("a").build())
                .arithmetic(Arithmetic.PYTORCH_QUANTIZATION)
                .learned(Learned.BOUNDS)
                .build(),
            QuantizerConfig.builder(
                    QuantDescriptor.builder()
                        .bits(4)
                        .symmetric(false)
                        .granularity(Granularity.perAxis(1))
                        .method(new RangeMethod.Percentile(99.9))
                        .build())
                .learned(Learned.STEP)
                .build());
    for (QuantizerConfig config : configs) {
      try (TensorQuantizer saved = new TensorQuantizer(config);
          TensorQuantizer restored = int8();
          Scope scope = Scope.open()) {
        boolean quant = saved.isQuant();
        saved.disableQuant();
        saved.enableCalib();
        saved.call(x());
        saved.loadCalibAmax();
        saved.disableCalib();
        if (quant) {
          saved.enableQuant();
        }
        saved.preQuantScale(Tensors.of(new float[] {1, 0.5f, 2, 1}, 4));
        float[] expected = Tensors.toFloats(saved.call(x()));
        restored.loadExtraStates(saved.extraStates());
        restored.loadStateDict(saved.stateDict(), true);
        assertThat(restored.config()).isEqualTo(saved.config());
        assertThat(restored.toString()).isEqualTo(saved.toString());
        assertThat(Tensors.toFloats(restored.call(x()))).containsExactly(expected);
      }
    }
  }

  @Test
  void calibrationGoesOnAfterARestart() {
    QuantDescriptor descriptor =
        QuantDescriptor.builder().method(new RangeMethod.Entropy()).build();
    Torch.seed(5);
    try (TensorQuantizer whole = new TensorQuantizer(descriptor);
        TensorQuantizer first = new TensorQuantizer(descriptor);
        TensorQuantizer second = int8();
        Scope scope = Scope.open()) {
      Tensor a = torch.randn(1000);
      Tensor b = torch.randn(1000);
      whole.enableCalib();
      whole.call(a);
      whole.call(b);
      first.enableCalib();
      first.call(a);
      second.loadExtraStates(first.extraStates());
      second.call(b);
      whole.loadCalibAmax();
      second.loadCalibAmax();
      assertThat(second.ranges()).isEqualTo(whole.ranges());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{}",
        "{\"version\":2}",
        "{\"version\":1,\"library\":\"x\",\"descriptor\":{\"bits\":99}}",
        "{\"version\":\"1\"}"
      })
  void refusesAStateThatIsNone(String text) {
    try (TensorQuantizer quantizer = int8()) {
      assertThatThrownBy(() -> quantizer.loadExtraStates(Map.of("", text)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(quantizer.config())
          .isEqualTo(QuantizerConfig.of(QuantDescriptor.int8Activation()));
    }
  }

  @Test
  void stateOfTheOriginalLoads() {
    try (TensorQuantizer quantizer = new TensorQuantizer(QuantDescriptor.int8Weight(0));
        Scope scope = Scope.open()) {
      quantizer.loadStateDict(Map.of("_amax", Tensors.of(new float[] {1, 2}, 2, 1)), true);
      assertThat(Tensors.toFloats(quantizer.call(x()))[7]).isEqualTo(2);
      assertThat(Tensors.toFloats(quantizer.call(x()))[0]).isEqualTo(-1);
    }
  }

  // --- Text and misuse -------------------------------------------------------------------------

  @Test
  void describesItselfAsTheOriginal() {
    try (TensorQuantizer quantizer = int8();
        TensorQuantizer weight = new TensorQuantizer(QuantDescriptor.int8Weight(0));
        Scope scope = Scope.open()) {
      assertThat(quantizer)
          .hasToString(
              "TensorQuantizer(8bit fake per-tensor amax=dynamic calibrator=MaxCalibrator quant)");
      quantizer.amax(2.1f);
      quantizer.scaleAmax(0.5f);
      quantizer.enableCalib();
      assertThat(quantizer)
          .hasToString(
              "TensorQuantizer(8bit fake per-tensor amax=2.1000*0.5 calibrator=MaxCalibrator quant"
                  + " calib)");
      quantizer.disable();
      assertThat(quantizer).hasToString("TensorQuantizer(disabled)");
      weight.setRanges(List.of(Range.symmetric(1), Range.symmetric(2)), new long[] {2, 1});
      assertThat(weight.toString()).contains("8bit narrow fake axis=0 amax=[1.0000, 2.0000](2)");
    }
  }

  @Test
  void refusesRangesThatDoNotFit() {
    try (TensorQuantizer quantizer = new TensorQuantizer(QuantDescriptor.int8Weight(0));
        Scope scope = Scope.open()) {
      quantizer.amax(Tensors.of(new float[] {1, 2, 3}, 3, 1));
      assertThatThrownBy(() -> quantizer.call(x()))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("needs 2 ranges");
      assertThatThrownBy(() -> quantizer.amax(Tensors.of(new float[] {1, 2}, 2, 1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("does not fit");
      quantizer.amax(5);
      assertThat(quantizer.ranges()).hasSize(3).allMatch(range -> range.max() == 5);
      assertThatThrownBy(() -> quantizer.amax(-1)).hasMessageContaining("amax is -1.0");
      assertThatThrownBy(() -> quantizer.amax(Float.NaN)).hasMessageContaining("amax is NaN");
      assertThatThrownBy(() -> quantizer.call(Tensors.scalar(1)))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("no axis 0");
      assertThatThrownBy(() -> quantizer.call(Tensors.of(new long[] {1, 2}, 2)))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("cannot be quantized");
    }
  }

  @Test
  void refusesWhatIsNotThere() {
    TensorQuantizer quantizer = int8();
    assertThatThrownBy(quantizer::loadCalibAmax)
        .isInstanceOf(CalibrationException.class)
        .hasMessageContaining("calibrated on nothing");
    assertThatThrownBy(quantizer::enableClip)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("learned bounds");
    assertThatThrownBy(quantizer::stepSize)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("dynamic");
    assertThatThrownBy(quantizer::scale).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> quantizer.scaleAmax(0)).isInstanceOf(IllegalArgumentException.class);
    quantizer.close();
    try (Scope scope = Scope.open()) {
      assertThatThrownBy(() -> quantizer.call(x()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
    }
  }
}
