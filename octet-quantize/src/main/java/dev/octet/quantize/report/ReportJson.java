package dev.octet.quantize.report;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.deser.std.FromStringDeserializer;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Function;

/** The report's JSON form: the records as they are, plus a version. */
final class ReportJson {
  /**
   * Raised when an old reader would misunderstand a new report; new optional fields do not raise
   * it.
   */
  static final int SCHEMA_VERSION = 1;

  private static final String VERSION_FIELD = "schemaVersion";

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .addModule(
              new SimpleModule()
                  .addSerializer(Instant.class, new ToStringSerializer(Instant.class))
                  .addSerializer(Duration.class, new ToStringSerializer(Duration.class))
                  .addDeserializer(Instant.class, new IsoText<>(Instant.class, Instant::parse))
                  .addDeserializer(Duration.class, new IsoText<>(Duration.class, Duration::parse)))
          .defaultPropertyInclusion(
              JsonInclude.Value.construct(JsonInclude.Include.NON_NULL, JsonInclude.Include.ALWAYS))
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private ReportJson() {}

  static String write(QuantizationReport report) {
    return print(tree(report), true);
  }

  /** The report as a JSON object that may be extended before it is printed. */
  static ObjectNode tree(QuantizationReport report) {
    ObjectNode root = object().put(VERSION_FIELD, SCHEMA_VERSION);
    return root.setAll((ObjectNode) MAPPER.valueToTree(report));
  }

  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  static String print(JsonNode node, boolean indented) {
    try {
      return indented
          ? MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(node) + "\n"
          : MAPPER.writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a report of plain data could not be written as json", e);
    }
  }

  static QuantizationReport read(String json) {
    try {
      JsonNode root = MAPPER.readTree(json);
      int version = root.path(VERSION_FIELD).asInt(0);
      if (version < 1 || version > SCHEMA_VERSION) {
        throw new IllegalArgumentException(
            "report has '%s' %s but this version reads 1 to %d; %s"
                .formatted(
                    VERSION_FIELD,
                    root.path(VERSION_FIELD),
                    SCHEMA_VERSION,
                    version > SCHEMA_VERSION
                        ? "read it with a newer Octet"
                        : "give a file that 'writeJson' wrote"));
      }
      return MAPPER.treeToValue(root, QuantizationReport.class);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "text is not a quantization report: "
              + e.getOriginalMessage()
              + "; give a file that 'writeJson' wrote",
          e);
    }
  }

  /** Reads a time from its ISO-8601 text. */
  private static final class IsoText<T> extends FromStringDeserializer<T> {
    private static final long serialVersionUID = 1L;

    private final transient Function<CharSequence, T> parse;

    IsoText(Class<T> type, Function<CharSequence, T> parse) {
      super(type);
      this.parse = parse;
    }

    @Override
    protected T _deserialize(String text, DeserializationContext context) {
      return parse.apply(text); // a DateTimeParseException becomes a message that names the field
    }
  }
}
