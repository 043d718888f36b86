package dev.octet.workflows.distiller.stats;

import dev.octet.core.yaml.SafeYaml;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Calibration statistics of a model, layer by layer, as Distiller's {@code
 * QuantCalibrationStatsCollector} keeps them. Immutable.
 *
 * <pre>{@code
 * conv1:
 *   inputs:
 *     0: {min: -2.1, max: 2.6, avg_min: -1.9, avg_max: 2.2, mean: 0.0, std: 1.0, b: 0.8,
 *         shape: '(N, 3, 32, 32)', total_numel: 3072000}
 *   output: {min: ...}
 * }</pre>
 *
 * @param layers by the layer's path in the model, in the order in which they were first run
 */
public record ModelStats(Map<String, LayerStats> layers) {
  /** Copies the map. */
  public ModelStats {
    layers = Collections.unmodifiableMap(new LinkedHashMap<>(layers));
  }

  /**
   * Reads a file of Distiller's.
   *
   * @throws IllegalArgumentException if it cannot be read or is of another form
   */
  public static ModelStats read(Path file) {
    return fromMap(SafeYaml.read(file), file.toString());
  }

  /** Reads such a text; {@code origin} names it in messages. */
  public static ModelStats parse(String yaml, String origin) {
    return fromMap(SafeYaml.read(yaml, origin), origin);
  }

  /** Takes the data that such a text holds. */
  public static ModelStats fromMap(Map<String, @Nullable Object> data, String origin) {
    Map<String, LayerStats> layers = new LinkedHashMap<>();
    data.forEach(
        (name, value) -> {
          String what = origin + ": layer '" + name + "'";
          Map<String, @Nullable Object> layer = SafeYaml.section(value, what);
          SortedMap<Integer, TensorStats> inputs = new TreeMap<>();
          Object listed = layer.get("inputs");
          if (listed != null) {
            SafeYaml.section(listed, what + ", inputs,")
                .forEach(
                    (index, each) -> {
                      String which = what + ", input " + index + ",";
                      inputs.put(
                          index(index, which),
                          TensorStats.fromMap(SafeYaml.section(each, which), which));
                    });
          }
          Object output = layer.get("output");
          layers.put(
              name,
              new LayerStats(
                  inputs,
                  output == null
                      ? null
                      : TensorStats.fromMap(
                          SafeYaml.section(output, what + ", output,"), what + ", output,")));
        });
    return new ModelStats(layers);
  }

  private static int index(String text, String what) {
    try {
      int index = Integer.parseInt(text);
      if (index >= 0) {
        return index;
      }
    } catch (NumberFormatException e) {
      // the message below says it
    }
    throw new IllegalArgumentException(what + " has no whole number for its place");
  }

  /** The data in Distiller's form: what {@link #fromMap} takes. */
  public Map<String, @Nullable Object> toMap() {
    Map<String, @Nullable Object> data = new LinkedHashMap<>();
    layers.forEach(
        (name, layer) -> {
          Map<String, @Nullable Object> record = new LinkedHashMap<>();
          Map<Object, @Nullable Object> inputs = new LinkedHashMap<>();
          layer.inputs().forEach((index, stats) -> inputs.put(index, stats.toMap()));
          record.put("inputs", inputs);
          if (layer.output() != null) {
            record.put("output", layer.output().toMap());
          }
          data.put(name, record);
        });
    return data;
  }

  /** Writes a file that {@link #read} and Distiller read. */
  public void write(Path file) {
    SafeYaml.write(toMap(), file);
  }

  /** The same with other statistics for one layer. */
  public ModelStats with(String name, LayerStats stats) {
    Map<String, LayerStats> changed = new LinkedHashMap<>(layers);
    changed.put(name, stats);
    return new ModelStats(changed);
  }

  /** The same without one layer. */
  public ModelStats without(String name) {
    Map<String, LayerStats> changed = new LinkedHashMap<>(layers);
    changed.remove(name);
    return new ModelStats(changed);
  }
}
