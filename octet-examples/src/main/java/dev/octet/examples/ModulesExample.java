package dev.octet.examples;

import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.quantize.demo.DemoImages;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.models.ModelWeights;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.op.Ops;
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
import java.nio.file.Path;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Builds a network inside {@link QuantModules#initialize}, so that its layers are quantized from
 * the start: 4-bit weights in convolutions, ranges of activations that train, the float network as
 * teacher.
 *
 * <p>Usage: {@code octet-examples/run modules [EPOCHS]}.
 */
public final class ModulesExample {
  private ModulesExample() {}

  /** An ordinary float network: nothing in it knows of quantization. */
  static final class Net extends Module {
    private final Child<Sequential> features =
        child(
            "features",
            new Sequential(unit(3, 16, 5, 2), unit(16, 32, 3, 1), pool(), unit(32, 64, 3, 1)));
    private final Child<AdaptiveAvgPool2d> average = child("average", AdaptiveAvgPool2d.of(1));
    private final Child<Linear> head =
        child("head", Linear.builder(64, DemoImages.CLASSES).build());

    private static Module unit(int in, int out, int kernel, int stride) {
      return new Sequential(
          Conv2d.builder(in, out, kernel)
              .stride(stride)
              .padding(kernel / 2)
              .bias(false)
              .build(),
          BatchNorm2d.builder(out).build(),
          Activation.relu());
    }

    private static Module pool() {
      return MaxPool2d.builder(2).build();
    }

    @Override
    protected Tensor forward(Tensor images) {
      return head.call(Ops.flatten(average.call(features.call(images)), 1, -1));
    }
  }

  /** Runs it. */
  public static void main(String[] args) throws Exception {
    final int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 4;
    DataLoader training =
        DataLoader.builder(DrawnImages.of(DemoImages.TRAINING_SEED, 12_000))
            .batchSize(64)
            .shuffle()
            .dropLast()
            .seed(1)
            .build();
    DataLoader heldOut =
        DataLoader.builder(DrawnImages.of(DemoImages.EVALUATION_SEED, 2_000))
            .batchSize(200)
            .build();
    Results results = new Results(heldOut);
    Torch.seed(1);
    Path weights = Results.file("modules.safetensors");
    try (Net floating = new Net()) {
      train("float", floating, training, epochs, 0.005, null);
      results.add("float", floating);
      ModelWeights.save(floating, weights);

      // The same constructor; what it builds in here is quantized.
      QuantConv2d.DEFAULTS.setWeight(QuantDescriptor.int8Weight(0).toBuilder().bits(4).build());
      try (QuantModules quantized = QuantModules.initialize();
          Net net = new Net()) {
        System.out.println(Quantizers.summary(net));
        // Names are as in the float network; quantizers have no state until they have a range.
        ModelWeights.load(net, weights, true);
        calibrate(net, training);
        results.add("4-bit weights, calibrated", net);

        Quantizers.select(net, "*_input_quantizer").values().forEach(TensorQuantizer::learnScale);
        train("fine-tuning", net, training, Math.max(1, epochs / 2), 0.001, new Distillation(floating, 0.5, 2));
        results.add("4-bit weights, fine-tuned", net);

        Path file = Results.file("modules.w4a8.onnx");
        try (Epoch epoch = heldOut.epoch(0);
            Batch batch = epoch.next()) {
          // Integers of 4 bits are types of ONNX from operator set 21 on.
          Trace.of(net).opset(21).input("image").output("logits").write(file, batch.input());
        }
        results.addIntegers(file, net);
      } finally {
        QuantConv2d.DEFAULTS.reset(); // Defaults are the whole process's.
      }
    }
    results.print();
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

  private static void train(
      String stage,
      Module net,
      DataLoader batches,
      int epochs,
      double rate,
      @Nullable Distillation teacher) {
    try (Optimizer optimizer =
        Optimizer.adamW(ParameterGroups.of(net).forOptimizer(rate, 1e-4), 0.9, 0.999)) {
      Trainer.Builder trainer =
          Trainer.builder(net, optimizer)
              .epochs(epochs)
              .learningRate(LearningRate.cosine(0.01))
              .listener(Results.progress(stage));
      if (teacher != null) {
        trainer.distillation(teacher);
      }
      trainer.build().fit(batches, null);
    }
  }
}
