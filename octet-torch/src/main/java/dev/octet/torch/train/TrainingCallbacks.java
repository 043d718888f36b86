package dev.octet.torch.train;

import dev.octet.graph.Tensor;
import java.util.List;
import java.util.Map;

/**
 * Takes part in a run, where a {@link TrainingListener} only hears of it: may change the loss,
 * gradients and parameters between the parts of a step. Called on the training thread, inside the
 * scope of the step.
 */
public interface TrainingCallbacks {
  /**
   * One step.
   *
   * @param epoch counted from 0
   * @param step counted from 0 inside the epoch
   * @param steps of the epoch
   * @param inputs of the model
   * @param labels the classes, {@code [N]}
   */
  record Minibatch(
      int epoch,
      int step,
      int steps,
      List<org.bytedeco.pytorch.Tensor> inputs,
      org.bytedeco.pytorch.Tensor labels) {
    public Minibatch {
      inputs = List.copyOf(inputs);
    }
  }

  /** Before the first step of an epoch, in training mode; not for epochs that are resumed after. */
  default void onEpochBegin(int epoch) {}

  /** Before the model computes. */
  default void onMinibatchBegin(Minibatch at) {}

  /**
   * Before gradients are computed.
   *
   * @param output of the model
   * @param loss so far, one value
   * @return the loss to use, which may be the one given
   */
  default org.bytedeco.pytorch.Tensor beforeBackwardPass(
      Minibatch at, org.bytedeco.pytorch.Tensor output, org.bytedeco.pytorch.Tensor loss) {
    return loss;
  }

  /** Gradients are there, parameters have not moved yet. */
  default void beforeParameterOptimization(Minibatch at) {}

  /** Parameters have moved. */
  default void onMinibatchEnd(Minibatch at) {}

  /** After the last step of an epoch and its validation, before the checkpoint is written. */
  default void onEpochEnd(EpochResult result) {}

  /** What a checkpoint must bring back for the run to go on as it would have. */
  default Map<String, Tensor> state() {
    return Map.of();
  }

  /**
   * Makes the model one that a checkpoint's parameters fit, before they are restored; for callbacks
   * that changed its layers.
   *
   * @throws IllegalArgumentException if the state is of other callbacks
   */
  default void beforeRestore(Map<String, Tensor> state) {}

  /**
   * Takes over what {@link #state} gave, after the model and the optimizer were restored.
   *
   * @throws IllegalArgumentException if the state is of other callbacks
   */
  default void restore(Map<String, Tensor> state) {}
}
