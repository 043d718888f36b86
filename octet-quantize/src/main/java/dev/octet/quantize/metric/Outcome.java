package dev.octet.quantize.metric;

import dev.octet.quantize.data.HostTensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What came out for one batch.
 *
 * @param actual the judged model's outputs by name, in the model's order, batch axis first
 * @param reference the float model's outputs for the same batch; empty where there is no such model
 * @param labels one for each sample; empty for a sample whose class is not known
 */
public record Outcome(
    Map<String, HostTensor> actual, Map<String, HostTensor> reference, List<OptionalInt> labels) {

  public Outcome {
    // Map.copyOf would lose the order, and with it which output comes first.
    actual = Collections.unmodifiableMap(new LinkedHashMap<>(actual));
    reference = Collections.unmodifiableMap(new LinkedHashMap<>(reference));
    labels = List.copyOf(labels);
  }
}
