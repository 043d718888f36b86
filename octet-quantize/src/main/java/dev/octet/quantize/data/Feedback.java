package dev.octet.quantize.data;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which outputs of a recurrent model are its state: fed back as inputs of the next step.
 *
 * @param inputOfOutput the state input that each state output is fed to
 */
public record Feedback(Map<String, String> inputOfOutput) {

  private static final double LARGEST_STATE = 1 << 28; // elements; no real state comes near

  public Feedback {
    inputOfOutput = Map.copyOf(inputOfOutput);
    Set<String> inputs = new HashSet<>(inputOfOutput.values());
    if (inputs.size() != inputOfOutput.size()) {
      throw new IllegalArgumentException(
          "feedback " + inputOfOutput + " feeds two outputs into one input");
    }
  }

  /** A model without state. */
  public static Feedback none() {
    return new Feedback(Map.of());
  }

  /**
   * The state of a model, guessed: an input of fixed shape other than the first, when exactly one
   * output has the same type and shape and no other such input has. Anything less clear is no
   * state.
   */
  public static Feedback guess(List<ModelInput> inputs, List<ModelInput> outputs) {
    Map<String, String> found = new HashMap<>();
    for (ModelInput input : inputs.subList(Math.min(1, inputs.size()), inputs.size())) {
      boolean fixed =
          input.dims().stream().allMatch(size -> size >= 0)
              && input.dims().stream().mapToDouble(size -> size).reduce(1, (a, b) -> a * b)
                  <= LARGEST_STATE;
      List<ModelInput> twins = inputs.stream().filter(other -> alike(input, other)).toList();
      List<ModelInput> sources = outputs.stream().filter(other -> alike(input, other)).toList();
      if (fixed && input.rank() > 0 && twins.size() == 1 && sources.size() == 1) {
        found.put(sources.get(0).name(), input.name());
      }
    }
    return new Feedback(found);
  }

  /** Whether {@code input} gets its value from an output of the step before. */
  public boolean feeds(String input) {
    return inputOfOutput.containsValue(input);
  }

  /** Whether there is no state. */
  public boolean isEmpty() {
    return inputOfOutput.isEmpty();
  }

  private static boolean alike(ModelInput a, ModelInput b) {
    return a.type() == b.type() && a.dims().equals(b.dims());
  }
}
