package dev.octet.torch.train;

import org.jspecify.annotations.Nullable;

/**
 * What an epoch of training came to.
 *
 * @param epoch counted from 0
 * @param training on the batches as they were trained on, in training mode
 * @param validation on held-out data in eval mode; null without any
 * @param learningRate the schedule's factor at the last step
 * @param seconds spent in training steps, validation left out
 */
public record EpochResult(
    int epoch, Score training, @Nullable Score validation, double learningRate, double seconds) {

  /** Trained samples a second. */
  public double throughput() {
    return training.samples() / seconds;
  }
}
