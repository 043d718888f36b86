package dev.octet.quantize.bench;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.octet.graph.onnx.AtomicFile;
import dev.octet.quantize.report.OfflinePage;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;

/**
 * What a benchmark found.
 *
 * @param time when it ended, in ISO 8601
 * @param machine what it ran on
 * @param runs timed runs of each side in each row
 * @param rounds how many turns each side took
 * @param rows models and settings, in the order in which they ran
 */
@JsonPropertyOrder({"time", "machine", "runs", "rounds", "rows"})
public record BenchReport(String time, Machine machine, int runs, int rounds, List<BenchRow> rows) {
  /** Raised when an old reader would misunderstand a new file. */
  private static final int SCHEMA_VERSION = 1;

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .defaultPropertyInclusion(
              JsonInclude.Value.construct(JsonInclude.Include.NON_NULL, JsonInclude.Include.ALWAYS))
          .build();

  public BenchReport {
    rows = List.copyOf(rows);
  }

  static BenchReport now(Machine machine, int runs, int rounds, List<BenchRow> rows) {
    return new BenchReport(Instant.now().toString(), machine, runs, rounds, rows);
  }

  /** The report as JSON, with a {@code schemaVersion}. */
  public String toJson() {
    ObjectNode root = MAPPER.createObjectNode().put("schemaVersion", SCHEMA_VERSION);
    root.setAll((ObjectNode) MAPPER.valueToTree(this));
    try {
      return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a report of plain data could not be written as json", e);
    }
  }

  /**
   * Writes {@link #toJson} as UTF-8. The file appears complete or not at all.
   *
   * @throws IOException if the folder does not exist or cannot be written to
   */
  public void writeJson(Path file) throws IOException {
    AtomicFile.write(file, toJson());
  }

  /**
   * Writes one HTML page with a chart that needs nothing else. The file appears complete or not at
   * all.
   *
   * @throws IOException if the folder does not exist or cannot be written to
   */
  public void writeHtml(Path file) throws IOException {
    AtomicFile.write(
        file, OfflinePage.of(BenchReport.class, "bench", "Benchmark – Octet", text(), toJson()));
  }

  /** One line a row, for readers without scripts. */
  private String text() {
    StringBuilder text = new StringBuilder();
    for (BenchRow row : rows) {
      Likeness outputs = row.outputs();
      text.append(
          String.format(
              Locale.ROOT,
              "%s, batch %d, threads %d: engine %s, ONNX Runtime %s%s%n",
              row.model(),
              row.batch(),
              row.threads(),
              text(row.engine()),
              text(row.onnxRuntime()),
              outputs == null ? "" : ", outputs apart " + outputs.text()));
    }
    return text.toString();
  }

  private static String text(BenchRow.Side side) {
    Timing timing = side.timing();
    return timing == null
        ? String.valueOf(side.refused())
        : String.format(Locale.ROOT, "%.3f ms", timing.medianMs());
  }
}
