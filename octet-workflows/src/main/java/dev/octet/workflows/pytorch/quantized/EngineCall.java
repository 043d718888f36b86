package dev.octet.workflows.pytorch.quantized;

import dev.octet.engine.Engine;
import dev.octet.engine.EngineOptions;
import dev.octet.graph.Bytes;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.CallStack;
import dev.octet.torch.op.Tracer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;

/**
 * A computation of tracked operations that the engine carries out: traced when it is first called,
 * and again for sizes that its nodes hold. Closing frees the engines.
 */
final class EngineCall implements AutoCloseable {
  /** Computes by tracked operations. */
  interface Computation {
    Tensor apply(Tensor... inputs);
  }

  /** Sizes of inputs that stay compiled at once. */
  private static final int KEPT = 8;

  private static final long OPSET = 21;
  private static final long IR_VERSION = 10;

  private final Computation computation;
  private final Supplier<Map<String, Tensor>> weights;
  private final boolean anySize;
  private final Map<List<Long>, Engine> engines = new LinkedHashMap<>();
  // Read by those that run an engine, written by who adds or closes one.
  private final ReentrantReadWriteLock use = new ReentrantReadWriteLock();

  /**
   * A computation.
   *
   * @param weights what it reads beside its inputs, by name
   * @param anySize whether its nodes are the same for inputs of all sizes; otherwise for all sizes
   *     of the first dimension
   */
  EngineCall(Computation computation, Supplier<Map<String, Tensor>> weights, boolean anySize) {
    this.computation = computation;
    this.weights = weights;
    this.anySize = anySize;
  }

  /** The result, owned by the scope around the call; inputs are open, and have elements. */
  Tensor run(Tensor... inputs) {
    List<Long> key = new ArrayList<>();
    for (Tensor input : inputs) {
      long[] shape = Tensors.shape(input);
      key.add((long) shape.length);
      key.add((long) Tensors.type(input).value);
      for (int i = 1; i < shape.length && !anySize; i++) {
        key.add(shape[i]);
      }
    }
    while (true) {
      use.readLock().lock();
      try {
        Engine engine = engines.get(key);
        if (engine != null) {
          return run(engine, inputs);
        }
      } finally {
        use.readLock().unlock();
      }
      compile(key, inputs);
    }
  }

  private static Tensor run(Engine engine, Tensor... inputs) {
    try (Scope scope = Scope.open()) {
      Map<String, dev.octet.graph.Tensor> given = new LinkedHashMap<>();
      for (int i = 0; i < inputs.length; i++) {
        Tensor dense = inputs[i].detach().cpu().contiguous();
        ByteBuffer memory = Tensors.bytes(dense);
        given.put(
            name(i),
            dev.octet.graph.Tensor.wrap(
                Tensors.dataType(Tensors.type(dense)), Tensors.shape(dense), memory));
      }
      dev.octet.graph.Tensor result = engine.run(given).values().iterator().next();
      return scope.give(Tensors.of(result));
    }
  }

  private void compile(List<Long> key, Tensor... inputs) {
    use.writeLock().lock();
    try {
      if (engines.containsKey(key)) {
        return;
      }
      if (engines.size() >= KEPT) {
        List<Long> oldest = engines.keySet().iterator().next();
        Engine surplus = engines.remove(oldest);
        if (surplus != null) {
          surplus.close();
        }
      }
      engines.put(key, Engine.load(trace(inputs), EngineOptions.defaults()));
    } finally {
      use.writeLock().unlock();
    }
  }

  /** The computation as a graph. */
  private Model trace(Tensor... inputs) {
    Graph graph = new Graph("module");
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open();
        Tracer tracer = Tracer.start(graph, weights.get(), OPSET, () -> "", CallStack::place)) {
      for (int i = 0; i < inputs.length; i++) {
        Value input = graph.addValue(name(i), type(inputs[i]));
        graph.addInput(input);
        tracer.bind(inputs[i], input);
      }
      tracer.output(computation.apply(inputs), "output");
    }
    return new Model(IR_VERSION, Map.of("", OPSET), Map.of(), graph, Bytes.EMPTY);
  }

  private ValueType.TensorType type(Tensor input) {
    List<Dimension> dimensions = new ArrayList<>();
    for (long size : Tensors.shape(input)) {
      dimensions.add(
          anySize || dimensions.isEmpty() ? new Dimension.Unknown() : new Dimension.Fixed(size));
    }
    return new ValueType.TensorType(Tensors.dataType(Tensors.type(input)), dimensions);
  }

  private static String name(int index) {
    return "input_" + index;
  }

  /** Forgets what was compiled: what the computation reads has changed. */
  void reset() {
    use.writeLock().lock();
    try {
      engines.values().forEach(Engine::close);
      engines.clear();
    } finally {
      use.writeLock().unlock();
    }
  }

  @Override
  public void close() {
    reset();
  }
}
