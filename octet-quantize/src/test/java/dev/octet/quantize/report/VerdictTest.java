package dev.octet.quantize.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.quantize.report.Verdict.Grade;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VerdictTest {
  @ParameterizedTest
  @CsvSource({
    "92.6, 92.5, GOOD",
    "92.6, 92.1, GOOD",
    "92.6, 92.05, FAIR",
    "92.6, 90.6, FAIR",
    "92.6, 90.5, POOR",
    "92.6, 95.0, GOOD",
    "92.6, NaN, POOR"
  })
  void gradesByTheLossInPercentagePoints(double before, double after, Grade grade) {
    assertThat(of(List.of(MetricResult.percent("top-1", before, after)), List.of()).grade())
        .isEqualTo(grade);
  }

  @Test
  void theWorstOfSeveralMetricsDecides() {
    List<MetricResult> metrics =
        List.of(MetricResult.percent("top-1", 90.0, 90.0), MetricResult.percent("f1", 80.0, 70.0));

    assertThat(of(metrics, List.of()).grade()).isEqualTo(Grade.POOR);
  }

  @Test
  void aRisingErrorRateIsALoss() {
    MetricResult rate = new MetricResult("word error rate", 5.0, 9.0, "%", false);

    Verdict verdict = of(List.of(rate), List.of());

    assertThat(verdict.grade()).isEqualTo(Grade.POOR);
    assertThat(verdict.text())
        .isEqualTo("Word error rate rose by 4.0 percentage points to 9.0 % (was 5.0 %).");
  }

  @ParameterizedTest
  @CsvSource({"99.0, GOOD", "98.9, FAIR", "94.9, POOR", "NaN, POOR"})
  void withoutALossAgreementDecides(double agreement, Grade grade) {
    OutputReport awful = new OutputReport("y", 3.0, 0.5, 9.0);

    assertThat(
            of(List.of(MetricResult.percent("agreement", null, agreement)), List.of(awful)).grade())
        .isEqualTo(grade);
  }

  @ParameterizedTest
  @CsvSource({"30, GOOD", "29.9, FAIR", "19.9, POOR", "Infinity, GOOD", "NaN, POOR"})
  void withoutMetricsTheLowestSqnrDecides(double sqnr, Grade grade) {
    List<OutputReport> outputs =
        List.of(new OutputReport("a", 80.0, 1.0, null), new OutputReport("b", sqnr, 1.0, null));

    assertThat(of(List.of(), outputs).grade()).isEqualTo(grade);
  }

  @Test
  void saysThatNothingWasMeasured() {
    Verdict verdict = Verdict.of(SampleReport.empty());

    assertThat(verdict.grade()).isEqualTo(Grade.UNKNOWN);
    assertThat(verdict.title()).isEqualTo("Quality not measured");
  }

  @Test
  void saysWhatItCostInSentences() {
    assertThat(Verdict.of(SampleReport.full()).text())
        .isEqualTo(
            "The model is 3.7 times smaller (302 kB, was 1.11 MB). Top-1 fell by 0.1 percentage points"
                + " to 92.5 % (was 92.6 %); agreement with the float model is 99.3 %; output 'logits'"
                + " keeps an SQNR of 31.4 dB.");
  }

  @Test
  void doesNotCallALargerModelSmaller() {
    QuantizationReport report =
        QuantizationReport.of(SampleReport.empty().run())
            .size(new ModelSize(1000, 1500, 9))
            .build();

    assertThat(Verdict.of(report).text()).startsWith("The model is 1.5 times larger");
  }

  private static Verdict of(List<MetricResult> metrics, List<OutputReport> outputs) {
    return Verdict.of(
        QuantizationReport.of(SampleReport.empty().run())
            .metrics(metrics)
            .outputs(outputs)
            .build());
  }
}
