package dev.octet.core.range.parity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.PeerCase;
import dev.octet.core.range.Range;
import dev.octet.core.range.RangeCollector;
import dev.octet.core.range.RangeCollectors;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Against torch 2.13, torch-observers.json. Min-max and moving-average observers are our
 * collectors; only the histogram observer is a type of its own. MinMax_unobserved has no
 * counterpart (ours is an error), nor has PyTorch's refusal of reduce_range with symmetric quint8,
 * which is no range's business.
 */
class TorchObserverGoldenTest {

  static List<PeerCase> extremeCases() {
    return PeerCase.load(
        "torch-observers.json",
        name -> !name.startsWith("Histogram") && !name.equals("MinMax_unobserved"));
  }

  static List<PeerCase> histogramCases() {
    return PeerCase.load("torch-observers.json", name -> name.startsWith("Histogram"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("extremeCases")
  void extremesAgreeAfterEachBatch(PeerCase golden) {
    JsonNode expected = golden.expected();
    boolean moving = golden.params().get("observer").asText().startsWith("Moving");
    RangeCollector collector = collector(golden, moving);
    int seen = 0;
    for (JsonNode batch : golden.batches()) {
      collector.collect(PeerCase.floats(batch), PeerCase.shape(batch));
      if (expected.has("after_batch")) {
        assertRanges(collector.ranges(), expected.get("after_batch").get(seen++), moving);
      }
    }
    if (expected.has("min")) {
      assertRanges(collector.ranges(), expected, moving);
    }
    if (expected.has("scale")) {
      assertParameters(golden, collector.ranges());
    }
  }

  private static RangeCollector collector(PeerCase golden, boolean moving) {
    JsonNode axis = golden.params().path("ch_axis");
    Granularity granularity =
        axis.isInt() ? Granularity.perAxis(axis.asInt()) : Granularity.perTensor();
    int channels = axis.isInt() ? PeerCase.shape(golden.batches().get(0))[axis.asInt()] : 1;
    RangeMethod method =
        moving
            ? new RangeMethod.MovingAverage(golden.params().get("averaging_constant").asDouble())
            : new RangeMethod.MinMax();
    return RangeCollectors.create(
        "x", QuantDescriptor.builder().granularity(granularity).method(method).build(), channels);
  }

  private static void assertRanges(List<Range> ranges, JsonNode expected, boolean moving) {
    float[] min = PeerCase.floats(expected.get("min"));
    float[] max = PeerCase.floats(expected.get("max"));
    assertThat(ranges).hasSize(min.length);
    for (int i = 0; i < min.length; i++) {
      float ulps = moving ? 1 : 0;
      assertThat(ranges.get(i).min()).isCloseTo(min[i], within(ulps * Math.ulp(min[i])));
      assertThat(ranges.get(i).max()).isCloseTo(max[i], within(ulps * Math.ulp(max[i])));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("histogramCases")
  void histogramAndSearchAgree(PeerCase golden) {
    JsonNode expected = golden.expected();
    TorchHistogramObserver observer =
        new TorchHistogramObserver(
            golden.params().path("bins").asInt(2048),
            golden.params().path("upsample_rate").asInt(16),
            256);
    int seen = 0;
    for (JsonNode batch : golden.batches()) {
      observer.collect(PeerCase.floats(batch));
      assertRanges(List.of(observer.observed()), expected.get("after_batch").get(seen++), false);
    }
    if (!expected.get("hist_nonzero").isNull()) {
      float[] counts = new float[observer.histogram().length];
      expected
          .get("hist_nonzero")
          .forEach(bin -> counts[bin.get(0).asInt()] = PeerCase.number(bin.get(1)));
      double[] ours = observer.histogram();
      for (int i = 0; i < counts.length; i++) {
        assertThat((float) ours[i]).as("bin %d", i).isEqualTo(counts[i]);
      }
    }
    Range found = observer.search();
    double min = expected.get("search_min").asDouble();
    double max = expected.get("search_max").asDouble();
    assertThat((double) found.min()).isCloseTo(min, within(1e-6 * Math.abs(min)));
    assertThat((double) found.max()).isCloseTo(max, within(1e-6 * Math.abs(max)));
    assertParameters(golden, List.of(found));
  }

  private static void assertParameters(PeerCase golden, List<Range> ranges) {
    JsonNode params = golden.params();
    String dtype = params.path("dtype").asText("quint8");
    boolean symmetric = params.path("qscheme").asText("affine").contains("symmetric");
    int bits = dtype.equals("qint32") ? 32 : 8;
    boolean signed = dtype.startsWith("qint");
    int reduce = params.path("reduce_range").asBoolean() ? 1 : 0;
    long half = 1L << (bits - 1 - reduce);
    boolean own = params.has("quant_min");
    int qmin = own ? params.get("quant_min").asInt() : (int) (signed ? -half : 0);
    int qmax = own ? params.get("quant_max").asInt() : (int) (signed ? half - 1 : 2 * half - 1);
    float eps =
        params.has("eps") ? PeerCase.number(params.get("eps")) : TorchQuantizationParameters.EPS;
    float[] scales = PeerCase.floats(golden.expected().get("scale"));
    double[] zeroPoints = PeerCase.doubles(golden.expected().get("zero_point"));
    for (int i = 0; i < scales.length; i++) {
      int middle = signed ? 0 : own ? Math.floorDiv(qmin + qmax, 2) : 128;
      TorchQuantizationParameters ours =
          symmetric
              ? TorchQuantizationParameters.symmetric(ranges.get(i), qmin, qmax, middle, eps)
              : TorchQuantizationParameters.affine(ranges.get(i), qmin, qmax, eps);
      assertThat(ours.scale()).isCloseTo(scales[i], within(Math.ulp(scales[i])));
      assertThat((double) ours.zeroPoint()).isEqualTo(zeroPoints[i]);
    }
  }
}
