package dev.octet.quantize.report;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The report as one HTML page: a template with the style sheet, the scripts, the chart library and
 * the data put into it.
 *
 * <p>Names in a report come from models that nobody vouches for. They reach the page in three forms
 * only: as JSON in which no {@code <} is left, escaped as HTML text, and as text nodes made by
 * script. Should one still break out, the content security policy runs no script but the ones whose
 * hashes it lists, and loads nothing.
 */
final class ReportPage {
  private static final String CHART_LIBRARY = "/META-INF/resources/webjars/chart.js/4.4.3/";
  private static final Pattern SLOT = Pattern.compile("\\{\\{([a-z]+)}}");

  private ReportPage() {}

  static String of(QuantizationReport report) {
    String style = resource("report.css");
    // Line ends as the HTML parser will see them: it hashes what it parsed.
    String chart = license() + resource(CHART_LIBRARY + "dist/chart.umd.js");
    // A map would be the one thing that the page asks for, when its reader opens the developer
    // tools.
    chart = chart.replaceAll("(?m)^//# sourceMappingURL=.*$", "");
    String text = resource("report-text.js");
    String charts = resource("report-charts.js");
    String script = resource("report.js");

    Map<String, String> slots = new HashMap<>();
    slots.put("policy", policy(style, List.of(chart, text, charts, script)));
    slots.put("title", escape(report.run().modelFile() + " – Octet"));
    slots.put("style", style);
    slots.put("summary", escape(report.summary()));
    slots.put("data", data(report));
    slots.put("chart", chart);
    slots.put("text", text);
    slots.put("charts", charts);
    slots.put("script", script);
    return fill(resource("report.html"), slots);
  }

  /**
   * Fills every slot in one pass over the template, so that nothing filled in is looked at again.
   */
  private static String fill(String template, Map<String, String> slots) {
    return SLOT.matcher(template)
        .replaceAll(
            slot -> {
              String filling = slots.get(slot.group(1));
              if (filling == null) {
                throw new IllegalStateException(
                    "the page has a slot '" + slot.group(1) + "' that nothing fills");
              }
              return Matcher.quoteReplacement(filling);
            });
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
    // In JSON these characters occur inside strings only, where the escape means the same.
    return ReportJson.print(root, false)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026");
  }

  private static String policy(String style, List<String> scripts) {
    return "default-src 'none'; base-uri 'none'; form-action 'none'; style-src "
        + hash(style)
        + "; script-src "
        + scripts.stream().map(ReportPage::hash).collect(Collectors.joining(" "));
  }

  private static String hash(String inline) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(inline.getBytes(StandardCharsets.UTF_8));
      return "'sha256-" + Base64.getEncoder().encodeToString(digest) + "'";
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every java platform has SHA-256", e);
    }
  }

  /** The licence asks to travel with every copy of the library. */
  private static String license() {
    return "/*\n" + resource(CHART_LIBRARY + "LICENSE.md").strip() + "\n*/\n";
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }

  private static String resource(String name) {
    try (InputStream in = ReportPage.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(
            "resource '" + name + "' is not on the class path; the installation is incomplete");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("\r\n", "\n");
    } catch (IOException e) {
      throw new UncheckedIOException("resource '" + name + "' could not be read", e);
    }
  }
}
