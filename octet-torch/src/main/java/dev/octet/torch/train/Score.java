package dev.octet.torch.train;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.nn.Module;
import java.util.function.LongConsumer;
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
