package dev.octet.examples;

import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.rules.Rules;
import dev.octet.quantize.data.SamplesOptions;
import dev.octet.quantize.demo.DemoImages;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Augmentation;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Dataset;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.data.TrainingData;
import dev.octet.torch.models.ResNet;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.flow.Calibration;
import dev.octet.torch.quant.flow.ParameterGroups;
import dev.octet.torch.quant.nn.QuantModules;
import dev.octet.torch.quant.nn.Replacement;
import dev.octet.torch.trace.Trace;
import dev.octet.torch.train.LearningRate;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.ParameterGroup;
import dev.octet.torch.train.Trainer;
import java.nio.file.Path;
import java.util.List;

/**
 * The flow of the pytorch-quantization toolkit's ResNet notebook: train a float network, calibrate
 * its quantized form by four methods, fine-tune it with the ranges held, export it as int8.
 *
 * <p>Usage: {@code octet-examples/run cnn [EPOCHS [CIFAR10]]}. Without a folder of CIFAR-10 binary
 * files it learns the demo's drawn figures.
 */
public final class CnnExample {
  private static final int BATCH = 64;
  private static final int CALIBRATION_BATCHES = 8;

  private CnnExample() {}

  /** Runs it; the arguments are optional. */
  public static void main(String[] args) throws Exception {
    final int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 8;
    Dataset training;
    Dataset heldOut;
    int classes;
    if (args.length > 1) {
      TrainingData data = TrainingData.open(Path.of(args[1]), List.of(), SamplesOptions.defaults());
      training = data.training();
      heldOut = data.evaluation();
      classes = 10;
    } else {
      training = DrawnImages.of(DemoImages.TRAINING_SEED, 12_000);
      heldOut = DrawnImages.of(DemoImages.EVALUATION_SEED, 2_000);
      classes = DemoImages.CLASSES;
    }
    DataLoader batches =
        DataLoader.builder(training)
            .batchSize(BATCH)
            .shuffle()
            .dropLast()
            .augment(Augmentation.cifar10())
            .seed(1)
            .build();
    final DataLoader evaluation = DataLoader.builder(heldOut).batchSize(200).build();

    // 1. A float network.
    Torch.seed(1);
    try (Module net = ResNet.cifar20(classes)) {
      train("float", net, batches, epochs, 0.1);
      Results results = new Results(evaluation);
      results.add("float", net);

      // 2. The same network with quantizers in its layers; weights and all are shared.
      Replacement quantized = QuantModules.replace(net, Rules.NONE);
      System.out.println(quantized.replaced().size() + " layers are quantized, such as");
      System.out.println("  " + quantized.replaced().get(0).quantized());

      // 3. Ranges from a few hundred training images. One collection serves every method.
      collect(net, batches);
      for (String method : List.of("minmax", "percentile:99.99", "entropy", "mse")) {
        Calibration.loadAmax(net, RangeMethod.parse(method));
        results.add("calibrated, " + method, net);
      }

      // 4. Fine-tuning: the ranges stay, the weights learn to live with them.
      train("fine-tuning", net, batches, Math.max(1, epochs / 4), 0.001);
      results.add("fine-tuned, mse", net);

      // 5. Real integers.
      Path file = Results.file("cnn.int8.onnx");
      try (Epoch epoch = batches.epoch(0);
          Batch batch = epoch.next()) {
        Trace trace = Trace.of(net).input("image").output("logits");
        trace.roundBiases(batch.input());
        trace.write(file, batch.input());
      }
      results.addIntegers(file, net);
      results.print();
    }
  }

  private static void collect(Module net, DataLoader batches) {
    Calibration.collect(
        net,
        () -> {
          try (Epoch epoch = batches.epoch(0)) {
            for (int i = 0; i < CALIBRATION_BATCHES; i++) {
              try (Batch batch = epoch.next();
                  Scope scope = Scope.open()) {
                net.call(batch.input());
              }
            }
          }
        });
  }

  private static void train(String stage, Module net, DataLoader batches, int epochs, double rate) {
    List<ParameterGroup> groups = ParameterGroups.of(net).forOptimizer(rate, 1e-4);
    try (Optimizer optimizer = Optimizer.sgd(groups, 0.9, false)) {
      Trainer.builder(net, optimizer)
          .stopWhen(Results.interrupted())
          .epochs(epochs)
          .learningRate(LearningRate.cosine(0.01))
          .listener(Results.progress(stage))
          .build()
          .fit(batches, null);
    }
  }
}
