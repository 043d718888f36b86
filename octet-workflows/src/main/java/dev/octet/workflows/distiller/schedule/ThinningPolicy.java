package dev.octet.workflows.distiller.schedule;

import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.TrainingCallbacks.Minibatch;
import dev.octet.workflows.distiller.prune.Thinning;
import dev.octet.workflows.distiller.prune.ZerosMaskDict;
import org.bytedeco.pytorch.Tensor;

/**
 * Makes layers smaller before the first step of its epochs, by the channels that pruning has left
 * without use; the optimizer's momenta begin anew then. Distiller's {@code FilterRemover} and
 * {@code ChannelRemover}.
 */
public final class ThinningPolicy implements ScheduledTrainingPolicy {
  private final Thinning.Kind kind;
  private final Optimizer optimizer;

  /**
   * A policy.
   *
   * @param optimizer of the model's parameters; trains the smaller ones from then on
   */
  public ThinningPolicy(Thinning.Kind kind, Optimizer optimizer) {
    this.kind = kind;
    this.optimizer = optimizer;
  }

  Optimizer optimizer() {
    return optimizer;
  }

  @Override
  public void onMinibatchBegin(Minibatch at, PolicyEpochs epochs, ZerosMaskDict masks) {
    if (at.step() == 0) {
      masks.thin(Thinning.of(masks.model(), kind, at.inputs().toArray(Tensor[]::new)), optimizer);
    }
  }
}
