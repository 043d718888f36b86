package dev.octet.quantize.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.quantize.report.TensorReport.Role;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class ReportJsonProperties {
  @Property(tries = 200)
  void aReportSurvivesJsonUnchanged(@ForAll("reports") QuantizationReport report) {
    assertThat(QuantizationReport.fromJson(report.toJson())).isEqualTo(report);
  }

  @Provide
  Arbitrary<QuantizationReport> reports() {
    return Combinators.combine(
            runs(),
            layers().list().ofMaxSize(3),
            tensors().list().ofMaxSize(3),
            metrics().list().ofMaxSize(2),
            stages().list().ofMaxSize(2),
            Arbitraries.of(true, false))
        .as(
            (run, layers, tensors, metrics, stages, same) ->
                QuantizationReport.of(run)
                    .size(same ? new ModelSize(Long.MAX_VALUE, 0, 1) : null)
                    .data(same ? new DataUse(null, new DataUse.SampleSet("s", 1, 2), true) : null)
                    .layers(layers)
                    .tensors(tensors)
                    .metrics(metrics)
                    .stages(stages)
                    .build());
  }

  private static Arbitrary<RunInfo> runs() {
    return Combinators.combine(
            Arbitraries.strings(),
            Arbitraries.of(RunInfo.Kind.class),
            Arbitraries.strings().injectNull(0.3),
            Arbitraries.longs().between(-1L << 40, 1L << 40),
            Arbitraries.integers().between(0, 999_999_999))
        .as(
            (text, kind, output, second, nano) ->
                new RunInfo(
                    text,
                    kind,
                    text,
                    output,
                    Instant.ofEpochSecond(second, nano),
                    output == null ? null : new RunInfo.Settings(text, output, "t", "m", "f")));
  }

  private static Arbitrary<LayerReport> layers() {
    return Combinators.combine(
            Arbitraries.strings(), measures().injectNull(0.2), measures(), counts(), counts())
        .as(
            (name, sqnr, cosine, bytes, macs) ->
                bytes % 2 == 0
                    ? LayerReport.quantized(name, "Conv")
                        .weightBits(4)
                        .bytes(bytes, macs)
                        .output(sqnr, cosine)
                        .macs(macs)
                        .build()
                    : LayerReport.inFloat(name, "Softmax", name).localSqnrDb(sqnr).build());
  }

  private static Arbitrary<TensorReport> tensors() {
    Arbitrary<ValueHistogram> histograms =
        counts()
            .list()
            .ofMinSize(1)
            .ofMaxSize(ValueHistogram.MAX_BINS)
            .map(bins -> new ValueHistogram(-1, 0x1p-7, bins));
    return Combinators.combine(
            Arbitraries.strings(),
            Arbitraries.of(Role.class),
            measures(),
            histograms.injectNull(0.3),
            counts(),
            Arbitraries.doubles().between(0, 1))
        .as(
            (name, role, measure, histogram, count, share) ->
                TensorReport.of(name, role, "int8")
                    .between(histogram == null ? null : name, List.of(name, "b"))
                    .observed(measure, measure)
                    .parameters(new ScaleSummary(measure, share, measure, 3), count)
                    .sqnrDb(measure)
                    .fit(share, null)
                    .notFinite(count, 1)
                    .allZero(share > 0.5, 2)
                    .histogram(histogram)
                    .build());
  }

  private static Arbitrary<MetricResult> metrics() {
    return Combinators.combine(Arbitraries.strings(), measures().injectNull(0.3), measures())
        .as((name, before, after) -> new MetricResult(name, before, after, "%", after > 0));
  }

  private static Arbitrary<StageTime> stages() {
    return counts().map(nanos -> new StageTime("calibrate", Duration.ofNanos(nanos)));
  }

  private static Arbitrary<Long> counts() {
    return Arbitraries.longs().greaterOrEqual(0);
  }

  private static Arbitrary<Double> measures() {
    return Arbitraries.oneOf(
        Arbitraries.doubles(),
        Arbitraries.of(
            Double.NaN,
            Double.POSITIVE_INFINITY,
            Double.NEGATIVE_INFINITY,
            -0.0,
            Double.MIN_VALUE,
            Double.MAX_VALUE));
  }
}
