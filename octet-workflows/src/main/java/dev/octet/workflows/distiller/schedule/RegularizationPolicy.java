package dev.octet.workflows.distiller.schedule;

import dev.octet.torch.Tensors;
import dev.octet.torch.train.TrainingCallbacks.Minibatch;
import dev.octet.workflows.distiller.prune.Masking;
import dev.octet.workflows.distiller.prune.ParameterPruner;
import dev.octet.workflows.distiller.prune.ZerosMaskDict;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Adds penalties of parameters to the loss, and may cut off what they have made small.
 *
 * <p>What is cut off at the end of a step may grow again in the next, unless the mask of the last
 * step is kept.
 */
public final class RegularizationPolicy implements ScheduledTrainingPolicy {
  private final String name;
  private final Map<String, Penalty> penalties;
  private final @Nullable ParameterPruner threshold;
  private final boolean keepMask;
  private int lastEpoch;

  /** A policy that cuts nothing off. */
  public RegularizationPolicy(String name, Map<String, Penalty> penalties) {
    this(name, penalties, null, false);
  }

  /**
   * A policy.
   *
   * @param name of the loss's component
   * @param penalties by parameter
   * @param threshold chooses after each step what is cut off; null for nothing
   * @param keepMask whether what the last step of all cuts off stays zero
   */
  public RegularizationPolicy(
      String name,
      Map<String, Penalty> penalties,
      @Nullable ParameterPruner threshold,
      boolean keepMask) {
    if (keepMask && threshold == null) {
      throw new IllegalArgumentException(
          "keep_mask keeps what a threshold cuts off, and there is none; give threshold_criteria");
    }
    this.name = name;
    this.penalties = new LinkedHashMap<>(penalties);
    this.threshold = threshold;
    this.keepMask = keepMask;
  }

  void check(ZerosMaskDict masks) {
    penalties.forEach(
        (parameter, penalty) -> penalty.check(Tensors.shape(parameter(masks, parameter))));
    if (threshold != null) {
      threshold.check(masks);
    }
  }

  private static Tensor parameter(ZerosMaskDict masks, String name) {
    String known = masks.resolve(name);
    return Tensors.check(masks.parameters().get(known), known);
  }

  @Override
  public void onEpochBegin(int epoch, PolicyEpochs epochs, ZerosMaskDict masks) {
    lastEpoch = epochs.epochs().last();
  }

  @Override
  public @Nullable PolicyLoss beforeBackwardPass(
      Minibatch at, Tensor output, Tensor loss, ZerosMaskDict masks) {
    Tensor total = loss;
    double added = 0;
    for (Map.Entry<String, Penalty> each : penalties.entrySet()) {
      Tensor penalty = each.getValue().of(parameter(masks, each.getKey()));
      total = total.add(penalty);
      added += penalty.item_double();
    }
    return new PolicyLoss(total, Map.of(name + "_loss", added));
  }

  @Override
  public void onMinibatchEnd(Minibatch at, ZerosMaskDict masks) {
    ParameterPruner chosen = threshold;
    if (chosen != null) {
      boolean last = at.epoch() == lastEpoch && at.step() == at.steps() - 1;
      masks.during(
          keepMask && last ? Masking.ALWAYS : Masking.ONCE,
          () -> chosen.prune(masks, PolicyEpochs.of(0, at.epoch() + 1, 1).at(at.epoch())));
    }
  }
}
