package dev.octet.bench.torch;

import dev.octet.quantize.data.SamplesOptions;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Augmentation;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.data.TrainingData;
import dev.octet.torch.models.ResNet;
import dev.octet.torch.nn.Module;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Images per second of training ResNet-18 on CIFAR-10 through the loader, with random crops and
 * flips: from images in memory to changed weights. The twin in Python, {@code throughput-peer.py},
 * takes batches of prepared tensors and augments nothing.
 *
 * <p>Arguments: a folder with CIFAR-10's binary files, batch, steps, and {@code channels_last} or
 * not. Two further steps come first and do not count. Prints one JSON object.
 */
public final class ThroughputBenchmark {
  private static final int WARM_UPS = 2;

  private ThroughputBenchmark() {}

  /** See the class. */
  public static void main(String[] args) {
    if (args.length < 3) {
      throw new IllegalArgumentException(
          "give FOLDER BATCH STEPS [channels_last], not " + Arrays.toString(args));
    }
    int batch = Integer.parseInt(args[1]);
    int steps = Integer.parseInt(args[2]);
    boolean channelsLast = Arrays.asList(args).contains("channels_last");
    DataLoader.Builder settings =
        DataLoader.builder(
                TrainingData.open(Path.of(args[0]), List.of(), SamplesOptions.defaults())
                    .training())
            .batchSize(batch)
            .shuffle()
            .seed(1)
            .dropLast()
            .augment(Augmentation.cifar10());
    DataLoader loader = (channelsLast ? settings.channelsLast() : settings).build();
    if (steps < 1 || loader.batches() < steps + WARM_UPS) {
      throw new IllegalArgumentException(
          "steps is " + steps + "; choose 1 to " + (loader.batches() - WARM_UPS));
    }
    Torch.seed(1);
    Module model = ResNet.cifar18(10);
    if (channelsLast) {
      TrainingStep.channelsLast(model);
    }
    try (TrainingStep training = new TrainingStep(model);
        Epoch epoch = loader.epoch(0)) {
      long start = 0;
      for (int step = 0; step < steps + WARM_UPS; step++) {
        if (step == WARM_UPS) {
          start = System.nanoTime();
        }
        try (Batch next = epoch.next()) {
          training.run(next.input(), next.labels());
        }
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      System.out.printf(
          Locale.ROOT,
          "{\"side\": \"octet\", \"batch\": %d, \"channels_last\": %b, \"threads\": %d,"
              + " \"steps\": %d, \"images_per_s\": %.1f}%n",
          batch,
          channelsLast,
          Torch.threads(),
          steps,
          batch * steps / seconds);
    }
  }
}
