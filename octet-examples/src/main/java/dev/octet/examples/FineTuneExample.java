package dev.octet.examples;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.DataSet;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.data.SamplesOptions;
import dev.octet.quantize.demo.DemoImages;
import dev.octet.quantize.demo.DemoModel;
import dev.octet.quantize.run.ModelInputs;
import dev.octet.torch.qat.FineTuning;
import dev.octet.torch.train.Score;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Imports an ONNX model, quantizes it to 4-bit weights, and wins back by fine-tuning what that
 * costs: {@code octet train-qat} as a program.
 *
 * <p>Usage: {@code octet-examples/run finetune [MODEL DATA]}; without arguments, the demo model and
 * drawn images in a temporary folder.
 */
public final class FineTuneExample {
  private FineTuneExample() {}

  /** Runs it. */
  public static void main(String[] args) throws Exception {
    Path model;
    Path images;
    SamplesOptions options = SamplesOptions.defaults();
    if (args.length == 2) {
      model = Path.of(args[0]);
      images = Path.of(args[1]);
    } else {
      Path folder = Files.createTempDirectory("octet-finetune");
      model = Files.write(folder.resolve("demo.onnx"), DemoModel.onnx());
      images = folder.resolve("images");
      new DemoImages(DemoImages.TRAINING_SEED).write(images.resolve("train"), 6_000);
      new DemoImages(DemoImages.EVALUATION_SEED).write(images.resolve("test"), 1_000);
      options = options.withPreprocessing(DemoModel.preprocessing());
    }
    DataSet data = Samples.open(images, ModelInputs.of(OnnxReader.read(model).graph()), options);
    Path target = Path.of("finetuned.w4a8.onnx");
    FineTuning.Result result =
        FineTuning.of(model)
            .recipe(Recipe.preset("w4a8-channel"))
            .epochs(2)
            .learningRate(0.005)
            .distill(0.5, 2)
            .save(data, target);
    System.out.printf(
        Locale.ROOT, "float                   top-1 %.2f %%%n", 100 * accuracy(result.floating()));
    System.out.printf(
        Locale.ROOT, "calibrated              top-1 %.2f %%%n", 100 * accuracy(result.before()));
    System.out.printf(
        Locale.ROOT, "fine-tuned, as integers top-1 %.2f %%%n", 100 * result.after().value("top1"));
    System.out.println(
        target + ": " + result.bytes() + " bytes, the float model " + result.floatBytes());
  }

  private static double accuracy(@Nullable Score score) {
    return score == null ? Double.NaN : score.accuracy();
  }
}
