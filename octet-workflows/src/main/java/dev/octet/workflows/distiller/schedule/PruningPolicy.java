package dev.octet.workflows.distiller.schedule;

import dev.octet.torch.train.TrainingCallbacks.Minibatch;
import dev.octet.workflows.distiller.prune.ParameterPruner;
import dev.octet.workflows.distiller.prune.ZerosMaskDict;

/** Lets a pruner choose masks at the beginning of its epochs, or more often. */
public final class PruningPolicy implements ScheduledTrainingPolicy {
  private final ParameterPruner pruner;
  private final boolean keepMask;
  private final boolean maskGradients;
  private final int miniBatchFrequency;
  private boolean pruned;

  /** A policy that prunes once an epoch. */
  public PruningPolicy(ParameterPruner pruner) {
    this(pruner, false, false, 0);
  }

  /**
   * A policy.
   *
   * @param keepMask whether the first masks stay as they are
   * @param maskGradients whether gradients of what is left out become zero, so that momentum does
   *     not gather there
   * @param miniBatchFrequency steps from one pruning to the next inside an epoch; 0 for once an
   *     epoch
   */
  public PruningPolicy(
      ParameterPruner pruner, boolean keepMask, boolean maskGradients, int miniBatchFrequency) {
    if (miniBatchFrequency < 0) {
      throw new IllegalArgumentException(
          "mini_batch_pruning_frequency is " + miniBatchFrequency + "; choose 0 or more");
    }
    this.pruner = pruner;
    this.keepMask = keepMask;
    this.maskGradients = maskGradients;
    this.miniBatchFrequency = miniBatchFrequency;
  }

  /** The pruner. */
  public ParameterPruner pruner() {
    return pruner;
  }

  boolean isPruned() {
    return pruned;
  }

  void restorePruned(boolean value) {
    pruned = value;
  }

  @Override
  public void onEpochBegin(int epoch, PolicyEpochs epochs, ZerosMaskDict masks) {
    prune(epoch, epochs, masks);
  }

  @Override
  public void onMinibatchBegin(Minibatch at, PolicyEpochs epochs, ZerosMaskDict masks) {
    if (miniBatchFrequency > 0 && at.step() > 0 && at.step() % miniBatchFrequency == 0) {
      prune(at.epoch(), epochs, masks);
    }
  }

  private void prune(int epoch, PolicyEpochs epochs, ZerosMaskDict masks) {
    if (!keepMask || !pruned) {
      pruner.prune(masks, epochs.at(epoch));
      pruned = true;
    }
  }

  @Override
  public void beforeParameterOptimization(Minibatch at, ZerosMaskDict masks) {
    if (maskGradients) {
      masks.applyToGradients();
    }
  }
}
