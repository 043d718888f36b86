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
 * Histograms of a model's activations, layer by layer, in the form of Distiller's {@code
 * ActivationHistogramsCollector}: {@code layer: {inputs: {0: {hist, bin_centroids}}, output:
 * {...}}}.
 *
 * @param layers by the layer's path in the model
 */
public record ModelHistograms(Map<String, LayerHistograms> layers) {
  /**
   * The histograms of a layer.
   *
   * @param inputs by index, from 0
   * @param output null if there is none
   */
  public record LayerHistograms(
      SortedMap<Integer, ActivationHistogram> inputs, @Nullable ActivationHistogram output) {
    public LayerHistograms {
      inputs = Collections.unmodifiableSortedMap(new TreeMap<>(inputs));
    }
  }

  public ModelHistograms {
    layers = Collections.unmodifiableMap(new LinkedHashMap<>(layers));
  }

  /**
   * Reads a file that {@link #write} wrote.
   *
   * @throws IllegalArgumentException if it cannot be read or is of another form
   */
  public static ModelHistograms read(Path file) {
    Map<String, LayerHistograms> layers = new LinkedHashMap<>();
    SafeYaml.read(file)
        .forEach(
            (name, value) -> {
              String what = file + ": layer '" + name + "'";
              Map<String, @Nullable Object> layer = SafeYaml.section(value, what);
              SortedMap<Integer, ActivationHistogram> inputs = new TreeMap<>();
              Object listed = layer.get("inputs");
              if (listed != null) {
                SafeYaml.section(listed, what + ", inputs,")
                    .forEach(
                        (index, each) -> {
                          String which = what + ", input " + index + ",";
                          inputs.put(
                              (int) SafeYaml.number(index, which),
                              ActivationHistogram.fromMap(SafeYaml.section(each, which), which));
                        });
              }
              Object output = layer.get("output");
              String which = what + ", output,";
              layers.put(
                  name,
                  new LayerHistograms(
                      inputs,
                      output == null
                          ? null
                          : ActivationHistogram.fromMap(SafeYaml.section(output, which), which)));
            });
    return new ModelHistograms(layers);
  }

  /** Writes a file. */
  public void write(Path file) {
    Map<String, @Nullable Object> data = new LinkedHashMap<>();
    layers.forEach(
        (name, layer) -> {
          Map<String, @Nullable Object> record = new LinkedHashMap<>();
          Map<Object, @Nullable Object> inputs = new LinkedHashMap<>();
          layer.inputs().forEach((index, histogram) -> inputs.put(index, histogram.toMap()));
          record.put("inputs", inputs);
          ActivationHistogram output = layer.output();
          if (output != null) {
            record.put("output", output.toMap());
          }
          data.put(name, record);
        });
    SafeYaml.write(data, file);
  }
}
