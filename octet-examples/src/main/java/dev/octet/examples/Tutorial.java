package dev.octet.examples;

import dev.octet.torch.data.Augmentation;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Dataset;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.flow.ParameterGroups;
import dev.octet.torch.train.LearningRate;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.Trainer;
import dev.octet.torch.train.TrainingListener;
import java.util.function.Consumer;

/** How the tutorials on CIFAR-10 train. */
final class Tutorial {
  static final int BATCH = 64;

  private Tutorial() {}

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

  /** Trains; without a stage to name, in silence. */
  static void train(
      String stage,
      Module net,
      DataLoader batches,
      int epochs,
      double rate,
      Consumer<Module> beforeTheLast) {
    try (Optimizer optimizer =
        Optimizer.sgd(ParameterGroups.of(net).forOptimizer(rate, 1e-4), 0.9, false)) {
      Trainer.builder(net, optimizer)
          .stopWhen(Results.interrupted())
          .epochs(epochs)
          .learningRate(LearningRate.cosine(0.01))
          .atEpoch(epochs - 1, epochs > 1 ? beforeTheLast : model -> {})
          .listener(stage.isEmpty() ? new TrainingListener() {} : Results.progress(stage))
          .build()
          .fit(batches, null);
    }
  }
}
