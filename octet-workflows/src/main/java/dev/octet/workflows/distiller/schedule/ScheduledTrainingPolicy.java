package dev.octet.workflows.distiller.schedule;

import dev.octet.torch.train.TrainingCallbacks.Minibatch;
import dev.octet.workflows.distiller.prune.ZerosMaskDict;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Something that is done in the epochs that a schedule gives it. */
public interface ScheduledTrainingPolicy {
  /** Before the first step of an epoch. */
  default void onEpochBegin(int epoch, PolicyEpochs epochs, ZerosMaskDict masks) {}

  /** Before the model computes. */
  default void onMinibatchBegin(Minibatch at, PolicyEpochs epochs, ZerosMaskDict masks) {}

  /**
   * Before gradients are computed.
   *
   * @return null to leave the loss as it is
   */
  default @Nullable PolicyLoss beforeBackwardPass(
      Minibatch at, Tensor output, Tensor loss, ZerosMaskDict masks) {
    return null;
  }

  /** Gradients are there, parameters have not moved yet. */
  default void beforeParameterOptimization(Minibatch at, ZerosMaskDict masks) {}

  /** Parameters have moved, and masked elements are zero again. */
  default void onMinibatchEnd(Minibatch at, ZerosMaskDict masks) {}

  /** After the last step of an epoch and its validation. */
  default void onEpochEnd(int epoch, ZerosMaskDict masks) {}
}
