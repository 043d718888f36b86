package dev.octet.torch.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.CalibrationException;
import dev.octet.core.range.Range;
import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The original's calibrators on tensors, against nvidia-calibrators.json. What is asked of them
 * beyond a quantizer's methods (strides, other first bins, numpy's counting, shapes of weights) is
 * compared where the arithmetic is, in octet-core.
 */
final class CalibratorGoldenTest {
  private static final String TOPIC = "nvidia-calibrators";

  static Stream<Golden> maxCases() {
    return Golden.cases(TOPIC, name -> name.startsWith("max_"));
  }

  static Stream<Golden> histogramCases() {
    return Golden.cases(
        TOPIC, name -> name.matches("random_sparse.*torch|signed_wave.*|cube_ramp.*|half_grid.*"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("maxCases")
  void maximaAgree(Golden golden) {
    int[] axes = {};
    if (golden.params().has("axis")) {
      axes =
          golden.name().matches(".*\\(.*")
              ? golden.params().texts("axis").stream().mapToInt(Integer::parseInt).toArray()
              : new int[] {golden.params().integer("axis")};
    }
    NvidiaCalibrator calibrator = NvidiaCalibrator.max(axes);
    RangeMethod max = new RangeMethod.MinMax();
    List<GoldenArray> batches = golden.inputs().arrays("batches");
    try (Scope scope = Scope.open()) {
      if (golden.expected().has("error")) {
        assertThat(golden.expected().text("error")).contains("shape changed");
        calibrator.collect(GoldenTensors.of(batches.get(0)));
        assertThatThrownBy(
                () -> batches.forEach(each -> calibrator.collect(GoldenTensors.of(each))))
            .isInstanceOf(IllegalArgumentException.class);
        return;
      }
      if (batches.isEmpty()) {
        golden.expected().leave("amax");
        assertThatThrownBy(() -> calibrator.ranges(max))
            .isInstanceOf(CalibrationException.class)
            .hasMessageContaining("given nothing");
        return;
      }
      List<GoldenArray> after = golden.expected().arrays("amax_after_each_batch");
      for (int i = 0; i < batches.size(); i++) {
        calibrator.collect(GoldenTensors.of(batches.get(i)));
        assertThat(amax(calibrator.ranges(max))).isEqualTo(after.get(i).floats());
      }
      GoldenArray last = golden.expected().array("amax");
      assertThat(amax(calibrator.ranges(max))).isEqualTo(last.floats());
      assertThat(calibrator.shape()).hasSize(last.shape().length);
      for (int i = 0; i < last.shape().length; i++) {
        assertThat(calibrator.shape()[i]).isEqualTo(last.shape()[i]);
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("histogramCases")
  void histogramsGiveTheSameRanges(Golden golden) {
    Fields params = golden.params();
    NvidiaCalibrator calibrator =
        NvidiaCalibrator.histogram(
            params.integer("num_bits"),
            params.flag("unsigned"),
            params.integer("num_bins"),
            params.flag("skip_zeros"));
    try (Scope scope = Scope.open()) {
      for (Fields batch : golden.inputs().objects("batches")) {
        calibrator.collect(batch(batch));
      }
    }
    int compared = 0;
    for (Fields question : golden.expected().objects("amax")) {
      RangeMethod method = method(question);
      if (method == null) {
        question.leave(question.names().toArray(String[]::new));
        continue;
      }
      float expected = question.number("amax");
      assertThat(amax(calibrator.ranges(method))[0])
          .isBetween(expected - Math.ulp(expected), expected + Math.ulp(expected));
      compared++;
    }
    assertThat(compared).isPositive();
    golden
        .expected()
        .leave(
            golden.expected().names().stream()
                .filter(name -> !name.equals("amax"))
                .toArray(String[]::new));
  }

  static Stream<Golden> refusedCases() {
    return Golden.cases(TOPIC, name -> name.equals("histogram_axis_refused"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refusedCases")
  void countsByChannelWhatTheOriginalCannot(Golden golden) {
    assertThat(golden.expected().text("error")).contains("only supports per tensor");
    RangeCalibrator calibrator =
        new RangeCalibrator(
            QuantDescriptor.builder()
                .granularity(Granularity.perAxis(golden.params().texts("axis").size() - 1))
                .method(new RangeMethod.Entropy())
                .build());
    float[] values = new float[2 * 4096];
    for (int i = 0; i < 4096; i++) {
      values[i] = (float) Math.sin(i);
      values[4096 + i] = 100 * values[i];
    }
    try (Scope scope = Scope.open()) {
      calibrator.collect(Tensors.of(values, 2, 4096));
    }
    float[] amax = amax(calibrator.ranges(new RangeMethod.Entropy()));
    assertThat(amax).hasSize(2);
    assertThat(amax[0]).isBetween(0.5f, 1f);
    assertThat(amax[1] / amax[0]).isBetween(95f, 105f);
  }

  /** The method that is asked for; null where a quantizer cannot ask. */
  private static @Nullable RangeMethod method(Fields question) {
    if (question.names().contains("stride") || question.names().contains("start_bin")) {
      return null;
    }
    return switch (question.text("method")) {
      case "entropy" -> new RangeMethod.Entropy();
      case "mse" -> new RangeMethod.Mse();
      case "percentile" ->
          question.real("percentile") > 50
              ? new RangeMethod.Percentile(question.real("percentile"))
              : null;
      default -> null;
    };
  }

  private static float[] amax(List<Range> ranges) {
    float[] amax = new float[ranges.size()];
    for (int i = 0; i < amax.length; i++) {
      amax[i] = ranges.get(i).amax();
    }
    return amax;
  }

  /** The formulas of the file's notes. */
  private static Tensor batch(Fields batch) {
    if (!batch.names().contains("formula")) {
      return values(batch);
    }
    int n = batch.integer("n");
    float[] values = new float[n];
    for (int k = 0; k < n; k++) {
      values[k] =
          (float)
              switch (batch.text("formula")) {
                case "cube_ramp" -> batch.real("scale") * Math.pow((double) k / (n - 1), 3);
                case "half_grid" -> k + 0.5;
                case "signed_wave" ->
                    batch.real("scale")
                        * Math.sin(batch.real("a") * k)
                        * Math.exp(-k / batch.real("b"));
                default -> throw new IllegalStateException(batch.text("formula"));
              };
    }
    return Tensors.of(values, n);
  }

  private static Tensor values(Fields batch) {
    List<String> texts = batch.texts("data");
    float[] values = new float[texts.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.parseFloat(texts.get(i));
    }
    return Tensors.of(values, values.length);
  }
}
