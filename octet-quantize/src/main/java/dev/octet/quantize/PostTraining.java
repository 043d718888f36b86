package dev.octet.quantize;

import dev.octet.core.recipe.Mode;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.calibrate.Calibration;
import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.evaluate.Evaluation;
import dev.octet.quantize.evaluate.LayerComparison;
import dev.octet.quantize.metric.Metric;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Placer;
import dev.octet.quantize.report.QuantizationReport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Quantizes a trained ONNX model: float in, integers out, with a report of what it cost.
 *
 * <pre>{@code
 * QuantizationReport report = PostTraining.of(Path.of("model.onnx"))
 *     .calibrate(Samples.images(Path.of("photos"), Preprocessing.imagenet()))
 *     .evaluate(labelled)
 *     .save(Path.of("model.int8.onnx"));
 * System.out.println(report.summary());
 * }</pre>
 *
 * <p>Not thread-safe; one use each.
 */
public final class PostTraining {
  /** Layers are compared on this many samples: enough for a stable SQNR, quick on any model. */
  private static final int COMPARED_SAMPLES = 16;

  /** Figures do not depend on it; runtimes are faster on several samples. */
  private static final int EVALUATION_BATCH = 8;

  private final Path source;
  private Recipe recipe = Recipe.int8();
  private @Nullable Samples calibrationSamples;
  private @Nullable Samples evaluationSamples;
  private List<Metric> metrics = Metric.standard();
  private boolean sameSet;
  private boolean compareLayers = true;
  private Progress progress = Progress.SILENT;
  private @Nullable Path stateFile;
  private @Nullable Path rangesToRead;
  private @Nullable Path rangesToWrite;
  private final Map<String, Duration> stages = new LinkedHashMap<>();

  private PostTraining(Path source) {
    this.source = source;
  }

  /** Starts with the float model in {@code model}. */
  public static PostTraining of(Path model) {
    return new PostTraining(model);
  }

  /** Sets what to do; {@link Recipe#int8()} unless set. */
  public PostTraining recipe(Recipe value) {
    recipe = value;
    return this;
  }

  /** Sets the samples that activation ranges are learned from; all that are given are used. */
  public PostTraining calibrate(Samples samples) {
    calibrationSamples = samples;
    return this;
  }

  /** Sets the samples that the result is judged on, with {@link Metric#standard()}. */
  public PostTraining evaluate(Samples samples) {
    return evaluate(samples, Metric.standard());
  }

  /** Sets the samples and the metrics that the result is judged by. */
  public PostTraining evaluate(Samples samples, List<Metric> judges) {
    evaluationSamples = samples;
    metrics = List.copyOf(judges);
    return this;
  }

  /** Says that calibration and evaluation read the same samples, so that the report can warn. */
  public PostTraining sameSet(boolean value) {
    sameSet = value;
    return this;
  }

  /**
   * Sets whether the layers of the result are compared with the float model's on a few samples;
   * true unless set. The report has no error of layers without.
   */
  public PostTraining compareLayers(boolean value) {
    compareLayers = value;
    return this;
  }

  /** Tells {@code listener} how far the work has come. */
  public PostTraining progress(Progress listener) {
    progress = listener;
    return this;
  }

  /**
   * Saves the state of calibration to {@code file} as it goes, and carries on from it where it is
   * there: an interrupted run continues with the same result, bit for bit. Deleted at the end.
   */
  public PostTraining resumable(Path file) {
    stateFile = file;
    return this;
  }

  /** Takes ranges from a file that {@link #saveRanges} wrote instead of calibrating. */
  public PostTraining ranges(Path file) {
    rangesToRead = file;
    return this;
  }

  /** Writes what calibration learned to {@code file}, for {@link #ranges}. */
  public PostTraining saveRanges(Path file) {
    rangesToWrite = file;
    return this;
  }

  /**
   * Does the work and writes the result to {@code target}, which appears complete or not at all.
   *
   * @throws NothingToQuantizeException if the model has nothing that the recipe quantizes; nothing
   *     is written then
   * @throws dev.octet.graph.ModelException if the model cannot be read or written
   * @throws DataException if samples are needed and missing, or cannot be read
   */
  public QuantizationReport save(Path target) {
    Instant started = Instant.now();
    Model original = timed("read", () -> OnnxReader.read(source));
    Model reference = timed("prepare", () -> Preparation.prepare(original.copy(), recipe));
    List<String> adjustments = timed("adjust", () -> adjust(reference));
    Model model = reference.copy();
    Placement placement = timed("place", () -> Placer.place(model.graph(), recipe));
    boolean halves = recipe.mode() == Mode.FLOAT16 && !placement.quantized().isEmpty();
    if (placement.weights().isEmpty() && placement.groups().isEmpty() && !halves) {
      throw new NothingToQuantizeException(nothing(placement));
    }
    Calibration.Result seen = timed("calibrate", () -> calibration(reference, placement));
    ModelQuantizer.Result quantized =
        timed("quantize", () -> ModelQuantizer.quantize(model, placement, recipe, seen));
    Evaluation evaluation = timed("evaluate", () -> evaluation(original, model));
    LayerComparison comparison = timed("compare layers", () -> comparison(reference, model));
    timed(
        "write",
        () -> {
          OnnxWriter.write(model, target);
          return 0;
        });
    return new ReportBuilder(source, target, recipe, started, reference, placement, quantized, seen)
        .stages(stages)
        .warnings(adjustments)
        .data(calibrationSamples, evaluationSamples, sameSet)
        .evaluation(evaluation)
        .comparison(comparison)
        .build();
  }

  private List<String> adjust(Model reference) {
    FloatAdjustments adjustments = new FloatAdjustments(reference, recipe, progress);
    adjustments.equalize();
    adjustments.smooth(calibrationSamples, stateFile);
    return adjustments.warnings();
  }

  private Calibration.Result calibration(Model reference, Placement placement) {
    Calibration calibration =
        Calibration.of(reference).batchSize(recipe.batchSize()).progress(progress);
    ModelQuantizer.watch(calibration, placement, recipe);
    if (!calibration.watchesAnything()) {
      return Calibration.Result.NOTHING;
    }
    if (rangesToRead != null) {
      return RangesFile.read(rangesToRead, calibration);
    }
    Samples samples = calibrationSamples;
    if (samples == null) {
      if (recipe.mode() != Mode.STATIC) {
        return Calibration.Result.NOTHING; // only bias correction would use them
      }
      throw new DataException(
          "static quantization needs samples to learn activation ranges from; give some, or choose"
              + " a dynamic or weight-only recipe");
    }
    Path file = stateFile;
    if (file != null) {
      calibration.resumable(file, Fingerprint.of(reference, recipe, samples));
    }
    Calibration.Result result = calibration.run(samples);
    if (rangesToWrite != null) {
      RangesFile.write(rangesToWrite, result);
    }
    if (file != null) {
      delete(file);
      delete(FloatAdjustments.stateFile(file));
    }
    return result;
  }

  private @Nullable Evaluation evaluation(Model original, Model model) {
    Samples samples = evaluationSamples;
    return samples == null
        ? null
        : Evaluation.run(model, original, samples, EVALUATION_BATCH, metrics, progress);
  }

  private @Nullable LayerComparison comparison(Model reference, Model model) {
    Samples samples = evaluationSamples != null ? evaluationSamples : calibrationSamples;
    return samples == null || !compareLayers
        ? null
        : LayerComparison.run(
            reference,
            model,
            samples.limit(COMPARED_SAMPLES),
            1,
            LayerComparison.commonValues(reference, model),
            progress);
  }

  private String nothing(Placement placement) {
    List<String> reasons = new ArrayList<>();
    placement.kept().forEach((node, reason) -> reasons.add("'" + node.label() + "': " + reason));
    return "'"
        + source
        + "' has nothing to quantize: no "
        + (recipe.mode() == Mode.FLOAT16
            ? "large float constant is left to store in 16 bits"
            : "Conv, ConvTranspose, Gemm, MatMul, Gather, LSTM, GRU or RNN"
                + " with constant float weights is left to quantize")
        + (reasons.isEmpty()
            ? ""
            : " (" + String.join("; ", reasons.subList(0, Math.min(3, reasons.size()))) + ")");
  }

  private <T extends @Nullable Object> T timed(String stage, Supplier<T> work) {
    long start = System.nanoTime();
    T result = work.get();
    stages.merge(stage, Duration.ofNanos(System.nanoTime() - start), Duration::plus);
    return result;
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
