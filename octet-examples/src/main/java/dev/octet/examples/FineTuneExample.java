package dev.octet.examples;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.data.DataSet;
import dev.octet.quantize.data.InputBinding;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.data.SamplesOptions;
import dev.octet.quantize.demo.DemoImages;
import dev.octet.quantize.demo.DemoModel;
import dev.octet.quantize.run.ModelInputs;
import dev.octet.torch.Torch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.TrainingData;
import dev.octet.torch.graph.QuantizedGraph;
import dev.octet.torch.graph.TorchGraph;
import dev.octet.torch.quant.flow.ParameterGroups;
import dev.octet.torch.train.Distillation;
import dev.octet.torch.train.LearningRate;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.Trainer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Imports an ONNX model, quantizes it to 4-bit weights, and wins back by fine-tuning what that
 * costs. {@code octet train-qat} and {@code FineTuning} do this in one call; here are its steps.
 *
 * <p>Usage: {@code octet-examples/run finetune [MODEL DATA]}; without arguments, the demo model and
 * drawn images.
 */
public final class FineTuneExample {
  private static final int BATCH = 64;

  private FineTuneExample() {}

  /** Runs it. */
  public static void main(String[] args) throws Exception {
    Path file;
    Path images;
    SamplesOptions options = SamplesOptions.defaults();
    if (args.length == 2) {
      file = Path.of(args[0]);
      images = Path.of(args[1]);
    } else {
      file = Files.write(Results.file("demo.onnx"), DemoModel.onnx());
      images = Results.file("images");
      if (!Files.exists(images)) {
        new DemoImages(DemoImages.TRAINING_SEED).write(images.resolve("train"), 6_000);
        new DemoImages(DemoImages.EVALUATION_SEED).write(images.resolve("test"), 1_000);
      }
      options = options.withPreprocessing(DemoModel.preprocessing());
    }

    // 1. The model, and samples bound to its inputs.
    Model model = OnnxReader.read(file);
    List<ModelInput> inputs = ModelInputs.of(model.graph());
    DataSet samples = Samples.open(images, inputs, options);
    TrainingData data = TrainingData.of(samples);
    InputBinding binding = InputBinding.of(inputs);
    DataLoader training =
        DataLoader.builder(data.training())
            .batchSize(BATCH)
            .shuffle()
            .dropLast()
            .seed(1)
            .inputs(binding)
            .build();
    DataLoader heldOut =
        DataLoader.builder(data.evaluation()).batchSize(100).inputs(binding).build();

    Torch.seed(1);
    Results results = new Results(heldOut);
    Recipe recipe = Recipe.preset("w4a8-channel");
    try (TorchGraph floating = TorchGraph.of(model);
        QuantizedGraph net = QuantizedGraph.of(model, recipe, QuantizedGraph.BatchNorms.FOLDED)) {
      results.add("float", floating);

      // 2. Ranges of activations, as the recipe's method finds them.
      net.calibrate(samples.calibration().representative(recipe.samples()));
      results.add("calibrated", net);

      // 3. Weights learn to live with 4 bits, half by the labels and half by the float model.
      try (Optimizer optimizer =
          Optimizer.sgd(ParameterGroups.of(net).forOptimizer(0.005, 1e-4), 0.9, false)) {
        Trainer.builder(net, optimizer)
            .stopWhen(Results.interrupted())
            .epochs(2)
            .learningRate(LearningRate.cosine(0.01))
            .distillation(new Distillation(floating, 0.5, 2))
            .listener(Results.progress("fine-tuning"))
            .build()
            .fit(training, heldOut);
      }
      results.add("fine-tuned", net);

      // 4. Integers.
      Path target = Results.file("finetuned.w4a8.onnx");
      OnnxWriter.write(net.toQuantizedModel(), target);
      results.addIntegers(target, net);
    }
    results.print();
  }
}
