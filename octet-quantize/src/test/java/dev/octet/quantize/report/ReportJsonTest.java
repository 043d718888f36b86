package dev.octet.quantize.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

class ReportJsonTest {
  @Test
  void writesWhatAProgramWouldLookFor() throws Exception {
    JsonNode json = new ObjectMapper().readTree(SampleReport.full().toJson());

    assertThat(json.path("schemaVersion").asInt()).isEqualTo(1);
    assertThat(json.at("/run/created").asText()).isEqualTo("2026-03-14T15:09:26.535Z");
    assertThat(json.at("/size/bytesAfter").asLong()).isEqualTo(301_877);
    assertThat(json.at("/stages/1/elapsed").asText()).isEqualTo("PT2.31S");
    assertThat(json.at("/metrics/0/quantizedValue").asDouble()).isEqualTo(92.5);
    assertThat(json.at("/metrics/2").has("floatValue")).as("unknown is left out").isFalse();
  }

  @Test
  void writesAnInfiniteSqnrAsTextBecauseJsonHasNoSuchNumber() {
    assertThat(SampleReport.full().toJson()).contains("\"outputSqnrDb\" : \"Infinity\"");
  }

  @Test
  void readsBackWhatItWrote() {
    assertThat(QuantizationReport.fromJson(SampleReport.full().toJson()))
        .isEqualTo(SampleReport.full());
    assertThat(QuantizationReport.fromJson(SampleReport.empty().toJson()))
        .isEqualTo(SampleReport.empty());
  }

  @Test
  void ignoresFieldsOfANewerMinorRelease() {
    String json = SampleReport.empty().toJson().replaceFirst("\\{", "{\"novelty\": [1],");

    assertThat(QuantizationReport.fromJson(json)).isEqualTo(SampleReport.empty());
  }

  @Test
  void refusesANewerSchema() {
    String json =
        SampleReport.empty().toJson().replace("\"schemaVersion\" : 1", "\"schemaVersion\" : 2");

    assertThatThrownBy(() -> QuantizationReport.fromJson(json))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "report has 'schemaVersion' 2 but this version reads 1 to 1; read it with a newer Octet");
  }

  @Test
  void refusesTextThatIsNoReport() {
    for (String text :
        new String[] {
          "", "{", "[]", "null", "{}", "{\"schemaVersion\":1}", "{\"schemaVersion\":1} x"
        }) {
      assertThatThrownBy(() -> QuantizationReport.fromJson(text))
          .as(text)
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void namesTheTimeItCannotRead() {
    String json = SampleReport.empty().toJson().replace("1970-01-01T00:00:00Z", "yesterday");

    assertThatThrownBy(() -> QuantizationReport.fromJson(json))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("yesterday");
  }
}
