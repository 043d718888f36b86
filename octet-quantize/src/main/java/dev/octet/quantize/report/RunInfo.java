package dev.octet.quantize.report;

import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Who ran what, when and with which settings.
 *
 * @param toolVersion the version of Octet that made the report
 * @param kind what was done
 * @param modelFile name of the float model; for a comparison, of the reference model
 * @param outputFile name of the model written; for a comparison, of the model under test; null when
 *     nothing was written
 * @param created when the run ended
 * @param settings how the model was quantized; null when unknown, as in a comparison of two given
 *     models
 */
public record RunInfo(
    String toolVersion,
    Kind kind,
    String modelFile,
    @Nullable String outputFile,
    Instant created,
    @Nullable Settings settings) {

  /** What a report is about. */
  public enum Kind {
    /** One model was quantized; the report says what that cost. */
    QUANTIZATION,
    /** Two given models were run side by side. */
    COMPARISON
  }

  /**
   * The choices of the user that decide the result.
   *
   * @param recipeName name of the recipe, such as {@code int8}
   * @param recipeYaml the whole recipe as YAML text, as it was applied; empty when there is none
   * @param target the runtime the model is meant for, such as {@code onnxruntime}
   * @param mode how activations get their ranges, such as {@code static} or {@code dynamic}
   * @param format the form of the written model, such as {@code qdq}
   */
  public record Settings(
      String recipeName, String recipeYaml, String target, String mode, String format) {
    /** Refuses missing parts. */
    public Settings {
      Objects.requireNonNull(recipeName, "recipeName");
      Objects.requireNonNull(recipeYaml, "recipeYaml");
      Objects.requireNonNull(target, "target");
      Objects.requireNonNull(mode, "mode");
      Objects.requireNonNull(format, "format");
    }
  }

  /** Refuses missing parts. */
  public RunInfo {
    Objects.requireNonNull(toolVersion, "toolVersion");
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(modelFile, "modelFile");
    Objects.requireNonNull(created, "created");
  }
}
