package dev.octet.examples;

import dev.octet.core.rules.Rules;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.Sample;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Dataset;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.data.Example;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import dev.octet.torch.quant.flow.Calibration;
import dev.octet.torch.quant.flow.ParameterGroups;
import dev.octet.torch.quant.nn.QuantModules;
import dev.octet.torch.trace.Trace;
import dev.octet.torch.train.LearningRate;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.Trainer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.bytedeco.pytorch.Tensor;

/**
 * Quantizes an LSTM: one quantizer for input and state together, one for both weight matrices of a
 * layer, as a fused product would have them.
 *
 * <p>The task is to tell the frequency of noisy waves. Usage: {@code octet-examples/run lstm
 * [EPOCHS]}.
 */
public final class LstmExample {
  private static final int STEPS = 24;
  private static final int FEATURES = 4;
  private static final int CLASSES = 6;

  private LstmExample() {}

  /** Two layers of LSTM; the last step decides. */
  static final class WaveNet extends Module {
    private final Child<LSTM> lstm =
        child("lstm", LSTM.builder(FEATURES, 48).numLayers(2).batchFirst(true).build());
    private final Child<Linear> head = child("head", Linear.builder(48, CLASSES).build());

    @Override
    protected Tensor forward(Tensor x) {
      Tensor output = lstm.get().run(x, null).output();
      return head.call(Ops.select(output, 1, STEPS - 1));
    }
  }

  /** Runs it. */
  public static void main(String[] args) throws Exception {
    final int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 6;
    DataLoader training = loader(1, 4_000);
    DataLoader heldOut = loader(2, 1_000);
    Results results = new Results(heldOut);
    Torch.seed(1);
    Torch.threads(1); // The tensors of a step are too small to share out.
    try (WaveNet net = new WaveNet()) {
      train("float", net, training, epochs, 0.01);
      results.add("float", net);

      QuantModules.replace(net, Rules.NONE);
      Calibration.collect(
          net,
          () -> {
            try (Epoch epoch = training.epoch(0)) {
              for (int i = 0; i < 8; i++) {
                try (Batch batch = epoch.next();
                    Scope scope = Scope.open()) {
                  net.call(batch.input());
                }
              }
            }
          });
      Calibration.loadAmax(net);
      results.add("calibrated", net);

      train("fine-tuning", net, training, Math.max(1, epochs / 3), 0.001);
      results.add("fine-tuned", net);

      Path file = Results.file("lstm.int8.onnx");
      try (Epoch epoch = heldOut.epoch(0);
          Batch batch = epoch.next()) {
        Trace.of(net).input("wave").output("logits").write(file, batch.input());
      }
      results.addIntegers(file, net);
      results.print();
    }
  }

  private static void train(String stage, Module net, DataLoader data, int epochs, double rate) {
    try (Optimizer optimizer =
        Optimizer.adamW(ParameterGroups.of(net).forOptimizer(rate, 1e-4), 0.9, 0.999)) {
      Trainer.builder(net, optimizer)
          .stopWhen(Results.interrupted())
          .epochs(epochs)
          .learningRate(LearningRate.cosine(0.01))
          .clipGradients(1)
          .listener(Results.progress(stage))
          .build()
          .fit(data, null);
    }
  }

  /** Waves of a class's frequency, seen through features of different phase, with noise. */
  private static DataLoader loader(long seed, int count) {
    Random random = new Random(seed);
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int label = i % CLASSES;
      double phase = random.nextDouble() * 2 * Math.PI;
      float[] wave = new float[STEPS * FEATURES];
      for (int t = 0; t < STEPS; t++) {
        for (int f = 0; f < FEATURES; f++) {
          wave[t * FEATURES + f] =
              (float)
                  (Math.sin((0.25 + 0.12 * label) * t + phase + f) + 0.5 * random.nextGaussian());
        }
      }
      HostTensor tensor = HostTensor.ofFloats(new int[] {1, STEPS, FEATURES}, wave);
      examples.add(new Example.Values(Sample.of(tensor, OptionalInt.of(label), "wave " + i)));
    }
    return DataLoader.builder(Dataset.of(examples))
        .batchSize(50)
        .shuffle()
        .dropLast()
        .seed(seed)
        .build();
  }
}
