package dev.octet.examples;

import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.InputBinding;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.data.SamplesOptions;
import dev.octet.quantize.demo.DemoImages;
import dev.octet.quantize.demo.DemoModel;
import dev.octet.quantize.run.ModelInputs;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Augmentation;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.data.ImageView;
import dev.octet.torch.data.TrainingData;
import dev.octet.torch.graph.LayerGraph;
import dev.octet.torch.graph.TorchGraph;
import dev.octet.torch.quant.flow.ParameterGroups;
import dev.octet.torch.trace.Trace;
import dev.octet.torch.train.LearningRate;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.Trainer;
import dev.octet.workflows.distiller.schedule.CompressionScheduler;
import dev.octet.workflows.distiller.schedule.Schedule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Distiller's way: an imported network of layers, a compression schedule in YAML, and training with
 * 4-bit weights and activations. The first convolution and the last layer stay float, as the papers
 * have it, and the float network is the teacher. {@code range} quantizes the model's input, so the
 * first convolution has 8-bit weights there: a runtime that sees integers go in and come out would
 * round float ones in its own way.
 *
 * <p>Usage: {@code octet-examples/run distiller [METHOD [EPOCHS [SEED [MODEL CIFAR10]]]]}. METHOD
 * is {@code dorefa}, {@code pact}, {@code wrpn} or {@code range}; without a model and data, the
 * demo model learns drawn figures.
 */
public final class DistillerExample {
  private static final int BATCH = 64;
  private static final double RATE = 0.02;

  private DistillerExample() {}

  /** Runs it; the arguments are optional. */
  public static void main(String[] args) throws Exception {
    final String method = args.length > 0 ? args[0] : "pact";
    final int epochs = args.length > 1 ? Integer.parseInt(args[1]) : 4;
    final long seed = args.length > 2 ? Long.parseLong(args[2]) : 1;
    Path file;
    Path images;
    SamplesOptions options = SamplesOptions.defaults();
    if (args.length > 4) {
      file = Path.of(args[3]);
      images = Path.of(args[4]);
    } else {
      file = Files.write(Results.file("demo.onnx"), DemoModel.onnx());
      images = Results.file("images");
      if (!Files.exists(images)) {
        new DemoImages(DemoImages.TRAINING_SEED).write(images.resolve("train"), 6_000);
        new DemoImages(DemoImages.EVALUATION_SEED).write(images.resolve("test"), 1_000);
      }
      options = options.withPreprocessing(DemoModel.preprocessing());
    }

    Model model = OnnxReader.read(file);
    List<ModelInput> inputs = ModelInputs.of(model.graph());
    TrainingData data = TrainingData.of(Samples.open(images, inputs, options));
    InputBinding binding = InputBinding.of(inputs);
    DataLoader training =
        DataLoader.builder(data.training())
            .batchSize(BATCH)
            .shuffle()
            .dropLast()
            .augment(
                Augmentation.of(
                    Augmentation.horizontalFlip(0.5),
                    Augmentation.randomCrop(32, 32, 4, ImageView.Padding.ZERO)))
            .seed(seed)
            .inputs(binding)
            .build();
    DataLoader heldOut =
        DataLoader.builder(data.evaluation()).batchSize(100).inputs(binding).build();

    Torch.seed(seed);
    Results results = new Results(heldOut);
    try (TorchGraph floating = TorchGraph.of(model);
        LayerGraph net = LayerGraph.of(model)) {
      results.add("float", floating);
      List<String> layers = layersWithWeights(net);

      // 1. What is quantized, and when, is a text.
      Schedule schedule =
          Schedule.read(
              schedule(method, layers.get(0), layers.get(layers.size() - 1), epochs), method);
      try (Optimizer optimizer =
              Optimizer.sgd(ParameterGroups.of(net).forOptimizer(RATE, 1e-4), 0.9, false);
          CompressionScheduler scheduler = schedule.apply(net, optimizer, epochs, floating)) {
        results.add("quantized, not trained", net);

        // 2. Weights and clips learn to live with 16 levels.
        Trainer.builder(net, optimizer)
            .stopWhen(Results.interrupted())
            .epochs(epochs)
            .learningRate(LearningRate.cosine(0.01))
            .callbacks(scheduler)
            .listener(Results.progress(method))
            .build()
            .fit(training, heldOut);
      }
      results.add(method + ", W4A4, seed " + seed, net);

      // 3. Integers. Of 4-bit inputs and weights a bias has coarse steps, and its rounding shows.
      Path target = Results.file("distiller." + method + ".onnx");
      try (Epoch epoch = training.epoch(0);
          Batch batch = epoch.next()) {
        Trace trace = net.trace();
        trace.roundBiases(batch.input());
        results.add("biases rounded as in integers", net);
        trace.write(target, batch.input());
      }
      results.addIntegers(target, net);
    }
    results.print();
  }

  private static List<String> layersWithWeights(LayerGraph net) {
    return net.parameters().entrySet().stream()
        .filter(each -> each.getKey().endsWith(".weight") && each.getValue().dim() > 1)
        .map(Map.Entry::getKey)
        .map(name -> name.substring(0, name.length() - ".weight".length()))
        .toList();
  }

  private static String schedule(String method, String first, String last, int epochs) {
    String quantizer =
        switch (method) {
          case "dorefa" -> "class: DorefaQuantizer";
          case "pact" -> "class: PACTQuantizer\n    act_clip_decay: 0.0005";
          case "wrpn" -> "class: WRPNQuantizer";
          case "range" ->
              """
              class: QuantAwareTrainRangeLinearQuantizer
                  ema_decay: 0.99
                  per_channel_wts: true
                  num_bits_inputs: 8
                  mode: {activations: ASYMMETRIC_UNSIGNED, weights: SYMMETRIC_RESTRICTED}"""
                  .stripTrailing();
          default ->
              throw new IllegalArgumentException(
                  "no method '" + method + "'; there are dorefa, pact, wrpn and range");
        };
    return """
        quantizers:
          four_bits:
            %s
            bits_activations: 4
            bits_weights: 4
            overrides:
              %s: {bits_weights: %s, bits_activations: null}
              %s: {bits_weights: null, bits_activations: null}
        extensions:
          teacher:
            class: KnowledgeDistillationPolicy
        policies:
          - quantizer: {instance_name: four_bits}
            starting_epoch: 0
            ending_epoch: %d
            frequency: 1
          - extension: {instance_name: teacher}
            starting_epoch: 0
            ending_epoch: %d
            frequency: 1
        """
        .formatted(quantizer, first, method.equals("range") ? "8" : "null", last, epochs, epochs);
  }
}
