package dev.octet.quantize.data;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Samples bound to a model's inputs and stacked along the batch axis.
 *
 * @param feeds the stacked tensors by input name, without state inputs
 * @param samples the samples, in the order of the batch axis
 */
public record Batch(Map<String, HostTensor> feeds, List<Sample> samples) {

  public Batch {
    samples = List.copyOf(samples);
  }

  /** The number of samples. */
  public int size() {
    return samples.size();
  }

  /** The label of the sample at {@code index} of the batch axis, where it has one. */
  public OptionalInt label(int index) {
    return samples.get(index).label();
  }
}
