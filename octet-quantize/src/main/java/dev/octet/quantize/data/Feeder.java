package dev.octet.quantize.data;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Feeds one model step by step, handing its state from each step to the next.
 *
 * <p>For a model without state this only binds. Two models that are compared have a feeder each,
 * because each has its own state. Not safe for use by several threads.
 */
public final class Feeder {

  private final InputBinding binding;
  private final Map<String, HostTensor> state = new HashMap<>();

  /**
   * A feeder with no state yet: the first sample starts from the state it brings, or from zeros
   * (axes of free size are 1 then).
   */
  public Feeder(InputBinding binding) {
    this.binding = binding;
  }

  /**
   * The tensors to run the model on for {@code sample}, state included.
   *
   * @throws DataException if the sample does not fit the model
   */
  public Map<String, HostTensor> feed(Sample sample) {
    return feed(new Batch(binding.bind(sample), List.of(sample)));
  }

  /**
   * The tensors to run the model on for {@code batch}, state included.
   *
   * @throws IllegalArgumentException if the model has state and the batch more than one sample
   */
  public Map<String, HostTensor> feed(Batch batch) {
    if (binding.feedback().isEmpty()) {
      return batch.feeds();
    }
    if (batch.samples().size() != 1) {
      throw new IllegalArgumentException(
          "batch size is " + batch.samples().size() + "; a model with state takes 1");
    }
    Sample sample = batch.samples().get(0);
    if (sample.startsSequence()) {
      state.clear();
    }
    Map<String, HostTensor> feeds = new LinkedHashMap<>();
    for (ModelInput input : binding.inputs()) {
      HostTensor bound = batch.feeds().get(input.name());
      feeds.put(input.name(), bound != null ? bound : stateOf(input, sample));
    }
    return feeds;
  }

  /** Takes the state that the next step needs from the outputs of this one. */
  public void took(Map<String, HostTensor> outputs) {
    binding
        .feedback()
        .inputOfOutput()
        .forEach(
            (output, input) -> {
              HostTensor value = outputs.get(output);
              if (value == null) {
                throw new IllegalArgumentException(
                    "outputs "
                        + outputs.keySet()
                        + " lack the state '"
                        + output
                        + "'; request it as well");
              }
              state.put(input, value);
            });
  }

  private HostTensor stateOf(ModelInput input, Sample sample) {
    HostTensor named = sample.inputs().get(input.name());
    if (named != null) { // what a sample brings under the input's own name wins over what was kept
      return InputBinding.fit(input, named, sample.origin());
    }
    HostTensor kept = state.get(input.name());
    if (kept != null) {
      return kept;
    }
    HostTensor first = sample.inputs().get(Sample.STATE);
    if (first == null) {
      return HostTensor.zeros(
          input.type(),
          input.dims().stream().mapToInt(size -> size < 0 ? 1 : Math.toIntExact(size)).toArray());
    }
    if (binding.feedback().inputOfOutput().size() > 1) {
      throw new DataException(
          "sample '"
              + sample.origin()
              + "' brings one first state, the model has the state inputs "
              + binding.feedback().inputOfOutput().values()
              + "; name the files after the inputs");
    }
    return InputBinding.fit(input, first, sample.origin());
  }
}
