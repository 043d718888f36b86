package dev.octet.cli;

import dev.octet.core.recipe.PreprocessingSpec;
import dev.octet.quantize.data.DataSet;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.data.SamplesOptions;
import dev.octet.quantize.data.SkipPolicy;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where samples come from. */
final class DataOptions {
  @Option(
      names = {"-d", "--data"},
      paramLabel = "PATH",
      description = {
        "Samples: a folder of images (labels from sub-folders, leading numbers or labels.csv),"
            + " CIFAR-10 binary or MNIST idx files or a folder of them, .npy, .npz, a folder of"
            + " .npy named after the model's inputs, or a CSV of token ids.",
        "A training part serves calibration and a test part evaluation."
      })
  private @Nullable Path data;

  @Option(
      names = "--labels",
      paramLabel = "CSV",
      description = "Labels for a folder of images: lines of file,label.")
  private @Nullable Path labels;

  @Option(
      names = "--max-skipped",
      paramLabel = "N",
      description =
          "Samples that may be unreadable in one pass before it is an error (default: "
              + SkipPolicy.DEFAULT_LIMIT
              + ").")
  private int maxSkipped = SkipPolicy.DEFAULT_LIMIT;

  @Option(
      names = "--evaluate-samples",
      paramLabel = "N",
      description = "Evaluate on so many samples (default: all).")
  private long evaluateSamples = Long.MAX_VALUE;

  /** The path for everything, or null. */
  @Nullable Path path() {
    return data;
  }

  /** The path for everything, where a command cannot do without. */
  Path required() {
    if (data == null) {
      throw new OptionException("no samples are given; add --data PATH");
    }
    return data;
  }

  /**
   * Opens {@code path} for a model with these inputs; skipped samples are told to the console, and
   * how images are prepared where nobody said so: a wrong guess costs accuracy and is no error.
   */
  DataSet open(
      Path path,
      List<ModelInput> inputs,
      PreprocessingOptions preprocessing,
      @Nullable PreprocessingSpec recipe,
      Console console) {
    if (maxSkipped < 0) {
      throw new OptionException("--max-skipped", maxSkipped, "choose 0 or more");
    }
    SamplesOptions options =
        preprocessing
            .applyTo(SamplesOptions.defaults(), recipe)
            .withSkipPolicy(new SkipPolicy(maxSkipped, console::warn));
    if (labels != null) {
      options = options.withLabels(labels);
    }
    DataSet found = Samples.open(path, inputs, options);
    found
        .preprocessing()
        .ifPresent(
            how -> {
              if (recipe == null && preprocessing.none()) {
                console.note(
                    "images, by guess: " + how.summary() + "; --mean, --std and so on change it");
              } else {
                console.detail("images: " + how.summary());
              }
            });
    return found;
  }

  /** As many samples of {@code all} as evaluation is to use. */
  Samples forEvaluation(Samples all) {
    CountOption.check("--evaluate-samples", evaluateSamples);
    return evaluateSamples == Long.MAX_VALUE ? all : all.representative(evaluateSamples);
  }
}
