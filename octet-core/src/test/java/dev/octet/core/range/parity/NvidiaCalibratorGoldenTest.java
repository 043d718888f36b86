package dev.octet.core.range.parity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.octet.core.range.PeerCase;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Against pytorch-quantization 2.2.1, nvidia-calibrators.json: counts exact, amax to 1 ulp. The
 * case histogram_axis_refused has no counterpart: this type has no axis to give, and octet-torch's
 * CalibratorGoldenTest shows that ranges by channel work. Questions for an unknown method have none
 * either: ours are methods of the type.
 */
class NvidiaCalibratorGoldenTest {

  static List<PeerCase> maxCases() {
    return load("max_");
  }

  static List<PeerCase> weightCases() {
    return load("calibrate_weights_");
  }

  static List<PeerCase> histogramCases() {
    return PeerCase.load(
        "nvidia-calibrators.json",
        name ->
            !name.startsWith("max_")
                && !name.startsWith("calibrate_weights_")
                && !name.equals("histogram_axis_refused"));
  }

  private static List<PeerCase> load(String prefix) {
    return PeerCase.load("nvidia-calibrators.json", name -> name.startsWith(prefix));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("maxCases")
  void maximaAgreeAfterEachBatch(PeerCase golden) {
    List<Integer> axes = new ArrayList<>();
    JsonNode axis = golden.params().get("axis");
    if (axis.isInt()) {
      axes.add(axis.asInt());
    }
    axis.forEach(each -> axes.add(each.asInt()));
    NvidiaMaxCalibrator calibrator =
        new NvidiaMaxCalibrator(axes.stream().mapToInt(i -> i).toArray());
    if (golden.expected().has("error")) {
      assertThatThrownBy(() -> collect(calibrator, golden))
          .isInstanceOf(IllegalArgumentException.class);
      return;
    }
    int batch = 0;
    for (JsonNode values : golden.batches()) {
      calibrator.collect(PeerCase.floats(values), PeerCase.shape(values));
      JsonNode expected = golden.expected().get("amax_after_each_batch").get(batch++);
      assertThat(calibrator.amax()).isEqualTo(PeerCase.floats(expected));
    }
    if (golden.expected().get("amax").isNull()) {
      assertThat(calibrator.amax()).isEmpty();
    }
  }

  private static void collect(NvidiaMaxCalibrator calibrator, PeerCase golden) {
    for (JsonNode values : golden.batches()) {
      calibrator.collect(PeerCase.floats(values), PeerCase.shape(values));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("weightCases")
  void weightRangesAgree(PeerCase golden) {
    JsonNode weight = golden.inputs().get("weight");
    float[] weights = PeerCase.floats(weight);
    int[] shape = PeerCase.shape(weight);
    int axis = golden.name().contains("convT") ? 1 : 0;
    int bins = golden.params().get("num_bins").asInt();
    double percent = golden.params().get("percentile").asDouble();
    boolean channels = golden.params().get("perchannel").asBoolean();
    float[] amax =
        switch (golden.params().get("method").asText()) {
          case "max" -> NvidiaWeightCalibration.max(weights, shape, axis);
          case "mse" ->
              channels
                  ? NvidiaWeightCalibration.mse(weights, shape, axis, bins)
                  : new float[] {NvidiaWeightCalibration.mse(weights, 2048)};
          default ->
              channels
                  ? NvidiaWeightCalibration.percentile(weights, shape, axis, percent, bins)
                  : new float[] {NvidiaWeightCalibration.percentile(weights, percent, 2048)};
        };
    float[] expected = PeerCase.floats(golden.expected().get("amax"));
    assertThat(amax).hasSameSizeAs(expected);
    for (int i = 0; i < amax.length; i++) {
      assertThat(amax[i]).isCloseTo(expected[i], within(Math.ulp(expected[i])));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("histogramCases")
  void histogramsAndTheirRangesAgree(PeerCase golden) {
    JsonNode params = golden.params();
    boolean torch = params.get("torch_hist").asBoolean();
    NvidiaHistogramCalibrator calibrator =
        new NvidiaHistogramCalibrator(
            params.get("num_bits").asInt(),
            params.get("unsigned").asBoolean(),
            params.get("num_bins").asInt(),
            params.get("skip_zeros").asBoolean(),
            torch ? NvidiaHistogramCalibrator.Path.TORCH : NvidiaHistogramCalibrator.Path.NUMPY);
    golden.batches().forEach(batch -> calibrator.collect(values(batch)));

    JsonNode expected = golden.expected();
    // numpy.arange adds up a rounded step; how it rounds differs between its builds, by up to 4e-6
    // of the edge after a thousand steps. torch.arange is held to the last bit.
    float[] edges = calibrator.edges();
    double relative = torch ? 0 : 5e-6;
    assertThat(calibrator.bins()).isEqualTo(expected.get("num_bins").asInt());
    assertThat(edges).hasSize(expected.get("num_edges").asInt());
    assertThat(edges[1]).isEqualTo(PeerCase.number(expected.get("edge_second")));
    assertAmax(edges[edges.length - 1], PeerCase.number(expected.get("edge_last")), relative);
    if (expected.has("hist_nonzero")) {
      long[] counts = new long[calibrator.bins()];
      expected.get("hist_nonzero").forEach(bin -> counts[bin.get(0).asInt()] = bin.get(1).asLong());
      assertThat(calibrator.counts()).isEqualTo(counts);
    }
    for (JsonNode question : expected.get("amax")) {
      if (question.has("error")) {
        if (!question.get("method").asText().equals("unknown")) {
          assertThatThrownBy(() -> amax(calibrator, question))
              .isInstanceOf(IllegalArgumentException.class);
        }
      } else {
        float answer = PeerCase.number(question.get("amax"));
        assertAmax(amax(calibrator, question), answer, relative);
      }
    }
  }

  private static void assertAmax(float actual, float expected, double relative) {
    double tolerance = Math.max(Math.ulp(expected), relative * expected);
    assertThat((double) Math.abs(actual - expected)).isLessThanOrEqualTo(tolerance);
  }

  private static float amax(NvidiaHistogramCalibrator calibrator, JsonNode question) {
    int stride = question.path("stride").asInt(1);
    int start = question.path("start_bin").asInt(128);
    return switch (question.get("method").asText()) {
      case "entropy" -> calibrator.entropyAmax(stride, start);
      case "mse" -> calibrator.mseAmax(stride, start);
      default -> calibrator.percentileAmax(question.get("percentile").asDouble());
    };
  }

  private static float[] values(JsonNode batch) {
    if (batch.has("data")) {
      return PeerCase.floats(batch);
    }
    int n = batch.get("n").asInt();
    float[] values = new float[n];
    Stream.iterate(0, k -> k < n, k -> k + 1).forEach(k -> values[k] = (float) formula(batch, k));
    return values;
  }

  /** The formulas of the file's notes. */
  private static double formula(JsonNode batch, int k) {
    int last = batch.get("n").asInt() - 1;
    return switch (batch.get("formula").asText()) {
      case "cube_ramp" -> batch.get("scale").asDouble() * Math.pow((double) k / last, 3);
      case "half_grid" -> k + 0.5;
      case "linspace" -> {
        double start = batch.get("start").asDouble();
        double stop = batch.get("stop").asDouble();
        yield k == last ? stop : start + k * ((stop - start) / last);
      }
      case "signed_wave" ->
          batch.get("scale").asDouble()
              * Math.sin(batch.get("a").asDouble() * k)
              * Math.exp(-k / batch.get("b").asDouble());
      case "outlier" -> batch.get(k == last ? "outlier" : "value").asDouble();
      default -> throw new IllegalStateException("formula of " + batch);
    };
  }
}
