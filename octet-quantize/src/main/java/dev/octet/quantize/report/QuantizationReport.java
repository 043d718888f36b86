package dev.octet.quantize.report;

import dev.octet.graph.onnx.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a quantization, or a comparison of two models, did and cost. Every part but {@code run} may
 * be missing: what a report does not know is null or an empty list, and the summary and the page
 * leave it out.
 *
 * <p>Immutable and safe to share between threads. Two reports with equal parts are equal, and a
 * report survives JSON unchanged: {@code fromJson(report.toJson()).equals(report)}.
 *
 * @param run who ran what, when and with which settings
 * @param size how large the model was and is; null when unknown
 * @param data which samples were used; null when none were
 * @param stages how long each stage took, in the order they ran
 * @param layers what became of each node, in execution order
 * @param tensors how each tensor was quantized
 * @param outputs how far each output of the model moved
 * @param metrics measures of quality, the most telling first
 * @param warnings what the user should know although the run succeeded
 */
public record QuantizationReport(
    RunInfo run,
    @Nullable ModelSize size,
    @Nullable DataUse data,
    List<StageTime> stages,
    List<LayerReport> layers,
    List<TensorReport> tensors,
    List<OutputReport> outputs,
    List<MetricResult> metrics,
    List<Warning> warnings) {

  /** Copies the lists; refuses a missing run. */
  public QuantizationReport {
    Objects.requireNonNull(run, "run");
    stages = List.copyOf(stages);
    layers = List.copyOf(layers);
    tensors = List.copyOf(tensors);
    outputs = List.copyOf(outputs);
    metrics = List.copyOf(metrics);
    warnings = List.copyOf(warnings);
  }

  /** Starts a report of the given run. */
  public static Builder of(RunInfo run) {
    return new Builder(run);
  }

  /** The warnings, headed by one about the data if {@link DataUse#sameSetWarning} has one. */
  public List<Warning> allWarnings() {
    List<Warning> all = new ArrayList<>();
    if (data != null) {
      data.sameSetWarning().ifPresent(text -> all.add(new Warning("data", text)));
    }
    all.addAll(warnings);
    return List.copyOf(all);
  }

  /**
   * The report for a terminal: what it cost in words, then sizes, metrics, the five layers furthest
   * from the float model, what stays in float and why, warnings and times, in aligned columns.
   * Names from the model cannot move the cursor: control characters are replaced.
   *
   * @return lines that end in a line feed, about 80 columns wide unless names are long
   */
  public String summary() {
    return ReportSummary.of(this);
  }

  /**
   * The report as JSON, indented, with a {@code schemaVersion}. Numbers that JSON cannot write are
   * the strings {@code "NaN"}, {@code "Infinity"} and {@code "-Infinity"}; times are ISO-8601.
   */
  public String toJson() {
    return ReportJson.write(this);
  }

  /**
   * Reads what {@link #toJson} wrote. Fields it does not know are ignored, so a newer minor release
   * can be read.
   *
   * @throws IllegalArgumentException if the text is not such a report, or of a newer schema
   */
  public static QuantizationReport fromJson(String json) {
    return ReportJson.read(json);
  }

  /**
   * Writes {@link #toJson} as UTF-8. The file appears complete or not at all; an old file of that
   * name is replaced.
   *
   * @throws IOException if the folder does not exist or cannot be written to; nothing is left
   *     behind then
   */
  public void writeJson(Path file) throws IOException {
    AtomicFile.write(file, toJson());
  }

  /**
   * Writes the report as one HTML page that needs nothing else: styles, scripts and data are
   * inside, it makes no network request, and a content security policy forbids any. As atomic as
   * {@link #writeJson}.
   *
   * @throws IOException if the folder does not exist or cannot be written to; nothing is left
   *     behind then
   */
  public void writeHtml(Path file) throws IOException {
    AtomicFile.write(file, ReportPage.of(this));
  }

  /** Collects the parts of a report; everything not set is missing. */
  public static final class Builder {
    private final RunInfo run;
    private @Nullable ModelSize size;
    private @Nullable DataUse data;
    private final List<StageTime> stages = new ArrayList<>();
    private final List<LayerReport> layers = new ArrayList<>();
    private final List<TensorReport> tensors = new ArrayList<>();
    private final List<OutputReport> outputs = new ArrayList<>();
    private final List<MetricResult> metrics = new ArrayList<>();
    private final List<Warning> warnings = new ArrayList<>();

    private Builder(RunInfo run) {
      this.run = run;
    }

    /** Sets how large the model was and is. */
    public Builder size(@Nullable ModelSize size) {
      this.size = size;
      return this;
    }

    /** Sets which samples were used. */
    public Builder data(@Nullable DataUse data) {
      this.data = data;
      return this;
    }

    /** Adds stages in the order they ran. */
    public Builder stages(List<StageTime> more) {
      stages.addAll(more);
      return this;
    }

    /** Adds layers in execution order. */
    public Builder layers(List<LayerReport> more) {
      layers.addAll(more);
      return this;
    }

    /** Adds tensors. */
    public Builder tensors(List<TensorReport> more) {
      tensors.addAll(more);
      return this;
    }

    /** Adds outputs of the model. */
    public Builder outputs(List<OutputReport> more) {
      outputs.addAll(more);
      return this;
    }

    /** Adds measures of quality. */
    public Builder metrics(List<MetricResult> more) {
      metrics.addAll(more);
      return this;
    }

    /** Adds warnings. */
    public Builder warnings(List<Warning> more) {
      warnings.addAll(more);
      return this;
    }

    /** The report. */
    public QuantizationReport build() {
      return new QuantizationReport(
          run, size, data, stages, layers, tensors, outputs, metrics, warnings);
    }
  }
}
