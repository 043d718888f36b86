package dev.octet.quantize.evaluate;

import dev.octet.graph.Model;
import dev.octet.graph.Value;
import dev.octet.quantize.data.Batch;
import dev.octet.quantize.data.Feedback;
import dev.octet.quantize.data.Feeder;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.InputBinding;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.run.GraphRunner;
import dev.octet.quantize.run.ModelInputs;
import dev.octet.quantize.run.Runner;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A model that is fed samples batch after batch, its state included. Owns its runner; close it. Not
 * thread-safe.
 */
public final class ModelRun implements AutoCloseable {
  private final GraphRunner runner;
  private final Feeder feeder;
  private final InputBinding binding;

  private ModelRun(GraphRunner runner, InputBinding binding) {
    this.runner = runner;
    this.binding = binding;
    this.feeder = new Feeder(binding);
  }

  /** How samples are bound to the inputs of {@code model}; the same for its quantized form. */
  public static InputBinding binding(Model model) {
    List<ModelInput> inputs = ModelInputs.of(model.graph());
    return InputBinding.of(inputs, Feedback.guess(inputs, ModelInputs.outputsOf(model.graph())));
  }

  /** Opens {@code model} and observes its outputs and {@code more} of its values. */
  public static ModelRun open(Model model, Collection<String> more) {
    Set<String> observed = new LinkedHashSet<>();
    model.graph().outputs().stream().map(Value::name).forEach(observed::add);
    observed.addAll(more);
    return new ModelRun(Runner.openChosen(model, observed), binding(model));
  }

  /** How samples are bound to this model. */
  public InputBinding binding() {
    return binding;
  }

  /** Runs one batch; the outputs come first, in the model's order. */
  public Map<String, HostTensor> run(Batch batch) {
    Map<String, HostTensor> values = new LinkedHashMap<>();
    runner.run(feeder.feed(batch), values::put);
    feeder.took(values);
    return values;
  }

  @Override
  public void close() {
    runner.close();
  }
}
