package dev.octet.workflows.distiller.stats;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Collects, of every input and output of every layer, what post-training quantization asks:
 * extremes, their averages over samples, mean, standard deviation and mean absolute deviation.
 *
 * <pre>{@code
 * ModelStats stats =
 *     QuantCalibrationStatsCollector.collectQuantStats(net, () -> run(net, calibrationBatches));
 * stats.write(Path.of("acts_quantization_stats.yaml"));
 * }</pre>
 *
 * <p>The samples are run twice, since the deviation from the mean needs the mean; they must be the
 * same both times. Sums have no rounding error, so the figures depend neither on the order of
 * batches nor on how they are parted. NaN and infinities are left out. A layer that is called
 * several times in a run has the figures of all calls together.
 */
public final class QuantCalibrationStatsCollector implements AutoCloseable {
  /** What {@code avg_min} and {@code avg_max} of several batches are. */
  public enum Averages {
    /** The mean over all samples. */
    OVER_SAMPLES,
    /**
     * As Distiller's last commit: what came before weighs as many as it had elements, and a new
     * batch as many as it has samples, so that the first batch decides nearly all.
     */
    AS_DISTILLER
  }

  /** The tensors of a layer. */
  private static final class LayerCollectors {
    private final SortedMap<Integer, TensorCollector> inputs = new TreeMap<>();
    private @Nullable TensorCollector output;
  }

  private final Averages averages;
  private final Map<String, LayerCollectors> layers = new LinkedHashMap<>();
  private final TensorHooks hooks;
  private final List<String> names;
  private boolean secondPass;

  private QuantCalibrationStatsCollector(Map<String, Module> modules, Averages averages) {
    this.averages = averages;
    names = List.copyOf(modules.keySet());
    hooks = TensorHooks.on(modules, this::see);
  }

  /** Of all layers that have no others inside them, identities left out. */
  public static QuantCalibrationStatsCollector of(Module model) {
    return of(model, List.of(), module -> false, Averages.OVER_SAMPLES);
  }

  /**
   * Of some layers.
   *
   * @param layers paths of layers; empty for all
   * @param leaf which modules count as layers though they have others inside, such as a quantized
   *     layer around a float one
   * @throws IllegalArgumentException if a path names no layer
   */
  public static QuantCalibrationStatsCollector of(
      Module model, Collection<String> layers, Predicate<Module> leaf, Averages averages) {
    return new QuantCalibrationStatsCollector(TensorHooks.layers(model, layers, leaf), averages);
  }

  /**
   * The statistics of a model on samples.
   *
   * @param samples runs the model on them, in eval mode; is called twice and must do the same
   */
  public static ModelStats collectQuantStats(Module model, Runnable samples) {
    return collectQuantStats(model, samples, List.of());
  }

  /**
   * The same of some layers.
   *
   * @param layers paths of layers; empty for all
   */
  public static ModelStats collectQuantStats(
      Module model, Runnable samples, Collection<String> layers) {
    boolean training = model.isTraining();
    model.eval();
    try (Torch.Switched noGrad = Torch.noGrad();
        QuantCalibrationStatsCollector collector =
            of(model, layers, module -> false, Averages.OVER_SAMPLES)) {
      samples.run();
      collector.startSecondPass();
      samples.run();
      return collector.stats();
    } finally {
      model.train(training);
    }
  }

  private void see(String layer, int input, org.bytedeco.pytorch.Tensor tensor) {
    LayerCollectors collectors = layers.get(layer);
    if (collectors == null) {
      if (secondPass) {
        throw different(layer);
      }
      collectors = new LayerCollectors();
      layers.put(layer, collectors);
    }
    TensorCollector collector = input < 0 ? collectors.output : collectors.inputs.get(input);
    if (collector == null) {
      if (secondPass) {
        throw different(layer);
      }
      collector =
          new TensorCollector(layer + (input < 0 ? ", output" : ", input " + input), averages);
      if (input < 0) {
        collectors.output = collector;
      } else {
        collectors.inputs.put(input, collector);
      }
    }
    try (Scope scope = Scope.open()) {
      if (secondPass) {
        collector.second(tensor);
      } else {
        collector.first(tensor);
      }
    }
  }

  private static IllegalStateException different(String layer) {
    return new IllegalStateException(
        "'"
            + layer
            + "' has another tensor in the second pass than in the first; run the same"
            + " samples in the same way");
  }

  /** From here on the same samples are run again. */
  public void startSecondPass() {
    secondPass = true;
  }

  /** Layers that never ran so far, and have no statistics therefore. */
  public List<String> neverRun() {
    List<String> missing = new ArrayList<>(names);
    missing.removeAll(layers.keySet());
    return missing;
  }

  /**
   * Takes in what another collector of the same layers saw of other samples, at the end of the same
   * pass. For the second pass both must know the first's result of all samples: merge there too.
   *
   * @throws IllegalArgumentException with {@link Averages#AS_DISTILLER}, which goes by the order
   */
  public void merge(QuantCalibrationStatsCollector other) {
    if (averages == Averages.AS_DISTILLER || other.averages == Averages.AS_DISTILLER) {
      throw new IllegalArgumentException(
          "averages as Distiller's depend on the order of batches and do not merge");
    }
    other.layers.forEach(
        (name, theirs) -> {
          LayerCollectors ours = layers.computeIfAbsent(name, key -> new LayerCollectors());
          theirs.inputs.forEach(
              (index, collector) -> ours.inputs.merge(index, collector, TensorCollector::merge));
          TensorCollector output = theirs.output;
          if (output != null) {
            ours.output = ours.output == null ? output : ours.output.merge(output);
          }
        });
  }

  /** What was seen so far; without the second pass, no {@code b}. */
  public ModelStats stats() {
    Map<String, LayerStats> found = new LinkedHashMap<>();
    layers.forEach(
        (name, collectors) -> {
          SortedMap<Integer, TensorStats> inputs = new TreeMap<>();
          collectors.inputs.forEach(
              (index, collector) -> {
                if (collector.isSeen()) {
                  inputs.put(index, collector.stats());
                }
              });
          TensorCollector output = collectors.output;
          found.put(
              name,
              new LayerStats(inputs, output == null || !output.isSeen() ? null : output.stats()));
        });
    return new ModelStats(found);
  }

  /** Takes the hooks away; what was collected stays. */
  @Override
  public void close() {
    hooks.close();
  }
}
