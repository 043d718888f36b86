package dev.octet.workflows.distiller.schedule;

import dev.octet.torch.train.TrainingCallbacks.Minibatch;
import dev.octet.workflows.distiller.Quantizer;
import dev.octet.workflows.distiller.prune.ZerosMaskDict;
import org.bytedeco.pytorch.Tensor;

/** Quantizes parameters after every step, so that what is judged and kept is quantized. */
public final class QuantizationPolicy implements ScheduledTrainingPolicy {
  private final Quantizer quantizer;

  /**
   * Prepares the model, unless that was done, and quantizes its parameters.
   *
   * @param dummyInputs what the quantizer may run the model on; often none
   */
  public QuantizationPolicy(Quantizer quantizer, Tensor... dummyInputs) {
    this.quantizer = quantizer;
    if (!quantizer.isPrepared()) {
      quantizer.prepareModel(dummyInputs);
    }
    quantizer.quantizeParams();
  }

  /** The quantizer. */
  public Quantizer quantizer() {
    return quantizer;
  }

  @Override
  public void onMinibatchEnd(Minibatch at, ZerosMaskDict masks) {
    quantizer.quantizeParams();
  }
}
