package dev.octet.torch.train;

import dev.octet.graph.ModelException;
import dev.octet.quantize.data.DataException;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Dataset;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.nn.Module;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * How well a classifier does.
 *
 * @param samples how many were judged
 * @param loss mean cross entropy, in nats
 * @param accuracy share of samples whose greatest output is the right class, 0 to 1
 */
public record Score(long samples, double loss, double accuracy) {

  /**
   * Judges a model in eval mode, without gradients; its mode is as before afterwards.
   *
   * @param model gives logits or log-probabilities [N, classes]
   */
  public static Score of(Module model, DataLoader data) {
    return of(model, data, judged -> {});
  }

  /**
   * The same.
   *
   * @param judged is told the samples of each batch
   */
  public static Score of(Module model, DataLoader data, LongConsumer judged) {
    boolean training = model.isTraining();
    model.eval();
    Sum sum = new Sum();
    try (Torch.Switched noGrad = Torch.noGrad();
        Epoch epoch = data.epoch(0)) {
      while (epoch.hasNext()) {
        try (Batch batch = epoch.next();
            Scope scope = Scope.open()) {
          Tensor output = model.call(batch.inputs().values().toArray(Tensor[]::new));
          Tensor loss = torch.cross_entropy_loss(output, batch.labels());
          sum.add(output, batch.labels(), loss.item_double());
          judged.accept(batch.labels().numel());
        }
      }
    } finally {
      model.train(training);
    }
    return sum.score();
  }

  /**
   * Makes sure that a model can be judged so: LibTorch says of a label out of range only that an
   * assertion failed.
   *
   * @param batches of which the first is run
   * @throws ModelException if the model does not give one output [N, classes]
   * @throws DataException if samples have a label that is none of its classes
   */
  public static void requireClasses(Module model, DataLoader batches, List<Dataset> labelled) {
    long[] shape;
    try (Epoch epoch = batches.epoch(0);
        Batch batch = epoch.next();
        Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      model.eval();
      shape = Tensors.shape(model.call(batch.inputs().values().toArray(Tensor[]::new)));
    }
    if (shape.length != 2) {
      throw new ModelException(
          "the model's output has shape "
              + Arrays.toString(shape)
              + "; a classifier's logits [N, classes] are needed");
    }
    for (Dataset each : labelled) {
      int most = IntStream.range(0, each.size()).map(each::label).max().orElse(0);
      if (most >= shape[1]) {
        throw new DataException(
            each.description()
                + " have the label "
                + most
                + ", and the model's classes end at "
                + (shape[1] - 1));
      }
    }
  }

  /** Adds up batches. */
  static final class Sum {
    private long samples;
    private long right;
    private double loss;

    void add(Tensor output, Tensor labels, double meanLoss) {
      long count = labels.numel();
      samples += count;
      right +=
          output
              .detach()
              .argmax(new org.bytedeco.pytorch.LongOptional(1), false)
              .eq(labels)
              .sum()
              .item_long();
      loss += meanLoss * count;
    }

    Score score() {
      return new Score(samples, loss / Math.max(1, samples), (double) right / Math.max(1, samples));
    }
  }
}
