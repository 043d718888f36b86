package dev.octet.workflows.pytorch.fx;

import dev.octet.core.affine.QuantParams;
import dev.octet.engine.Engine;
import dev.octet.engine.EngineOptions;
import dev.octet.graph.Model;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Module;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * A converted model, which runs on Octet's engine: integer weights, and integer arithmetic where
 * the report says so. It does not train.
 */
public final class ConvertedModule extends Module {
  private final Model model;
  private final Engine engine;
  private final FxReport report;
  private final List<String> inputs;
  private final List<String> outputs;
  private final Map<String, QuantParams> quantization;
  private final Map<String, Object> preserved;

  ConvertedModule(Conversion.Result made, Map<String, Object> preserved) {
    model = made.model();
    report = made.report();
    quantization = Map.copyOf(made.integers());
    inputs =
        model.graph().inputs().stream()
            .filter(value -> value.initializer() == null)
            .map(Value::name)
            .toList();
    outputs = model.graph().outputs().stream().map(Value::name).toList();
    this.preserved = Map.copyOf(preserved);
    engine = Engine.load(model, EngineOptions.defaults());
    eval();
  }

  /** For a graph of one output. */
  @Override
  protected Tensor forward(Tensor[] given) {
    if (outputs.size() != 1) {
      throw new IllegalArgumentException(
          "the graph has the outputs " + outputs + "; use run, which gives them by name");
    }
    return Tensors.of(compute(given).values().iterator().next());
  }

  @Override
  protected Tensor forward(Tensor input) {
    return forward(new Tensor[] {input});
  }

  /**
   * Computes all outputs.
   *
   * @param given a tensor for each input, in order
   * @return by name, owned by the scope around the call; without one, by the caller
   */
  public Map<String, Tensor> run(Tensor... given) {
    return inside(
        given,
        scope -> {
          Map<String, Tensor> results = new LinkedHashMap<>();
          compute(given).forEach((name, made) -> results.put(name, scope.give(Tensors.of(made))));
          return results;
        });
  }

  private Map<String, dev.octet.graph.Tensor> compute(Tensor[] given) {
    if (given.length != inputs.size()) {
      throw new IllegalArgumentException(
          "the graph takes " + inputs + ", not " + given.length + " tensors");
    }
    Map<String, dev.octet.graph.Tensor> byName = new LinkedHashMap<>();
    for (int i = 0; i < given.length; i++) {
      byName.put(inputs.get(i), Tensors.toHost(given[i]));
    }
    return engine.run(byName);
  }

  /** A copy of the model, in ONNX's Q/DQ form, which ONNX Runtime runs as well. */
  public Model model() {
    return model.copy();
  }

  /** Writes the model as an ONNX file. */
  public void write(Path file) {
    OnnxWriter.write(model, file);
  }

  /** What became of each operator, and why. */
  public FxReport report() {
    return report;
  }

  /**
   * Scale and zero point of an input that is taken as integers.
   *
   * @throws IllegalArgumentException if it is taken as floats
   */
  public QuantParams inputQuantization(int index) {
    return quantization(inputs, index, "input");
  }

  /**
   * Scale and zero point of an output that is given as integers.
   *
   * @throws IllegalArgumentException if it is given as floats
   */
  public QuantParams outputQuantization(int index) {
    return quantization(outputs, index, "output");
  }

  private QuantParams quantization(List<String> names, int index, String role) {
    QuantParams found =
        index < 0 || index >= names.size() ? null : quantization.get(names.get(index));
    if (found == null) {
      throw new IllegalArgumentException(
          "%s %d of %s holds no integers".formatted(role, index, names));
    }
    return found;
  }

  /**
   * An attribute that was preserved.
   *
   * @throws IllegalArgumentException if it was not
   */
  public Object attribute(String name) {
    return GraphModule.attribute(preserved, name);
  }

  @Override
  protected void release() {
    engine.close();
  }

  @Override
  protected String settings() {
    return model.graph().nodeCount() + " nodes";
  }
}
