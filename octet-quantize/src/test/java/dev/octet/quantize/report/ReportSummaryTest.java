package dev.octet.quantize.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReportSummaryTest {
  @Test
  void answersWhatItCostAndWhy() {
    assertThat(SampleReport.full().summary().lines())
        .contains(
            "resnet20-cifar10.onnx -> resnet20-cifar10.int8.onnx",
            "  recipe          int8: static qdq for onnxruntime",
            "  size            1.11 MB -> 302 kB",
            "  quantized       31 of 33 layers",
            "  evaluated on    1000 samples of cifar10/test_batch.bin, first 1000, 2 skipped",
            "  metric       float   quantized      change",
            "  top-1       92.6 %      92.5 %      -0.1 %",
            "  agreement        -      99.3 %",
            "  logits   31.4 dB   0.99964      0.3817",
            "stays in float",
            "  the operator has no quantized form on onnxruntime",
            "    label",
            "  rules[1] 'head.*': the rule matched no node; check the pattern or drop it",
            "took 8.4 s");
  }

  @Test
  void listsTheFiveLayersFurthestFromFloatWithTheWorstFirst() {
    List<LayerReport> layers = new ArrayList<>();
    double[] sqnrs = {Double.POSITIVE_INFINITY, 31, 33, Double.NaN, 30, 40, -2};
    for (int i = 0; i < sqnrs.length; i++) {
      layers.add(LayerReport.quantized("n" + i, "Conv").output(sqnrs[i], 1.0).build());
    }
    layers.add(LayerReport.quantized("unknown", "Conv").build());
    String summary =
        QuantizationReport.of(SampleReport.empty().run()).layers(layers).build().summary();

    assertThat(
            summary
                .lines()
                .filter(line -> line.startsWith("  n"))
                .map(line -> line.substring(2, 4)))
        .containsExactly("n3", "n6", "n4", "n1", "n2");
  }

  @Test
  void hasAColumnForLayersAloneOnlyWhereTheyWereMeasured() {
    LayerReport.Builder layer = LayerReport.quantized("n", "Conv").output(31.0, 1.0);
    QuantizationReport.Builder report = QuantizationReport.of(SampleReport.empty().run());
    String without = report.layers(List.of(layer.build())).build().summary();
    String with = report.layers(List.of(layer.localSqnrDb(40.0).build())).build().summary();

    assertThat(without.lines())
        .contains("  furthest from float   operator      SQNR    cosine")
        .contains("  n                     Conv       31.0 dB   1.00000");
    assertThat(with).contains("cosine     alone\n", "40.0 dB\n");
  }

  @Test
  void groupsWhatStaysInFloatByReason() {
    List<LayerReport> layers = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      layers.add(LayerReport.inFloat("norm" + i, "LayerNormalization", "kept by default").build());
    }
    String summary =
        QuantizationReport.of(SampleReport.empty().run()).layers(layers).build().summary();

    assertThat(summary).contains("  kept by default\n    norm0, norm1, norm2, norm3 and 2 more\n");
  }

  @Test
  void leavesOutWhatIsNotKnown() {
    assertThat(SampleReport.empty().summary())
        .isEqualTo(
            "a.onnx\nQuality not measured. No sample was evaluated, so nothing is known about its"
                + " answers.\n");
  }

  @Test
  void saysThatOneSetServedBothPurposes() {
    DataUse.SampleSet set = new DataUse.SampleSet("photos/", 10, 0);
    QuantizationReport report =
        QuantizationReport.of(SampleReport.empty().run()).data(new DataUse(set, set, true)).build();

    assertThat(report.allWarnings()).hasSize(1);
    assertThat(report.summary())
        .contains("  data: the same samples were used for calibration and evaluation");
  }

  @Test
  void aNameCannotMoveTheCursorOrReadBackwards() {
    String hostile = "a\u001b[2J\r\nb\u202Ec";
    QuantizationReport report =
        QuantizationReport.of(
                new RunInfo("0", RunInfo.Kind.QUANTIZATION, hostile, hostile, Instant.EPOCH, null))
            .layers(List.of(LayerReport.inFloat(hostile, hostile, hostile).build()))
            .warnings(List.of(new Warning(hostile, hostile)))
            .outputs(List.of(new OutputReport(hostile, 1.0, 1.0, 1.0)))
            .metrics(List.of(MetricResult.percent(hostile, 1.0, 2.0)))
            .build();

    assertThat(report.summary()).contains("a?[2J??b?c").doesNotContain("\u001b", "\r", "\u202E");
  }

  @Test
  void aLongNameKeepsItsTwoEnds() {
    assertThat(Figures.name("/model/" + "x".repeat(300) + "/conv1/Conv"))
        .hasSizeLessThan(60)
        .startsWith("/model/")
        .endsWith("/conv1/Conv")
        .contains("…");
  }

  @Test
  void bytesKeepThreeDigits() {
    assertThat(
            List.of(
                Figures.bytes(0),
                Figures.bytes(999),
                Figures.bytes(1000),
                Figures.bytes(99_949),
                Figures.bytes(999_499),
                Figures.bytes(999_500),
                Figures.bytes(Long.MAX_VALUE)))
        .containsExactly("0 B", "999 B", "1.00 kB", "99.9 kB", "999 kB", "1.00 MB", "9.22 EB");
  }
}
