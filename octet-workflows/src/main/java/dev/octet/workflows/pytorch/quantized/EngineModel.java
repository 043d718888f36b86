package dev.octet.workflows.pytorch.quantized;

import dev.octet.engine.Engine;
import dev.octet.engine.EngineOptions;
import dev.octet.engine.Explanation;
import dev.octet.graph.Model;
import dev.octet.graph.Value;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Module;
import dev.octet.torch.trace.Trace;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * A whole model as one plan of the engine: integers stay in the engine from layer to layer. It
 * holds copies of the weights, so the module may be closed or changed afterwards.
 *
 * <pre>{@code
 * try (EngineModel fast = EngineModel.compile(converted, example)) {
 *   Tensor scores = fast.run(images);
 * }
 * }</pre>
 *
 * <p>Any number of threads may run it at once.
 */
public final class EngineModel implements AutoCloseable {
  private final Model model;
  private final Engine engine;
  private final List<Value> inputs;

  private EngineModel(Model model, EngineOptions options) {
    this.model = model;
    engine = Engine.load(model, options);
    inputs = List.copyOf(model.graph().inputs());
  }

  /** Compiles a model, traced on an example; the first dimension of its inputs stays free. */
  public static EngineModel compile(Module module, Tensor... example) {
    return compile(module, EngineOptions.defaults(), example);
  }

  /**
   * The same with settings of the engine.
   *
   * @throws dev.octet.torch.op.TraceException naming the module where the computation cannot be
   *     followed
   * @throws dev.octet.engine.plan.UnsupportedNodeException if the engine does not run an operation
   */
  public static EngineModel compile(Module module, EngineOptions options, Tensor... example) {
    return new EngineModel(Trace.of(module).graph(example), options);
  }

  /**
   * The output.
   *
   * @param given as the example was, but for the first dimension
   * @return owned by the scope around the call; without one, by the caller
   * @throws IllegalArgumentException if the inputs do not fit
   * @throws IllegalStateException if it is closed
   */
  public Tensor run(Tensor... given) {
    if (given.length != inputs.size()) {
      throw new IllegalArgumentException(
          "the model takes " + inputs.size() + " inputs, not " + given.length);
    }
    try (Scope scope = Scope.open()) {
      Map<String, dev.octet.graph.Tensor> named = new LinkedHashMap<>();
      for (int i = 0; i < given.length; i++) {
        Tensor x = scope.hold(Tensors.check(given[i], "input " + i));
        Tensor dense = x.detach().cpu().contiguous();
        ByteBuffer memory = Tensors.bytes(dense);
        named.put(
            inputs.get(i).name(),
            dev.octet.graph.Tensor.wrap(
                Tensors.dataType(Tensors.type(dense)), Tensors.shape(dense), memory));
      }
      return scope.give(Tensors.of(engine.run(named).values().iterator().next()));
    }
  }

  /** The graph that is compiled, with QuantizeLinear and DequantizeLinear; not to be changed. */
  public Model graph() {
    return model;
  }

  /** What runs for inputs of these shapes. */
  public Explanation explain(long[]... shapes) {
    if (shapes.length != inputs.size()) {
      throw new IllegalArgumentException(
          "the model takes " + inputs.size() + " inputs, not " + shapes.length);
    }
    Map<String, long[]> named = new LinkedHashMap<>();
    for (int i = 0; i < shapes.length; i++) {
      named.put(inputs.get(i).name(), shapes[i].clone());
    }
    return engine.explain(named);
  }

  /** Frees the engine, once runs under way have ended. */
  @Override
  public void close() {
    engine.close();
  }
}
