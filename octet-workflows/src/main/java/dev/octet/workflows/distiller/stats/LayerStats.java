package dev.octet.workflows.distiller.stats;

import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What was seen in one layer's tensors.
 *
 * @param inputs by index, from 0
 * @param output null if it was not collected
 */
public record LayerStats(SortedMap<Integer, TensorStats> inputs, @Nullable TensorStats output) {
  public LayerStats {
    inputs = Collections.unmodifiableSortedMap(new TreeMap<>(inputs));
  }

  /** Statistics of inputs in order, and of the output. */
  public static LayerStats of(List<TensorStats> inputs, @Nullable TensorStats output) {
    SortedMap<Integer, TensorStats> byIndex = new TreeMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      byIndex.put(i, inputs.get(i));
    }
    return new LayerStats(byIndex, output);
  }

  /** The same with another output. */
  public LayerStats withOutput(@Nullable TensorStats newOutput) {
    return new LayerStats(inputs, newOutput);
  }

  /** The same with another input. */
  public LayerStats withInput(int index, TensorStats newInput) {
    SortedMap<Integer, TensorStats> changed = new TreeMap<>(inputs);
    changed.put(index, newInput);
    return new LayerStats(changed, output);
  }
}
