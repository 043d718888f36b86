package dev.octet.quantize;

import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.graph.pass.Passes;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.evaluate.Evaluation;
import dev.octet.quantize.evaluate.LayerComparison;
import dev.octet.quantize.inspect.QuantizedModel;
import dev.octet.quantize.metric.Difference;
import dev.octet.quantize.metric.Metric;
import dev.octet.quantize.report.DataUse;
import dev.octet.quantize.report.LayerReport;
import dev.octet.quantize.report.ModelSize;
import dev.octet.quantize.report.QuantizationReport;
import dev.octet.quantize.report.RunInfo;
import dev.octet.quantize.report.StageTime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Runs a float model and another form of it side by side, and says how far they are apart: at the
 * outputs, and layer by layer.
 *
 * <p>Layers are matched by the names of what they compute, after the float model was simplified as
 * a quantizer does it; a layer whose value the other model does not have is left out. Not
 * thread-safe; one use each.
 */
public final class ModelComparison {
  private final Path referenceFile;
  private final Path modelFile;
  private int batchSize = 8;
  private long layerSamples = 16;
  private Progress progress = Progress.SILENT;
  private final List<StageTime> stages = new ArrayList<>();

  private ModelComparison(Path reference, Path model) {
    referenceFile = reference;
    modelFile = model;
  }

  /** Compares {@code model} with the float model {@code reference}. */
  public static ModelComparison of(Path reference, Path model) {
    return new ModelComparison(reference, model);
  }

  /** Sets the samples in a batch, where the models leave that open; 8 unless set. */
  public ModelComparison batchSize(int samples) {
    batchSize = samples;
    return this;
  }

  /** Sets on how many samples layers are compared; 16 unless set. Outputs are on all. */
  public ModelComparison layerSamples(long samples) {
    layerSamples = samples;
    return this;
  }

  /** Tells {@code listener} how far the work has come. */
  public ModelComparison progress(Progress listener) {
    progress = listener;
    return this;
  }

  /**
   * Runs both models.
   *
   * @throws ModelException if a model cannot be read, or their inputs or outputs differ
   * @throws dev.octet.quantize.data.DataException if the samples cannot be read
   * @throws dev.octet.quantize.run.RunException if the runtime refuses a model
   */
  public QuantizationReport run(Samples samples) {
    Model reference = timed("read", () -> OnnxReader.read(referenceFile));
    Model model = OnnxReader.read(modelFile);
    checkAlike(reference, model);
    // A quantizer folds normalizations into convolutions; layers of what it started from match.
    Model folded = reference.copy();
    timed("prepare", () -> Passes.simplify(folded));
    List<String> names = LayerComparison.commonValues(folded, model);
    Evaluation evaluation =
        timed(
            "evaluate",
            () ->
                Evaluation.run(model, reference, samples, batchSize, Metric.standard(), progress));
    LayerComparison layers =
        timed(
            "compare layers",
            () ->
                LayerComparison.run(
                    folded, model, samples.representative(layerSamples), 1, names, progress));
    return QuantizationReport.of(
            new RunInfo(
                Version.TEXT,
                RunInfo.Kind.COMPARISON,
                String.valueOf(referenceFile.getFileName()),
                String.valueOf(modelFile.getFileName()),
                Instant.now(),
                null))
        .size(new ModelSize(bytes(referenceFile), bytes(modelFile), parameters(reference)))
        .data(
            new DataUse(
                null, new DataUse.SampleSet(samples.description(), evaluation.samples(), 0), false))
        .stages(stages)
        .layers(layers(folded, model, layers))
        .outputs(Judgement.outputs(evaluation))
        .metrics(Judgement.metrics(evaluation))
        .build();
  }

  private void checkAlike(Model reference, Model model) {
    checkAlike("inputs", names(reference, true), names(model, true));
    checkAlike("outputs", names(reference, false), names(model, false));
  }

  private void checkAlike(String what, List<String> expected, List<String> actual) {
    if (!expected.equals(actual)) {
      throw new ModelException(
          "'%s' has %s %s, '%s' has %s; compare two forms of one model"
              .formatted(referenceFile, what, expected, modelFile, actual));
    }
  }

  private static List<String> names(Model model, boolean inputs) {
    return inputs
        ? model.graph().inputs().stream()
            .filter(input -> input.initializer() == null)
            .map(Value::name)
            .toList()
        : model.graph().outputs().stream().map(Value::name).toList();
  }

  private static List<LayerReport> layers(
      Model reference, Model model, LayerComparison comparison) {
    List<LayerReport> layers = new ArrayList<>();
    QuantizedModel integers = new QuantizedModel(model.graph());
    for (Node node : reference.graph().nodes()) {
      Value output =
          node.outputs().stream().filter(value -> value != null).findFirst().orElse(null);
      Difference difference = output == null ? null : comparison.byValue().get(output.name());
      if (output == null || difference == null) {
        continue;
      }
      Value twin = model.graph().value(output.name());
      Node other = twin == null ? null : twin.producer();
      layers.add(
          LayerReport.compared(
                  node.label(), node.op(), other != null && integers.isQuantized(other))
              .output(difference.sqnr(), difference.cosine())
              .build());
    }
    return layers;
  }

  private static long parameters(Model model) {
    return model.graph().values().stream()
        .map(Value::initializer)
        .filter(tensor -> tensor != null && tensor.type().isFloat())
        .mapToLong(Tensor::elementCount)
        .sum();
  }

  private static long bytes(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private <T> T timed(String stage, Supplier<T> work) {
    long start = System.nanoTime();
    T result = work.get();
    stages.add(new StageTime(stage, Duration.ofNanos(System.nanoTime() - start)));
    return result;
  }
}
