package dev.octet.workflows.pytorch.observer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.core.range.Range;
import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Observers as modules against torch 2.13: every case of torch-observers.json. */
final class ObserverGoldenTest {
  static Stream<Golden> cases() {
    return Golden.cases("torch-observers");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void observesLikePyTorch(Golden golden) {
    if (golden.expected().has("error")) {
      assertThat(golden.expected().text("error")).contains("Cannot reduce range");
      assertThatThrownBy(() -> observer(golden.params()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("cannot be reduced");
      return;
    }
    boolean moving = golden.params().text("observer").startsWith("Moving");
    try (ObserverBase observer = observer(golden.params())) {
      List<GoldenArray> batches = golden.inputs().arrays("batches");
      boolean each = golden.expected().has("after_batch");
      List<Fields> after = each ? golden.expected().objects("after_batch") : List.of();
      for (int i = 0; i < batches.size(); i++) {
        observe(observer, batches.get(i));
        if (each) {
          assertState(observer, after.get(i), moving);
        }
      }
      if (golden.expected().has("min")) {
        assertState(observer, golden.expected(), moving);
      }
      assertHistogram(golden, observer);
      assertParameters(golden.expected(), observer.calculateQParams());
      assertThat(observer.isObserved()).isEqualTo(!golden.name().equals("MinMax_unobserved"));
      assertStateIsAll(golden.params(), observer);
    }
  }

  private static void observe(ObserverBase observer, GoldenArray batch) {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensors.of(batch.floats(), Arrays.stream(batch.shape()).asLongStream().toArray());
      Tensor y = observer.call(x);
      assertThat(Tensors.toFloats(y)).isEqualTo(batch.floats());
    }
  }

  private static void assertState(ObserverBase observer, Fields expected, boolean moving) {
    float[] min = expected.floats("min");
    float[] max = expected.floats("max");
    float[] ourMin = Tensors.toFloats(buffer(observer, "min_val"));
    float[] ourMax = Tensors.toFloats(buffer(observer, "max_val"));
    assertThat(ourMin).hasSameSizeAs(min);
    for (int i = 0; i < min.length; i++) {
      float ulps = moving ? 1 : 0;
      assertThat(ourMin[i]).isCloseTo(min[i], within(ulps * Math.ulp(min[i])));
      assertThat(ourMax[i]).isCloseTo(max[i], within(ulps * Math.ulp(max[i])));
    }
  }

  private static void assertHistogram(Golden golden, ObserverBase observer) {
    if (!(observer instanceof HistogramObserver histogram)) {
      return;
    }
    // Bin by bin they are compared where the histogram is, in octet-core.
    golden.expected().leave("hist_nonzero");
    try (Scope scope = Scope.open()) {
      double sum = 0;
      for (float count : Tensors.toFloats(buffer(observer, "histogram"))) {
        sum += count;
      }
      assertThat(sum).isCloseTo(golden.expected().real("hist_sum"), within(1e-3));
    }
    Range found = histogram.search();
    double min = golden.expected().real("search_min");
    double max = golden.expected().real("search_max");
    assertThat((double) found.min()).isCloseTo(min, within(1e-6 * Math.abs(min)));
    assertThat((double) found.max()).isCloseTo(max, within(1e-6 * Math.abs(max)));
  }

  private static void assertParameters(Fields expected, QParams params) {
    float[] scales = expected.floats("scale");
    assertThat(params.count()).isEqualTo(scales.length);
    for (int i = 0; i < scales.length; i++) {
      assertThat(params.scales()[i]).isCloseTo(scales[i], within(Math.ulp(scales[i])));
    }
    assertThat(params.zeroPoints()).isEqualTo(expected.array("zero_point").doubles());
  }

  /** A second observer that loads the state gives the same parameters. */
  private static void assertStateIsAll(Fields settings, ObserverBase observer) {
    try (ObserverBase second = observer(settings)) {
      assertThat(second.loadStateDict(observer.stateDict(), true).missing()).isEmpty();
      assertThat(second.calculateQParams()).isEqualTo(observer.calculateQParams());
    }
  }

  private static Tensor buffer(ObserverBase observer, String name) {
    Map<String, Tensor> buffers = observer.ownBuffers();
    Tensor found = buffers.get(name);
    assertThat(found).as(name).isNotNull();
    if (found == null) {
      throw new AssertionError(name);
    }
    return found;
  }

  private static ObserverBase observer(Fields params) {
    boolean perChannel = params.has("ch_axis");
    ObserverSettings.Builder settings = ObserverSettings.builder();
    if (params.has("dtype")) {
      settings.dtype(QuantDtype.valueOf(params.text("dtype").toUpperCase(Locale.ROOT)));
    }
    boolean symmetric = params.has("qscheme") && params.text("qscheme").contains("symmetric");
    if (perChannel) {
      settings.qscheme(symmetric ? QScheme.PER_CHANNEL_SYMMETRIC : QScheme.PER_CHANNEL_AFFINE);
    } else if (symmetric) {
      settings.qscheme(QScheme.PER_TENSOR_SYMMETRIC);
    }
    if (params.has("reduce_range")) {
      settings.reduceRange(params.flag("reduce_range"));
    }
    if (params.has("quant_min")) {
      settings.range(params.integer("quant_min"), params.integer("quant_max"));
    }
    if (params.has("eps")) {
      settings.eps(params.number("eps"));
    }
    ObserverSettings built = settings.build();
    return switch (params.text("observer")) {
      case "MinMaxObserver" -> new MinMaxObserver(built);
      case "PerChannelMinMaxObserver" ->
          new PerChannelMinMaxObserver(built, params.integer("ch_axis"));
      case "MovingAverageMinMaxObserver" ->
          new MovingAverageMinMaxObserver(built, params.real("averaging_constant"));
      case "MovingAveragePerChannelMinMaxObserver" ->
          new MovingAveragePerChannelMinMaxObserver(
              built, params.real("averaging_constant"), params.integer("ch_axis"));
      case "HistogramObserver" ->
          new HistogramObserver(
              built,
              params.has("bins") ? params.integer("bins") : HistogramObserver.BINS,
              params.has("upsample_rate")
                  ? params.integer("upsample_rate")
                  : HistogramObserver.UPSAMPLE_RATE);
      default -> throw new IllegalArgumentException(params.text("observer"));
    };
  }
}
