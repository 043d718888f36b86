package dev.octet.torch.quant.flow;

import dev.octet.torch.Scope;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.quant.nn.QuantizedLayer;
import dev.octet.torch.quant.nn.QuantizedWeight;
import java.util.Iterator;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Finds the ranges of a model's quantizers on data.
 *
 * <pre>{@code
 * Calibration.collect(net, batches);
 * Calibration.loadAmax(net, new RangeMethod.Entropy());
 * }</pre>
 */
public final class Calibration {
  private Calibration() {}

  /**
   * Shows data to the collectors of a model of one input. The model runs in float, in eval mode and
   * without gradients; afterwards, also after an exception, switches and modes are as they were.
   * What is collected adds to what was collected before.
   *
   * @param batches inputs; those made as they are asked for are freed after use
   * @throws IllegalArgumentException if no enabled quantizer collects, or there is no batch
   */
  public static void collect(Module model, Iterable<Tensor> batches) {
    collect(
        model,
        () -> {
          int count = 0;
          for (Iterator<Tensor> all = batches.iterator(); ; count++) {
            try (Scope scope = Scope.open()) {
              if (!all.hasNext()) {
                break;
              }
              model.call(all.next());
            }
          }
          if (count == 0) {
            throw new IllegalArgumentException("there is no batch to calibrate on");
          }
        });
  }

  /**
   * The same for models of several inputs.
   *
   * @param passes runs the model as often as there is data
   */
  public static void collect(Module model, Runnable passes) {
    List<TensorQuantizer> collecting =
        Quantizers.of(model).values().stream()
            .filter(quantizer -> quantizer.isEnabled() && quantizer.hasCalibrator())
            .toList();
    if (collecting.isEmpty()) {
      throw new IllegalArgumentException(
          "no quantizer of the model is enabled and has a calibrator; quantize its layers first");
    }
    try (Evaluating evaluating = new Evaluating(model)) {
      Quantizers.of(model).values().forEach(TensorQuantizer::disableQuant);
      collecting.forEach(TensorQuantizer::enableCalib);
      // Weights stay the same from batch to batch, so they are looked at once.
      for (Module module : model.modules().values()) {
        if (module instanceof QuantizedLayer layer) {
          for (QuantizedWeight weight : layer.quantizedWeights()) {
            try (Scope scope = Scope.open()) {
              weight.quantizer().call(weight.value());
            }
            weight.quantizer().disableCalib();
          }
        }
      }
      passes.run();
    }
  }
}
