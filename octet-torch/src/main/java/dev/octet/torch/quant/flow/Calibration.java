package dev.octet.torch.quant.flow;

import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.CalibrationException;
import dev.octet.torch.Scope;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.RangeCalibrator;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.quant.nn.QuantizedLayer;
import dev.octet.torch.quant.nn.QuantizedWeight;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/**
 * Finds the ranges of a model's quantizers on data.
 *
 * <pre>{@code
 * Calibration.collect(net, batches);
 * Calibration.loadAmax(net, new RangeMethod.Entropy());
 * }</pre>
 *
 * <p>Left alone are quantizers that are disabled or whose descriptor fixes the range, and weights
 * with ranges in blocks, which {@link WeightCalibration} finds. The weights of quantized layers are
 * looked at once and not in every batch.
 */
public final class Calibration {
  private Calibration() {}

  /**
   * Shows data to the collectors of a model of one input. The model runs in float, in eval mode and
   * without gradients; afterwards, also after an exception, switches and modes are as they were.
   *
   * <p>What is collected adds to what was collected before. A quantizer that is described by the
   * min-max method keeps a histogram, so that another method can be chosen afterwards.
   *
   * @param batches inputs; those made as they are asked for are freed after use
   * @throws IllegalArgumentException if there is no quantizer to calibrate, or no batch
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
   * The same for models that are called otherwise than with one tensor.
   *
   * @param passes runs the model as often as there is data
   */
  public static void collect(Module model, Runnable passes) {
    Map<String, TensorQuantizer> calibrated = calibrated(model);
    try (Evaluating evaluating = new Evaluating(model)) {
      Quantizers.of(model).values().forEach(TensorQuantizer::disableQuant);
      calibrated.values().forEach(Calibration::keepHistogram);
      calibrated.values().forEach(TensorQuantizer::enableCalib);
      for (QuantizedWeight weight : weights(model)) {
        TensorQuantizer quantizer = weight.quantizer();
        // The same weights a second time would change nothing.
        if (quantizer.calibrator().observed().isEmpty()) {
          try (Scope scope = Scope.open()) {
            quantizer.call(weight.value());
          }
        }
        quantizer.disableCalib();
      }
      passes.run();
    }
  }

  /**
   * Takes the ranges of all quantizers from what was collected, by one method, or changes none.
   *
   * @throws CalibrationException naming the quantizers that saw nothing
   * @throws IllegalArgumentException if what a quantizer kept is not enough for the method
   */
  public static void loadAmax(Module model, RangeMethod method) {
    load(model, quantizer -> method);
  }

  /** Takes the range of each quantizer from what was collected, by its descriptor's method. */
  public static void loadAmax(Module model) {
    load(model, quantizer -> quantizer.config().descriptor().method());
  }

  private interface Choice {
    RangeMethod of(TensorQuantizer quantizer);
  }

  private static void load(Module model, Choice choice) {
    Map<String, TensorQuantizer> calibrated = calibrated(model);
    List<String> blind = new ArrayList<>();
    calibrated.forEach(
        (path, quantizer) -> {
          if (quantizer.calibrator().observed().isEmpty()) {
            blind.add(path);
          }
        });
    if (!blind.isEmpty()) {
      throw new CalibrationException(
          "the quantizers "
              + blind
              + " saw nothing; call collect with batches that reach them, or disable them");
    }
    List<Runnable> changes = new ArrayList<>();
    calibrated
        .values()
        .forEach(
            quantizer -> {
              var ranges = quantizer.calibrator().ranges(choice.of(quantizer));
              long[] shape = quantizer.calibrator().shape();
              changes.add(() -> quantizer.setRanges(ranges, shape));
            });
    changes.forEach(Runnable::run);
  }

  private static Map<String, TensorQuantizer> calibrated(Module model) {
    Map<String, TensorQuantizer> calibrated = new LinkedHashMap<>();
    Quantizers.of(model)
        .forEach(
            (path, quantizer) -> {
              if (quantizer.isEnabled()
                  && quantizer.hasCalibrator()
                  && quantizer.config().descriptor().fixedRange() == null) {
                calibrated.put(path, quantizer);
              }
            });
    if (calibrated.isEmpty()) {
      throw new IllegalArgumentException(
          "the model has no enabled quantizer without a fixed range; quantize its layers first");
    }
    return calibrated;
  }

  private static void keepHistogram(TensorQuantizer quantizer) {
    QuantDescriptor descriptor = quantizer.config().descriptor();
    if (descriptor.method() instanceof RangeMethod.MinMax
        && quantizer.calibrator() instanceof RangeCalibrator known
        && known.observed().isEmpty()) {
      RangeMethod histogram =
          descriptor.float8() == null
              ? new RangeMethod.Entropy()
              : new RangeMethod.Percentile(99.99);
      quantizer.calibrator(new RangeCalibrator(descriptor.toBuilder().method(histogram).build()));
    }
  }

  /** The weights of all quantized layers whose quantizers are enabled, each once. */
  static List<QuantizedWeight> weights(Module model) {
    Set<TensorQuantizer> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    List<QuantizedWeight> weights = new ArrayList<>();
    for (Module module : model.modules().values()) {
      if (module instanceof QuantizedLayer layer) {
        for (QuantizedWeight weight : layer.quantizedWeights()) {
          if (weight.quantizer().isEnabled() && seen.add(weight.quantizer())) {
            weights.add(weight);
          }
        }
      }
    }
    return weights;
  }
}
