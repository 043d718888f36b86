package dev.octet.examples;

import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.demo.DemoImages;
import dev.octet.quantize.demo.DemoModel;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.models.ModelWeights;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.quant.flow.Calibration;
import dev.octet.torch.quant.flow.ParameterGroups;
import dev.octet.torch.quant.flow.Quantizers;
import dev.octet.torch.quant.nn.QuantConv2d;
import dev.octet.torch.quant.nn.QuantModules;
import dev.octet.torch.trace.Trace;
import dev.octet.torch.train.Distillation;
import dev.octet.torch.train.LearningRate;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Builds a network inside {@link QuantModules#initialize}, so that its layers are quantized from
 * the start: 6-bit weights in convolutions, ranges of activations that train, the float network as
 * teacher. Network and float weights are the demo's.
 *
 * <p>Usage: {@code octet-examples/run modules [EPOCHS]}.
 */
public final class ModulesExample {
  private ModulesExample() {}

  /** Runs it. */
  public static void main(String[] args) throws Exception {
    final int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 2;
    DataLoader training =
        DataLoader.builder(DrawnImages.of(DemoImages.TRAINING_SEED, 6_000))
            .batchSize(64)
            .shuffle()
            .dropLast()
            .seed(1)
            .build();
    DataLoader heldOut =
        DataLoader.builder(DrawnImages.of(DemoImages.EVALUATION_SEED, 1_000))
            .batchSize(100)
            .build();
    Results results = new Results(heldOut);
    Torch.seed(1);
    try (Module floating = new DemoModelTraining.DemoNet()) {
      ModelWeights.load(floating, weights(), true);
      results.add("float", floating);

      // The same constructor; what it builds in here is quantized.
      QuantConv2d.DEFAULTS.setWeight(QuantDescriptor.int8Weight(0).toBuilder().bits(6).build());
      try (QuantModules quantized = QuantModules.initialize();
          Module net = new DemoModelTraining.DemoNet()) {
        // Names are as in the float network; quantizers have no state until they have a range.
        ModelWeights.load(net, weights(), true);
        calibrate(net, training);
        results.add("6-bit weights, calibrated", net);

        Quantizers.select(net, "*_input_quantizer*").values().forEach(TensorQuantizer::learnScale);
        System.out.println(Quantizers.summary(net));
        train(net, training, epochs, new Distillation(floating, 0.5, 2));
        results.add("6-bit weights, fine-tuned", net);

        Path file = Results.file("modules.w6a8.onnx");
        try (Epoch epoch = heldOut.epoch(0);
            Batch batch = epoch.next()) {
          Trace trace = Trace.of(net).input("image").output("logits");
          trace.roundBiases(batch.input());
          trace.write(file, batch.input());
        }
        results.addIntegers(file, net);
      } finally {
        QuantConv2d.DEFAULTS.reset(); // Defaults are the whole process's.
      }
    }
    results.print();
  }

  /** The weights of the model that ships with Octet; they have the network's names. */
  private static Map<String, Tensor> weights() throws IOException {
    Path file = Files.write(Results.file("demo.onnx"), DemoModel.onnx());
    Map<String, Tensor> weights = new LinkedHashMap<>();
    for (Value value : OnnxReader.read(file).graph().values()) {
      Tensor tensor = value.initializer();
      if (tensor != null && !value.name().contains("/constant")) {
        weights.put(value.name(), tensor);
      }
    }
    return weights;
  }

  private static void calibrate(Module net, DataLoader batches) {
    Calibration.collect(
        net,
        () -> {
          try (Epoch epoch = batches.epoch(0)) {
            for (int i = 0; i < 8; i++) {
              try (Batch batch = epoch.next();
                  Scope scope = Scope.open()) {
                net.call(batch.input());
              }
            }
          }
        });
    Calibration.loadAmax(net, new RangeMethod.Mse());
  }

  private static void train(Module net, DataLoader batches, int epochs, Distillation teacher) {
    try (Optimizer optimizer =
        Optimizer.sgd(ParameterGroups.of(net).forOptimizer(0.001, 1e-4), 0.9, false)) {
      Trainer.builder(net, optimizer)
          .stopWhen(Results.interrupted())
          .epochs(epochs)
          .learningRate(LearningRate.cosine(0.01))
          .distillation(teacher)
          .listener(Results.progress("fine-tuning"))
          .build()
          .fit(batches, null);
    }
  }
}
