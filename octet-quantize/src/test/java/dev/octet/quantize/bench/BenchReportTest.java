package dev.octet.quantize.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.octet.quantize.data.HostTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchReportTest {
  private static final String HOSTILE = "</script><script>alert(1)</script>.onnx";

  private static final Timing FAST = timing(2e6);
  private static final Timing SLOW = timing(6e6);
  private static final Likeness LIKENESS =
      Likeness.of(
          List.of(HostTensor.ofFloats(new int[] {2, 2}, new float[] {3, 1, 2, 1})),
          List.of(HostTensor.ofFloats(new int[] {2, 2}, new float[] {3, 1, 1, 2})));
  private static final BenchReport REPORT =
      new BenchReport(
          "2026-01-02T03:04:05Z",
          new Machine(
              "Some CPU", 2, List.of("avx2"), "Linux", "17", "dev", "oneDNN", "ONNX Runtime"),
          3,
          1,
          List.of(
              new BenchRow(
                  HOSTILE,
                  8,
                  2,
                  List.of("x float32 [8, 3]"),
                  new BenchRow.Side(FAST, null),
                  new BenchRow.Side(SLOW, null),
                  LIKENESS),
              new BenchRow(
                  "b.onnx",
                  1,
                  1,
                  List.of(),
                  new BenchRow.Side(null, "no code"),
                  new BenchRow.Side(SLOW, null),
                  null)));

  @TempDir private Path folder;

  private static Timing timing(double median) {
    long m = (long) median;
    return Timing.of(new long[] {3 * m, m / 2, m}, 7_000_000, 5_000_000, 1 << 20);
  }

  @Test
  void takesQuantilesBetweenTheNearestRanks() {
    long[] times = {50, 10, 40, 20, 30};
    Timing timing = Timing.of(times, 0, 0, -1);

    assertThat(timing.medianMs()).isCloseTo(30e-6, within(1e-12));
    assertThat(timing.p10Ms()).isCloseTo(14e-6, within(1e-12));
    assertThat(timing.p90Ms()).isCloseTo(46e-6, within(1e-12));
    assertThat(timing.peakBytes()).isNull();
    assertThat(times).containsExactly(50, 10, 40, 20, 30);
  }

  @Test
  void theRatioIsOfMediansAndOnlyWhereBothRan() {
    assertThat(REPORT.rows().get(0).ratio()).isCloseTo(3, within(1e-9));
    assertThat(REPORT.rows().get(1).ratio()).isNull();
  }

  @Test
  void jsonHasAVersionAndLeavesOutWhatIsNotThere() throws IOException {
    REPORT.writeJson(folder.resolve("b.json"));
    JsonNode json = new ObjectMapper().readTree(folder.resolve("b.json").toFile());

    assertThat(json.get("schemaVersion").asInt()).isEqualTo(1);
    JsonNode rows = json.get("rows");
    assertThat(rows.get(0).get("ratio").asDouble()).isCloseTo(3, within(1e-9));
    assertThat(rows.get(0).at("/engine/timing/medianMs").asDouble()).isEqualTo(2);
    assertThat(rows.get(0).at("/engine/timing/peakBytes").asLong()).isEqualTo(1 << 20);
    assertThat(rows.get(0).at("/outputs/largest").asDouble()).isEqualTo(1);
    assertThat(rows.get(0).at("/outputs/sameClass").asDouble()).isEqualTo(0.5);
    assertThat(rows.get(1).has("outputs")).isFalse();
    assertThat(rows.get(1).has("ratio")).isFalse();
    assertThat(rows.get(1).get("engine").has("timing")).isFalse();
    assertThat(rows.get(1).at("/engine/refused").asText()).isEqualTo("no code");
  }

  @Test
  void thePageAsksForNothingAndRunsNoScriptOfAName() throws IOException {
    REPORT.writeHtml(folder.resolve("b.html"));
    String page = Files.readString(folder.resolve("b.html"));

    assertThat(page)
        .startsWith("<!DOCTYPE html>")
        .contains("default-src 'none'")
        .doesNotContain("<script>alert", "src=\"http", "href=\"http")
        .contains("engine 2.000 ms", "no code", "outputs apart 1.0, 8.8 dB, class 50 %");
  }

  @Test
  void outputsAreComparedAsFarAsTheyCanBe() {
    HostTensor one = HostTensor.ofFloats(new int[] {1, 2}, new float[] {3, 1});
    HostTensor nan = HostTensor.ofFloats(new int[] {1, 2}, new float[] {3, Float.NaN});
    HostTensor longer = HostTensor.ofFloats(new int[] {1, 3}, new float[] {3, 1, 1});

    assertThat(Likeness.of(List.of(one), List.of(one)).text()).isEqualTo("0.0, class 100 %");
    assertThat(Likeness.of(List.of(nan), List.of(one)).text()).isEqualTo("not finite");
    assertThat(Likeness.of(List.of(longer), List.of(one)).misfit()).startsWith("output 0 is ");
    assertThat(Likeness.of(List.of(), List.of(one)).misfit()).contains("0 outputs");
  }
}
