package dev.octet.workflows.distiller.schedule;

import dev.octet.torch.train.TrainingCallbacks.Minibatch;
import dev.octet.workflows.distiller.prune.Masking;
import dev.octet.workflows.distiller.prune.ParameterPruner;
import dev.octet.workflows.distiller.prune.ParameterPruner.Needs;
import dev.octet.workflows.distiller.prune.PrunerEpochs;
import dev.octet.workflows.distiller.prune.ZerosMaskDict;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/**
 * Lets a pruner choose masks at the beginning of its epochs, or more often. A pruner that looks at
 * activations sees the first batch of the epoch, one that looks at gradients has those of the first
 * step.
 */
public final class PruningPolicy implements ScheduledTrainingPolicy {
  private final ParameterPruner pruner;
  private final Masking masking;
  private final boolean keepMask;
  private final boolean maskGradients;
  private final boolean discard;
  private final boolean foldBatchNorm;
  private final int miniBatchFrequency;
  private PolicyEpochs when = PolicyEpochs.of(0, 1, 1);
  private Set<String> masked = Set.of();

  private PruningPolicy(Builder from) {
    pruner = from.pruner;
    masking = from.masking;
    keepMask = from.keepMask;
    maskGradients = from.maskGradients;
    discard = from.discard;
    foldBatchNorm = from.foldBatchNorm;
    miniBatchFrequency = from.miniBatchFrequency;
  }

  /** A policy that prunes once an epoch, by masks that always hold, unless told otherwise. */
  public static Builder builder(ParameterPruner pruner) {
    return new Builder(pruner);
  }

  /** The pruner. */
  public ParameterPruner pruner() {
    return pruner;
  }

  private Needs needs() {
    return foldBatchNorm ? Needs.INPUTS : pruner.needs();
  }

  @Override
  public void onEpochBegin(int epoch, PolicyEpochs epochs, ZerosMaskDict masks) {
    when = epochs;
    if (needs() == Needs.WEIGHTS) {
      prune(epoch, masks);
    }
  }

  @Override
  public void onMinibatchBegin(Minibatch at, PolicyEpochs epochs, ZerosMaskDict masks) {
    if (needs() == Needs.INPUTS ? isDue(at) : needs() == Needs.WEIGHTS && isAgain(at)) {
      prune(at.epoch(), masks, at.inputs().toArray(Tensor[]::new));
    }
    if (masking != Masking.ALWAYS) {
      masks.applyForward();
    }
  }

  private boolean isDue(Minibatch at) {
    return at.step() == 0 || isAgain(at);
  }

  private boolean isAgain(Minibatch at) {
    return miniBatchFrequency > 0 && at.step() > 0 && at.step() % miniBatchFrequency == 0;
  }

  private void prune(int epoch, ZerosMaskDict masks, Tensor... inputs) {
    PrunerEpochs at = when.at(epoch);
    if (foldBatchNorm) {
      masks.judgeBehindBatchNorm(inputs);
    }
    try {
      masked = masks.during(masking, () -> pruner.prune(masks, at, inputs));
    } finally {
      masks.judgeBehindBatchNorm();
    }
  }

  @Override
  public void beforeParameterOptimization(Minibatch at, ZerosMaskDict masks) {
    if (needs() == Needs.GRADIENTS && isDue(at)) {
      prune(at.epoch(), masks);
    }
    if (maskGradients) {
      masks.applyToGradients();
    }
  }

  @Override
  public void onMinibatchEnd(Minibatch at, ZerosMaskDict masks) {
    if (discard) {
      masks.discard(masked);
    }
  }

  @Override
  public void onEpochEnd(int epoch, ZerosMaskDict masks) {
    if (keepMask && epoch == when.epochs().last()) {
      masks.keep(masked);
    }
  }

  /** Settings of a policy, under Distiller's names. */
  public static final class Builder {
    private final ParameterPruner pruner;
    private Masking masking = Masking.ALWAYS;
    private boolean keepMask;
    private boolean maskGradients;
    private boolean discard;
    private boolean foldBatchNorm;
    private int miniBatchFrequency;

    private Builder(ParameterPruner pruner) {
      this.pruner = pruner;
    }

    /**
     * When masks hold: {@code mask_on_forward_only} is {@link Masking#FORWARD_ONLY}, {@code
     * use_double_copies} is {@link Masking#DOUBLE_COPIES}.
     */
    public Builder masking(Masking when) {
      masking = when;
      return this;
    }

    /** Whether masks that hold in the forward pass alone hold always after the last epoch. */
    public Builder keepMask(boolean on) {
      keepMask = on;
      return this;
    }

    /** Whether gradients of what is left out become zero, so that momentum does not gather. */
    public Builder maskGradients(boolean on) {
      maskGradients = on;
      return this;
    }

    /** Whether masks are dropped after each step; give a frequency of 1 to have others then. */
    public Builder discardMasksAtMinibatchEnd(boolean on) {
      discard = on;
      return this;
    }

    /** Whether filters are judged as they are behind the BatchNorm that follows them. */
    public Builder foldBatchNorm(boolean on) {
      foldBatchNorm = on;
      return this;
    }

    /** Steps from one pruning to the next inside an epoch; 0 for once an epoch. */
    public Builder miniBatchPruningFrequency(int steps) {
      miniBatchFrequency = steps;
      return this;
    }

    /**
     * The policy.
     *
     * @throws IllegalArgumentException if settings exclude one another
     */
    public PruningPolicy build() {
      if (miniBatchFrequency < 0) {
        throw new IllegalArgumentException(
            "mini_batch_pruning_frequency is " + miniBatchFrequency + "; choose 0 or more");
      }
      if (masking == Masking.ONCE) {
        throw new IllegalArgumentException(
            "a pruner's masks hold while training moves parameters, not once");
      }
      if (pruner.scales() && masking != Masking.DOUBLE_COPIES) {
        throw new IllegalArgumentException(
            "pruner '"
                + pruner.name()
                + "' enlarges what it keeps at every step; set use_double_copies");
      }
      if (foldBatchNorm && pruner.needs() == Needs.GRADIENTS) {
        throw new IllegalArgumentException(
            "a ranking by gradients has BatchNorm in it already; leave out fold_batchnorm");
      }
      if (keepMask && discard) {
        throw new IllegalArgumentException(
            "keep_mask and discard_masks_at_minibatch_end exclude each other");
      }
      return new PruningPolicy(this);
    }
  }
}
