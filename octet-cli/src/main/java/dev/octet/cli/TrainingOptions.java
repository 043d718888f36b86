package dev.octet.cli;

import dev.octet.torch.data.Augmentation;
import dev.octet.torch.data.ImageView;
import dev.octet.torch.graph.QuantizedGraph.BatchNorms;
import dev.octet.torch.qat.FineTuning;
import java.nio.file.Files;
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
      description = "Samples in a training step (default: 64, or what the model insists on).")
  private @Nullable Integer batch;

  @Option(
      names = "--learning-rate",
      paramLabel = "RATE",
      description =
          "The rate that SGD starts at; a cosine leads it down to a hundredth (default: 0.001).")
  private double learningRate = 1e-3;

  @Option(
      names = "--momentum",
      paramLabel = "M",
      description = "The momentum of SGD (default: 0.9).")
  private double momentum = 0.9;

  @Option(
      names = "--weight-decay",
      paramLabel = "D",
      description = "The decay of weights; biases have none (default: 0.0001).")
  private double weightDecay = 1e-4;

  @Option(
      names = "--clip-gradients",
      paramLabel = "NORM",
      description = "Limit the norm of all gradients together (default: no limit).")
  private @Nullable Double clip;

  @Option(
      names = "--learn-ranges",
      description = "Train the ranges of activations as well; helps with 4 bits and fewer.")
  private boolean learnRanges;

  @Option(
      names = "--distill",
      paramLabel = "WEIGHT",
      description =
          "Train towards the float model's outputs as well: their weight beside the labels, 0 to 1"
              + " (default: 0).")
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
          "What becomes of batch normalization: folded into the weights before training (default),"
              + " or simulated, which normalizes by the batch while training and folds at the end.")
  private BatchNorms batchNorm = BatchNorms.FOLDED;

  @Option(
      names = "--freeze-batch-norm",
      paramLabel = "EPOCH",
      description =
          "From this epoch on (the first is 0) simulated normalization stays as it is (default:"
              + " never).")
  private @Nullable Integer freezeBatchNorm;

  @Option(
      names = "--augment",
      paramLabel = "HOW",
      description =
          "Change training images at random: none (default), flip (left to right), or flip-crop"
              + " (also shifted by up to 4 pixels).")
  private Augment augment = Augment.NONE;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Order of samples and augmentation follow from this number (default: 1).")
  private long seed = 1;

  @Option(
      names = "--bfloat16",
      description = "Compute convolutions and products in bfloat16: faster on processors with AMX.")
  private boolean bfloat16;

  @Option(
      names = "--checkpoint",
      paramLabel = "FILE",
      description =
          "Keep the state here after each epoch; a run that finds the file carries on from it.")
  private @Nullable Path checkpoint;

  @Option(
      names = "--tensorboard",
      paramLabel = "FOLDER",
      description = "Write loss and accuracy to a file in this folder, for TensorBoard.")
  private @Nullable Path tensorboard;

  /** Whether the ranges of activations train. */
  boolean learnsRanges() {
    return learnRanges;
  }

  /** Where a run that was cut off carries on; null for nowhere. */
  @Nullable Path checkpoint() {
    return checkpoint;
  }

  /** The folder of events; null for none. */
  @Nullable Path tensorboard() {
    return tensorboard;
  }

  void applyTo(FineTuning tuning) {
    CountOption.check("--epochs", epochs);
    if (batch != null) {
      CountOption.check("--train-batch", batch);
      tuning.batchSize(batch);
    }
    positive("--learning-rate", learningRate);
    check("--momentum", momentum, momentum >= 0 && momentum < 1, "0 or more, and less than 1");
    check("--weight-decay", weightDecay, weightDecay >= 0, "0 or more");
    check("--distill", distill, distill >= 0 && distill <= 1, "0 to 1");
    positive("--temperature", temperature);
    if (freezeBatchNorm != null && batchNorm != BatchNorms.SIMULATED) {
      throw new OptionException(
          "--freeze-batch-norm has no effect on folded normalization; add --batch-norm simulated");
    }
    if (freezeBatchNorm != null) {
      check("--freeze-batch-norm", freezeBatchNorm, freezeBatchNorm >= 0, "0 or more");
      tuning.freezeBatchNormsAt(freezeBatchNorm);
    }
    tuning
        .epochs(epochs)
        .learningRate(learningRate)
        .momentum(momentum)
        .weightDecay(weightDecay)
        .distill(distill, temperature)
        .batchNorms(batchNorm)
        .seed(seed);
    if (clip != null) {
      positive("--clip-gradients", clip);
      tuning.clipGradients(clip);
    }
    if (learnRanges) {
      tuning.learnRanges();
    }
    if (bfloat16) {
      tuning.autocast(ScalarType.BFloat16);
    }
    if (checkpoint != null) {
      ReportOptions.checkFolder(checkpoint);
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

  private static void positive(String option, double value) {
    check(option, value, value > 0, "more than 0");
  }

  private static void check(String option, Number value, boolean good, String choice) {
    if (!good || Double.isInfinite(value.doubleValue())) {
      throw new OptionException(option, value, "choose " + choice);
    }
  }

  /** What is left of training that was interrupted, or would be next time. */
  String kept() {
    if (checkpoint == null) {
      return "with --checkpoint FILE, each whole epoch is kept";
    }
    return Files.exists(checkpoint)
        ? "to carry on after the epochs in '" + checkpoint + "', repeat the command"
        : "no epoch was whole yet";
  }
}
