package dev.octet.workflows.pytorch.observer;

import dev.octet.torch.nn.Module;

/**
 * What stands behind an activation, or in front of a weight, in a prepared model: an observer or a
 * fake-quantize module. PyTorch calls the place {@code activation_post_process}.
 */
public abstract sealed class ActivationPostProcess extends Module
    permits ObserverBase, FakeQuantizeBase {
  ActivationPostProcess() {}

  /** The type that the tensor is to have. */
  public abstract QuantDtype dtype();

  /** Whether ranges are those of each call instead of learned ones. */
  public abstract boolean isDynamic();

  /**
   * Whether only the newest batch counts, so that an observer of an activation has to see it before
   * it is used.
   */
  public abstract boolean isMemoryless();

  /**
   * Whether there is something to compute parameters from: a batch was seen, or they are fixed.
   * Parameters of what was not observed are scale 1 and zero point 0, and worthless.
   */
  public abstract boolean isObserved();

  /**
   * Scale and zero point of what was seen so far; scale 1 and zero point 0, with a warning, before
   * the first batch.
   *
   * @throws UnsupportedOperationException for kinds that have none, naming the kind
   * @throws dev.octet.core.range.CalibrationException if a channel saw nothing finite
   */
  public abstract QParams calculateQParams();
}
