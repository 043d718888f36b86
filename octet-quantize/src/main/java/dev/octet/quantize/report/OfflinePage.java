package dev.octet.quantize.report;

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
 * One HTML page that needs nothing else: a template with the style sheet, the scripts, the chart
 * library and the data put into it.
 *
 * <p>Names in the data come from models that nobody vouches for. They reach the page in three forms
 * only: as JSON in which no {@code <} is left, escaped as HTML text, and as text nodes made by
 * script. Should one still break out, the content security policy runs no script but the ones whose
 * hashes it lists, and loads nothing.
 */
public final class OfflinePage {
  private static final String CHART_LIBRARY = "/META-INF/resources/webjars/chart.js/4.4.3/";
  private static final Pattern SLOT = Pattern.compile("\\{\\{([a-z]+)}}");

  private OfflinePage() {}

  /**
   * The page.
   *
   * @param owner the class beside which the resources {@code name.html} and {@code name.js} are
   * @param name the name of the two
   * @param title what browsers show as the page's name
   * @param summary a text for readers without scripts
   * @param json the data, a JSON text
   */
  public static String of(Class<?> owner, String name, String title, String summary, String json) {
    String style = resource(OfflinePage.class, "report.css");
    // Line ends as the HTML parser will see them: it hashes what it parsed.
    String chart = license() + resource(OfflinePage.class, CHART_LIBRARY + "dist/chart.umd.js");
    // A map would be the one thing that the page asks for, when its reader opens the developer
    // tools.
    chart = chart.replaceAll("(?m)^//# sourceMappingURL=.*$", "");
    String text = resource(OfflinePage.class, "report-text.js");
    String charts = resource(OfflinePage.class, "report-charts.js");
    String script = resource(owner, name + ".js");

    Map<String, String> slots = new HashMap<>();
    slots.put("policy", policy(style, List.of(chart, text, charts, script)));
    slots.put("title", escape(title));
    slots.put("style", style);
    slots.put("summary", escape(summary));
    // In JSON these characters occur inside strings only, where the escape means the same.
    slots.put("data", json.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"));
    slots.put("chart", chart);
    slots.put("text", text);
    slots.put("charts", charts);
    slots.put("script", script);
    return fill(resource(owner, name + ".html"), slots);
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

  private static String policy(String style, List<String> scripts) {
    return "default-src 'none'; base-uri 'none'; form-action 'none'; style-src "
        + hash(style)
        + "; script-src "
        + scripts.stream().map(OfflinePage::hash).collect(Collectors.joining(" "));
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
    return "/*\n" + resource(OfflinePage.class, CHART_LIBRARY + "LICENSE.md").strip() + "\n*/\n";
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }

  private static String resource(Class<?> owner, String name) {
    try (InputStream in = owner.getResourceAsStream(name)) {
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
