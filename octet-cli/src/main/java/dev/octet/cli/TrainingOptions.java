package dev.octet.cli;

import dev.octet.torch.data.Augmentation;
import dev.octet.torch.data.ImageView;
import dev.octet.torch.graph.QuantizedGraph.BatchNorms;
import dev.octet.torch.qat.FineTuning;
import java.nio.file.Path;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How to train. */
final class TrainingOptions {
  /** How training images are changed. */
  enum Augment {
    NONE,
    FLIP,
    FLIP_CROP
  }

  @Option(names = "--epochs", paramLabel = "N", description = "Passes over the data (default: 1).")
  private int epochs = 1;

  @Option(
      names = "--train-batch",
      paramLabel = "N",
      description = "Samples in a training step (default: 64).")
  private int batch = 64;

  @Option(
      names = "--learning-rate",
      paramLabel = "RATE",
      description =
          "The highest rate of SGD, from which a cosine leads down to a hundredth (default: 0.001).")
  private double learningRate = 1e-3;

  @Option(names = "--momentum", paramLabel = "M", description = "Of SGD (default: 0.9).")
  private double momentum = 0.9;

  @Option(
      names = "--weight-decay",
      paramLabel = "D",
      description = "On weights, not on biases (default: 0.0001).")
  private double weightDecay = 1e-4;

  @Option(
      names = "--clip-gradients",
      paramLabel = "NORM",
      description = "Limit the norm of all gradients together.")
  private @Nullable Double clip;

  @Option(
      names = "--learn-ranges",
      description = "Train the ranges of activations too (LSQ); for few bits.")
  private boolean learnRanges;

  @Option(
      names = "--distill",
      paramLabel = "WEIGHT",
      description = "Train towards the float model's outputs, with this weight from 0 to 1.")
  private double distill;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "Softens both outputs when distilling (default: 2).")
  private double temperature = 2;

  @Option(
      names = "--batch-norm",
      paramLabel = "HOW",
      description =
          "folded: into the weights before training (default); simulated: goes on normalizing by"
              + " the batch, and is folded at the end.")
  private BatchNorms batchNorm = BatchNorms.FOLDED;

  @Option(
      names = "--freeze-batch-norm",
      paramLabel = "EPOCH",
      description = "From this epoch (the first is 0) simulated normalization stays as it is.")
  private @Nullable Integer freezeBatchNorm;

  @Option(
      names = "--augment",
      paramLabel = "HOW",
      description =
          "Change training images at random: none (default), flip, or flip-crop (crops of the same"
              + " size after 4 pixels of padding).")
  private Augment augment = Augment.NONE;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "What the order of samples and all chance follows from (default: 1).")
  private long seed = 1;

  @Option(
      names = "--bfloat16",
      description = "Compute convolutions and products in bfloat16: faster on processors with AMX.")
  private boolean bfloat16;

  @Option(
      names = "--checkpoint",
      paramLabel = "FILE",
      description = "Keep the state here after each epoch; a run that finds it goes on from it.")
  private @Nullable Path checkpoint;

  @Option(
      names = "--tensorboard",
      paramLabel = "FOLDER",
      description = "Write loss and accuracy for TensorBoard.")
  private @Nullable Path tensorboard;

  @Nullable Path tensorboard() {
    return tensorboard;
  }

  void applyTo(FineTuning tuning) {
    CountOption.check("--epochs", epochs);
    CountOption.check("--train-batch", batch);
    within("--learning-rate", learningRate, 0, Double.MAX_VALUE);
    within("--momentum", momentum, 0, Math.nextDown(1.0));
    within("--weight-decay", weightDecay, 0, Double.MAX_VALUE);
    within("--distill", distill, 0, 1);
    within("--temperature", temperature, Double.MIN_NORMAL, Double.MAX_VALUE);
    if (freezeBatchNorm != null && batchNorm != BatchNorms.SIMULATED) {
      throw new OptionException(
          "--freeze-batch-norm is about normalization that goes on; add --batch-norm simulated");
    }
    tuning
        .epochs(epochs)
        .batchSize(batch)
        .learningRate(learningRate)
        .momentum(momentum)
        .weightDecay(weightDecay)
        .distill(distill, temperature)
        .batchNorms(batchNorm)
        .seed(seed);
    if (clip != null) {
      within("--clip-gradients", clip, Double.MIN_NORMAL, Double.MAX_VALUE);
      tuning.clipGradients(clip);
    }
    if (learnRanges) {
      tuning.learnRanges();
    }
    if (freezeBatchNorm != null) {
      tuning.freezeBatchNormsAt(freezeBatchNorm);
    }
    if (bfloat16) {
      tuning.autocast(ScalarType.BFloat16);
    }
    if (checkpoint != null) {
      tuning.checkpoint(checkpoint);
    }
  }

  /** The change of training images of this size; null for none. */
  @Nullable Augmentation augmentation(int height, int width) {
    return switch (augment) {
      case NONE -> null;
      case FLIP -> Augmentation.horizontalFlip(0.5);
      case FLIP_CROP ->
          Augmentation.of(
              Augmentation.horizontalFlip(0.5),
              Augmentation.randomCrop(height, width, 4, ImageView.Padding.ZERO));
    };
  }

  boolean augments() {
    return augment != Augment.NONE;
  }

  private static void within(String option, double value, double least, double most) {
    if (!(value >= least && value <= most)) {
      throw new OptionException(option, value, "choose " + least + " to " + most);
    }
  }
}
