package dev.octet.workflows.pytorch.observer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.core.range.CalibrationException;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.ModuleException;
import dev.octet.torch.nn.Sequential;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class ObserverTest {
  private static final ObserverSettings QUINT8 = ObserverSettings.builder().build();

  private static void see(Module observer, float... values) {
    try (Scope scope = Scope.open()) {
      observer.call(Tensors.of(values, values.length));
    }
  }

  static Stream<Supplier<Object>> refused() {
    return Stream.of(
        () -> ObserverSettings.builder().range(1, 5).build(),
        () -> ObserverSettings.builder().range(0, 256).build(),
        () -> ObserverSettings.builder().range(5, 0).build(),
        () -> ObserverSettings.builder().eps(0).build(),
        () ->
            new ObserverSettings(
                QuantDtype.QINT8, QScheme.PER_TENSOR_AFFINE, false, 0, null, 1f, false),
        () -> new MinMaxObserver(QUINT8.toBuilder().dynamic(true).build()),
        () -> new MinMaxObserver(QUINT8.toBuilder().dtype(QuantDtype.FLOAT16).build()),
        () -> new MinMaxObserver(QUINT8.toBuilder().qscheme(QScheme.PER_CHANNEL_AFFINE).build()),
        () -> new PerChannelMinMaxObserver(QUINT8, 0),
        () ->
            new PerChannelMinMaxObserver(
                QUINT8.toBuilder().qscheme(QScheme.PER_CHANNEL_AFFINE).build(), -1),
        () -> new MovingAverageMinMaxObserver(QUINT8, 0),
        () -> new MovingAverageMinMaxObserver(QUINT8.toBuilder().dynamic(true).build(), 0.5),
        () -> new HistogramObserver(QUINT8, 0, 16),
        () -> new HistogramObserver(QUINT8.toBuilder().qscheme(QScheme.PER_CHANNEL_AFFINE).build()),
        () -> new FixedQParamsObserver(QUINT8, 0, 0),
        () -> new FixedQParamsObserver(QUINT8, 1, 256),
        () -> new FakeQuantize(new NoopObserver(QuantDtype.QUINT8)),
        () -> new LearnableFakeQuantize(new MinMaxObserver(QUINT8), -1, 0, 1, true),
        () -> new LearnableFakeQuantize(new MinMaxObserver(QUINT8), 1, 0, 4, true));
  }

  @ParameterizedTest
  @MethodSource("refused")
  void whatCannotBeIsRefused(Supplier<Object> make) {
    assertThatThrownBy(make::get).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void nanAndInfinitiesAreLeftOut() {
    for (ObserverBase each :
        List.of(
            new MinMaxObserver(QUINT8),
            new HistogramObserver(QUINT8),
            new MovingAverageMinMaxObserver(QUINT8, 0.5))) {
      try (ObserverBase observer = each) {
        see(observer, Float.NaN, Float.POSITIVE_INFINITY);
        assertThat(observer.isObserved()).isFalse();
        see(observer, -1, Float.NaN, 1, Float.NEGATIVE_INFINITY);
        assertThat(observer.isObserved()).isTrue();
        assertThat(observer.calculateQParams().scales()[0]).isBetween(2 / 256f, 2 / 255f);
      }
    }
  }

  @Test
  void aChannelWithoutValuesIsAnError() {
    ObserverSettings settings = QUINT8.toBuilder().qscheme(QScheme.PER_CHANNEL_AFFINE).build();
    try (PerChannelMinMaxObserver observer = new PerChannelMinMaxObserver(settings, 0);
        PerChannelMinMaxObserver loaded = new PerChannelMinMaxObserver(settings, 0);
        Scope scope = Scope.open()) {
      observer.call(Tensors.of(new float[] {1, 2, 3, 4}, 2, 2));
      assertThatThrownBy(() -> observer.call(Tensors.of(new float[] {1, 2, 3}, 3, 1)))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("2");
      Map<String, Tensor> state = new LinkedHashMap<>(observer.stateDict());
      state.put("min_val", Tensors.of(new float[] {1, Float.NaN}, 2));
      loaded.loadStateDict(state, true);
      assertThat(loaded.isObserved()).isFalse();
      assertThatThrownBy(loaded::calculateQParams).isInstanceOf(CalibrationException.class);
    }
  }

  @Test
  void resettingForgets() {
    try (MinMaxObserver observer = new MinMaxObserver(QUINT8)) {
      see(observer, -5, 5);
      observer.reset();
      assertThat(observer.isObserved()).isFalse();
      see(observer, 0, 1);
      assertThat(observer.calculateQParams().scales()[0]).isEqualTo(1 / 255f);
    }
  }

  @Test
  void someKindsHaveNoParameters() {
    for (ObserverBase each :
        List.of(
            new PlaceholderObserver(QUINT8),
            new NoopObserver(QuantDtype.FLOAT16),
            new ReuseInputObserver(),
            new RecordingObserver(QuantDtype.QUINT8))) {
      try (ObserverBase observer = each) {
        see(observer, 1, 2);
        assertThatThrownBy(observer::calculateQParams)
            .isInstanceOf(UnsupportedOperationException.class)
            .hasMessageContaining(observer.getClass().getSimpleName());
      }
    }
  }

  @Test
  void recordingKeepsCopies() {
    try (RecordingObserver observer = new RecordingObserver(QuantDtype.QUINT8)) {
      see(observer, 1, 2);
      see(observer, 3);
      assertThat(observer.tensorVal()).hasSize(2);
      assertThat(Tensors.toFloats(observer.tensorVal().get(0))).containsExactly(1, 2);
    }
  }

  @Test
  void aWholeModelIsSwitched() {
    FakeQuantize inner = new FakeQuantize(new MovingAverageMinMaxObserver(QUINT8, 0.01));
    try (Module model = new Sequential(Linear.builder(2, 2).build(), new Sequential(inner))) {
      FakeQuantizeBase.disableObserver(model);
      FakeQuantizeBase.disableFakeQuant(model);
      assertThat(inner.isObserverEnabled()).isFalse();
      assertThat(inner.isFakeQuantEnabled()).isFalse();
      try (Scope scope = Scope.open()) {
        Tensor x = Tensors.of(new float[] {0.123f, 2}, 1, 2);
        model.call(x);
      }
      assertThat(inner.isObserved()).isFalse();
      FakeQuantizeBase.enableObserver(model);
      FakeQuantizeBase.enableFakeQuant(model);
      assertThat(inner.isObserverEnabled()).isTrue();
      assertThat(inner.isFakeQuantEnabled()).isTrue();
    }
  }

  @Test
  void scalesSetByHandStayWhileTheObserverIsOff() {
    try (FakeQuantize module = new FakeQuantize(new MinMaxObserver(QUINT8))) {
      see(module, -1, 1);
      float learned = Tensors.toFloats(module.scale())[0];
      assertThat(learned).isEqualTo(2 / 255f);
      module.enableObserver(false);
      see(module, -100, 100);
      assertThat(Tensors.toFloats(module.scale())[0]).isEqualTo(learned);
    }
  }

  @Test
  void channelsThatWereNotObservedAreNotRounded() {
    try (Scope scope = Scope.open();
        Module fake = ReadyMade.DEFAULT_PER_CHANNEL_WEIGHT_FAKE_QUANT.create()) {
      FakeQuantizeBase.disableObserver(fake);
      Tensor weight = Tensors.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
      assertThatThrownBy(() -> fake.call(weight))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("1 scales for 3 channels")
          .hasMessageContaining("enableObserver");
      FakeQuantizeBase.enableObserver(fake);
      assertThat(Tensors.toFloats(fake.call(weight))[5]).isCloseTo(6, within(0.1f));
    }
  }

  @Test
  void theFusedRuleDiffersFromTheConvertedOne() {
    // Reference, section 8.1: PyTorch trains with max(|min|/128, |max|/127), converts by /127.5.
    ObserverSettings weight =
        ObserverSettings.builder()
            .dtype(QuantDtype.QINT8)
            .qscheme(QScheme.PER_TENSOR_SYMMETRIC)
            .build();
    try (FusedMovingAvgObsFakeQuantize module =
        new FusedMovingAvgObsFakeQuantize(new MovingAverageMinMaxObserver(weight, 1))) {
      see(module, -0.5f, 1);
      assertThat(Tensors.toFloats(module.scale())[0]).isEqualTo(1 / 127f);
      assertThat(module.calculateQParams().scales()[0]).isEqualTo(1 / 127.5f);
    }
  }

  @Test
  void learningStartsFromWhatTheObserverSaw() {
    try (LearnableFakeQuantize module =
        new LearnableFakeQuantize(new MinMaxObserver(QUINT8), 1, 0, 1, true)) {
      see(module, -1, 1);
      assertThat(Tensors.toFloats(module.scale())[0]).isEqualTo(2 / 255f);
      assertThat(module.scale().requires_grad()).isFalse();
      module.enableParamLearning();
      assertThat(module.scale().requires_grad()).isTrue();
      see(module, -100, 100);
      assertThat(module.calculateQParams().scales()[0]).isEqualTo(2 / 255f);
      module.enableStaticObservation();
      assertThat(module.isFakeQuantEnabled()).isFalse();
    }
  }

  @Test
  void stateOfAPerChannelModuleComesBack() {
    ObserverSettings weight =
        ObserverSettings.builder()
            .dtype(QuantDtype.QINT8)
            .qscheme(QScheme.PER_CHANNEL_SYMMETRIC)
            .build();
    for (boolean fused : new boolean[] {false, true}) {
      Supplier<FakeQuantizeBase> make =
          () ->
              fused
                  ? new FusedMovingAvgObsFakeQuantize(
                      new MovingAveragePerChannelMinMaxObserver(weight, 0.01, 0))
                  : new FakeQuantize(new MovingAveragePerChannelMinMaxObserver(weight, 0.01, 0));
      try (FakeQuantizeBase first = make.get();
          FakeQuantizeBase second = make.get();
          Scope scope = Scope.open()) {
        first.call(Tensors.of(new float[] {1, 2, -3, 4, 5, 6}, 3, 2));
        assertThat(first.stateDict().keySet())
            .contains(
                "scale",
                "zero_point",
                "fake_quant_enabled",
                "observer_enabled",
                "activation_post_process.min_val",
                "activation_post_process.max_val");
        second.loadStateDict(first.stateDict(), true);
        assertThat(second.calculateQParams()).isEqualTo(first.calculateQParams());
        Tensor x = Tensors.of(new float[] {7, 2, -3, 4, 5, 1}, 3, 2);
        assertThat(Tensors.toFloats(second.call(x))).isEqualTo(Tensors.toFloats(first.call(x)));
      }
    }
  }
}
