package dev.octet.quantize.report;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** The report as one HTML page. */
final class ReportPage {
  private ReportPage() {}

  static String of(QuantizationReport report) {
    return OfflinePage.of(
        ReportPage.class,
        "report",
        report.run().modelFile() + " – Octet",
        report.summary(),
        data(report));
  }

  private static String data(QuantizationReport report) {
    ObjectNode root = ReportJson.object();
    root.set("report", ReportJson.tree(report));
    Verdict verdict = Verdict.of(report);
    root.putObject("verdict")
        .put("grade", verdict.grade().name())
        .put("title", verdict.title())
        .put("text", verdict.text());
    ArrayNode warnings = root.putArray("warnings");
    for (Warning warning : report.allWarnings()) {
      warnings.addObject().put("where", warning.where()).put("text", warning.text());
    }
    return ReportJson.print(root, false);
  }
}
