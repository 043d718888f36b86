package dev.octet.quantize.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportPageTest {
  private static final Pattern ELEMENT =
      Pattern.compile("<(script|style)([^>]*)>(.*?)</\\1>", Pattern.DOTALL);

  @Test
  void needsNothingFromOutside() {
    String markup = ELEMENT.matcher(ReportPage.of(SampleReport.full())).replaceAll("");

    assertThat(markup)
        .doesNotContain("http:", "https:", "src=", "@import", "url(", "<link", "<img");
    Matcher references = Pattern.compile("href=\"(.*?)\"").matcher(markup);
    while (references.find()) {
      assertThat(references.group(1)).startsWith("#");
    }
    for (String script : elements("script", ReportPage.of(SampleReport.full()))) {
      assertThat(script)
          .doesNotContainPattern(
              "\\bfetch\\s*\\(|XMLHttpRequest|sendBeacon|WebSocket\\s*\\(|\\bimport\\s*\\(")
          .doesNotContain("sourceMappingURL");
    }
    assertThat(elements("style", ReportPage.of(SampleReport.full())))
        .allSatisfy(style -> assertThat(style).doesNotContain("url(", "@import"));
  }

  @Test
  void allowsExactlyItsOwnScriptsAndStyle() throws Exception {
    String page = ReportPage.of(SampleReport.full());
    Matcher policy = Pattern.compile("Content-Security-Policy\" content=\"(.*?)\"").matcher(page);
    assertThat(policy.find()).isTrue();

    List<String> inline = new ArrayList<>(elements("style", page));
    inline.addAll(elements("script", page));
    StringBuilder hashes = new StringBuilder();
    for (String text : inline) {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      hashes.append(" 'sha256-").append(Base64.getEncoder().encodeToString(digest)).append('\'');
      hashes.append(hashes.indexOf("script-src") < 0 ? "; script-src" : "");
    }
    assertThat(policy.group(1))
        .isEqualTo("default-src 'none'; base-uri 'none'; form-action 'none'; style-src" + hashes);
  }

  @Test
  void carriesTheLicenceOfTheChartLibrary() {
    assertThat(ReportPage.of(SampleReport.empty()))
        .contains("The MIT License (MIT)", "Chart.js Contributors");
  }

  @Test
  void aHostileNameStaysText() throws Exception {
    String hostile =
        "</script><img src=x onerror=alert(1)><!--<script>{{script}}$1\\\u2028\"'&amp;]]>";
    QuantizationReport report =
        QuantizationReport.of(
                new RunInfo(
                    hostile,
                    RunInfo.Kind.QUANTIZATION,
                    hostile,
                    hostile,
                    Instant.EPOCH,
                    new RunInfo.Settings(hostile, hostile, hostile, hostile, hostile)))
            .layers(List.of(LayerReport.inFloat(hostile, hostile, hostile).build()))
            .warnings(List.of(new Warning(hostile, hostile)))
            .build();
    String page = ReportPage.of(report);

    assertThat(page).doesNotContain("<img");
    assertThat(count(page, "<script"))
        .isEqualTo(count(ReportPage.of(SampleReport.empty()), "<script"));
    assertThat(data(page).at("/report/layers/0/node").asText()).isEqualTo(hostile);
  }

  @Test
  void holdsTheWholeReportAsData() throws Exception {
    JsonNode report = data(ReportPage.of(SampleReport.full())).get("report");

    assertThat(QuantizationReport.fromJson(report.toString())).isEqualTo(SampleReport.full());
  }

  @Test
  void saysWhatItKnowsWithoutScript() {
    String page = ReportPage.of(SampleReport.full());

    assertThat(page.substring(page.indexOf("<noscript>"), page.indexOf("</noscript>")))
        .contains("furthest from float", "resnet20-cifar10.onnx -&gt; resnet20-cifar10.int8.onnx");
  }

  @Test
  void writesEveryKindOfReport(@TempDir Path folder) throws Exception {
    // Kept under target so that a person can open what the tests made.
    SampleReport.full().writeHtml(Path.of("target", "sample-report.html"));
    SampleReport.comparison().writeHtml(Path.of("target", "sample-comparison.html"));
    SampleReport.empty().writeHtml(folder.resolve("empty.html"));

    assertThat(folder.resolve("empty.html")).content().startsWith("<!DOCTYPE html>");
    assertThat(folder.toFile().list()).containsExactly("empty.html");
  }

  private static List<String> elements(String tag, String page) {
    List<String> found = new ArrayList<>();
    Matcher matcher = ELEMENT.matcher(page);
    while (matcher.find()) {
      if (matcher.group(1).equals(tag) && !matcher.group(2).contains("application/json")) {
        found.add(matcher.group(3));
      }
    }
    assertThat(found).isNotEmpty();
    return found;
  }

  private static JsonNode data(String page) throws Exception {
    Matcher matcher = Pattern.compile("id=\"data\">(.*?)</script>", Pattern.DOTALL).matcher(page);
    assertThat(matcher.find()).isTrue();
    return new ObjectMapper().readTree(matcher.group(1));
  }

  private static int count(String text, String part) {
    return text.split(Pattern.quote(part), -1).length - 1;
  }
}
