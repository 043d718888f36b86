package dev.octet.quantize.report;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The report on one terminal page: parts that are missing are left out, long lists are cut and say
 * so.
 */
final class ReportSummary {
  private static final int WORST_LAYERS = 5;
  private static final int LISTED_NODES = 4;
  private static final int LISTED_WARNINGS = 10;

  private final QuantizationReport report;
  private final StringBuilder text = new StringBuilder();

  private ReportSummary(QuantizationReport report) {
    this.report = report;
  }

  static String of(QuantizationReport report) {
    ReportSummary summary = new ReportSummary(report);
    summary.title();
    summary.size();
    summary.metrics();
    summary.outputs();
    summary.worstLayers();
    summary.inFloat();
    summary.warnings();
    summary.time();
    return summary.text.toString();
  }

  private void title() {
    RunInfo run = report.run();
    String output = run.outputFile();
    String between = run.kind() == RunInfo.Kind.COMPARISON ? " against " : " -> ";
    text.append(Figures.name(run.modelFile()));
    text.append(output == null ? "" : between + Figures.name(output)).append('\n');
    Verdict verdict = Verdict.of(report);
    text.append(verdict.title()).append(". ").append(verdict.text()).append('\n');
  }

  private void size() {
    TextTable table = new TextTable(2);
    RunInfo.Settings settings = report.run().settings();
    if (settings != null) {
      table.row(
          "recipe",
          "%s: %s %s for %s"
              .formatted(
                  settings.recipeName(), settings.mode(), settings.format(), settings.target()));
    }
    ModelSize size = report.size();
    if (size != null) {
      table.row(
          "size", Figures.bytes(size.bytesBefore()) + " -> " + Figures.bytes(size.bytesAfter()));
      table.row("parameters", String.format(Locale.ROOT, "%,d", size.parameters()));
    }
    if (!report.layers().isEmpty()) {
      long quantized = report.layers().stream().filter(LayerReport::quantized).count();
      table.row("quantized", quantized + " of " + report.layers().size() + " layers");
    }
    DataUse data = report.data();
    if (data != null) {
      samples(table, "calibrated on", data.calibration());
      samples(table, "evaluated on", data.evaluation());
    }
    section("", table.print(2, 3));
  }

  private static void samples(TextTable table, String label, DataUse.@Nullable SampleSet set) {
    if (set != null) {
      String skipped = set.skipped() == 0 ? "" : ", " + set.skipped() + " skipped";
      table.row(label, set.samples() + " samples of " + set.source() + skipped);
    }
  }

  private void metrics() {
    TextTable table = new TextTable(1).row("metric", "float", "quantized", "change");
    for (MetricResult metric : report.metrics()) {
      Double before = metric.floatValue();
      String change = "";
      if (before != null) {
        double difference = metric.quantizedValue() - before;
        change = (difference > 0 ? "+" : "") + Figures.metric(difference, metric.unit());
      }
      table.row(
          Figures.name(metric.name()),
          Figures.metric(before, metric.unit()),
          Figures.metric(metric.quantizedValue(), metric.unit()),
          change);
    }
    section("", report.metrics().isEmpty() ? "" : table.print(2, 3));
  }

  private void outputs() {
    TextTable table = new TextTable(1).row("output", "SQNR", "cosine", "max error");
    for (OutputReport output : report.outputs()) {
      table.row(
          Figures.name(output.name()),
          Figures.decibels(output.sqnrDb()),
          Figures.number(output.cosine(), 5),
          Figures.metric(output.maxAbsError(), ""));
    }
    section("", report.outputs().isEmpty() ? "" : table.print(2, 3));
  }

  private void worstLayers() {
    List<LayerReport> worst =
        report.layers().stream()
            .filter(layer -> layer.outputSqnrDb() != null)
            .sorted(Comparator.comparingDouble(ReportSummary::sqnr))
            .limit(WORST_LAYERS)
            .toList();
    boolean alone = worst.stream().anyMatch(layer -> layer.localSqnrDb() != null);
    TextTable table =
        new TextTable(2)
            .row("furthest from float", "operator", "SQNR", "cosine", alone ? "alone" : "");
    for (LayerReport layer : worst) {
      table.row(
          Figures.name(layer.node()),
          Figures.name(layer.opType()),
          Figures.decibels(layer.outputSqnrDb()),
          Figures.number(layer.cosine(), 5),
          alone ? Figures.decibels(layer.localSqnrDb()) : "");
    }
    section("", worst.isEmpty() ? "" : table.print(2, 3));
  }

  /** A NaN is the worst there is. */
  private static double sqnr(LayerReport layer) {
    Double sqnr = layer.outputSqnrDb();
    return sqnr == null || sqnr.isNaN() ? Double.NEGATIVE_INFINITY : sqnr;
  }

  private void inFloat() {
    StringBuilder lines = new StringBuilder();
    byReason(report.layers())
        .forEach(
            (reason, nodes) -> {
              String shown =
                  nodes.stream()
                      .limit(LISTED_NODES)
                      .map(layer -> Figures.name(layer.node()))
                      .collect(Collectors.joining(", "));
              String more =
                  nodes.size() > LISTED_NODES
                      ? " and " + (nodes.size() - LISTED_NODES) + " more"
                      : "";
              lines.append("  ").append(Figures.line(reason)).append('\n');
              lines.append("    ").append(shown).append(more).append('\n');
            });
    section("stays in float", lines.toString());
  }

  /** Layers in float that have a reason, grouped by it, in order of first appearance. */
  static Map<String, List<LayerReport>> byReason(List<LayerReport> layers) {
    Map<String, List<LayerReport>> groups = new LinkedHashMap<>();
    for (LayerReport layer : layers) {
      String reason = layer.floatReason();
      if (reason != null) {
        groups.computeIfAbsent(reason, key -> new ArrayList<>()).add(layer);
      }
    }
    return groups;
  }

  private void warnings() {
    StringBuilder lines = new StringBuilder();
    List<Warning> warnings = report.allWarnings();
    for (Warning warning : warnings.subList(0, Math.min(LISTED_WARNINGS, warnings.size()))) {
      String where = warning.where().isEmpty() ? "" : Figures.name(warning.where()) + ": ";
      lines.append("  ").append(where).append(Figures.line(warning.text())).append('\n');
    }
    if (warnings.size() > LISTED_WARNINGS) {
      lines.append("  and ").append(warnings.size() - LISTED_WARNINGS).append(" more\n");
    }
    section("warnings", lines.toString());
  }

  private void time() {
    if (report.stages().isEmpty()) {
      return;
    }
    Duration total = Duration.ZERO;
    List<String> parts = new ArrayList<>();
    for (StageTime stage : report.stages()) {
      total = total.plus(stage.elapsed());
      parts.add(Figures.line(stage.name()) + " " + Figures.time(stage.elapsed()));
    }
    section("took " + Figures.time(total), "  " + String.join(", ", parts) + "\n");
  }

  private void section(String heading, String body) {
    if (!body.isEmpty()) {
      text.append('\n').append(heading.isEmpty() ? "" : heading + "\n").append(body);
    }
  }
}
