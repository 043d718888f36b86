package dev.octet.torch.train;

/** Hears how a run goes, on the training thread. */
public interface TrainingListener {
  /**
   * After each step.
   *
   * @param epoch counted from 0
   * @param step counted from 0 inside the epoch
   * @param steps of the epoch
   * @param loss of this batch
   */
  default void onStep(int epoch, int step, int steps, double loss) {}

  /** After each epoch, its checkpoint written. */
  default void onEpoch(EpochResult result) {}
}
