package dev.octet.examples;

import dev.octet.torch.data.Augmentation;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Dataset;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.flow.ParameterGroups;
import dev.octet.torch.train.LearningRate;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.Score;
import dev.octet.torch.train.Trainer;
import dev.octet.torch.train.TrainingListener;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** What the tutorials share: how they calibrate and train on CIFAR-10, and name files. */
final class Tutorial {
  static final int BATCH = 64;
  static final int CALIBRATION_IMAGES = 8 * BATCH;

  private Tutorial() {}

  /** Shows a network some of the images, for its observers. */
  static void calibrate(Module net, Dataset training) {
    Dataset few = training.range(0, Math.min(training.size(), CALIBRATION_IMAGES));
    Score.of(net, DataLoader.builder(few).batchSize(BATCH).build());
  }

  /** Shuffled batches of images that are flipped and shifted. */
  static DataLoader augmented(Dataset set, long seed) {
    return DataLoader.builder(set)
        .batchSize(BATCH)
        .shuffle()
        .dropLast()
        .augment(Augmentation.cifar10())
        .seed(seed)
        .build();
  }

  /** A form's name as a part of a file's. */
  static String slug(String name) {
    return name.replaceAll("[^a-zA-Z0-9]+", "-");
  }

  /**
   * Trains; without a stage to name, in silence.
   *
   * @throws CancellationException if it was interrupted: what would be measured is of no use then
   */
  static void train(
      String stage,
      Module net,
      DataLoader batches,
      int epochs,
      double rate,
      Consumer<Module> beforeTheLast) {
    BooleanSupplier interrupted = Results.interrupted();
    try (Optimizer optimizer =
        Optimizer.sgd(ParameterGroups.of(net).forOptimizer(rate, 1e-4), 0.9, false)) {
      Trainer.builder(net, optimizer)
          .stopWhen(interrupted)
          .epochs(epochs)
          .learningRate(LearningRate.cosine(0.01))
          .atEpoch(epochs - 1, epochs > 1 ? beforeTheLast : model -> {})
          .listener(stage.isEmpty() ? new TrainingListener() {} : Results.progress(stage))
          .build()
          .fit(batches, null);
    }
    if (interrupted.getAsBoolean()) {
      throw new CancellationException("training was interrupted");
    }
  }
}
