package dev.octet.examples;

import dev.octet.engine.Engine;
import dev.octet.engine.EngineOptions;
import dev.octet.graph.Model;
import dev.octet.graph.Value;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.quantized.EngineModel;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** A model on the engine, on one thread, as a module: it is judged and timed like any other. */
final class OnEngine extends Module {
  private static final EngineOptions OPTIONS = EngineOptions.defaults().withThreads(1);

  private interface Run {
    Tensor on(Tensor... inputs);
  }

  private final Run run;
  private final Runnable close;

  private OnEngine(Run run, Runnable close) {
    this.run = run;
    this.close = close;
    eval();
  }

  /** A module, compiled; it may be closed afterwards. */
  static OnEngine of(Module module, Tensor... example) {
    module.eval();
    EngineModel compiled = EngineModel.compile(module, OPTIONS, example);
    return new OnEngine(compiled::run, compiled::close);
  }

  /** A graph of one output. */
  static OnEngine of(Model model) {
    Engine engine = Engine.load(model, OPTIONS);
    List<String> names =
        model.graph().inputs().stream()
            .filter(value -> value.initializer() == null)
            .map(Value::name)
            .toList();
    return new OnEngine(
        inputs -> {
          Map<String, dev.octet.graph.Tensor> given = new LinkedHashMap<>();
          for (int i = 0; i < inputs.length; i++) {
            given.put(names.get(i), Tensors.toHost(inputs[i]));
          }
          return Tensors.of(engine.run(given).values().iterator().next());
        },
        engine::close);
  }

  @Override
  protected Tensor forward(Tensor[] inputs) {
    return run.on(inputs);
  }

  @Override
  protected Tensor forward(Tensor input) {
    return run.on(input);
  }

  @Override
  protected void release() {
    close.run();
  }
}
