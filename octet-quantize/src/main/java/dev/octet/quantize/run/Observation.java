package dev.octet.quantize.run;

import dev.octet.graph.Model;
import dev.octet.graph.Value;
import java.util.Set;

/** Runtimes show outputs only: what is to be observed becomes one. */
final class Observation {
  private Observation() {}

  /**
   * A copy of {@code model} whose outputs include the values called {@code names}.
   *
   * @throws IllegalArgumentException if one does not exist
   */
  static Model of(Model model, Set<String> names) {
    Model copy = model.copy();
    for (String name : names) {
      Value value = copy.graph().value(name);
      if (value == null) {
        throw new IllegalArgumentException("the model has no value '" + name + "' to observe");
      }
      if (!value.isOutput()) {
        copy.graph().addOutput(value);
      }
    }
    return copy;
  }
}
