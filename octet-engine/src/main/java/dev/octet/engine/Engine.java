package dev.octet.engine;

import dev.octet.engine.dnnl.DnnlException;
import dev.octet.engine.dnnl.Threads;
import dev.octet.engine.lower.Canonical;
import dev.octet.engine.lower.IntegerForms;
import dev.octet.engine.lower.Lowerings;
import dev.octet.engine.plan.Compiler;
import dev.octet.engine.plan.Constants;
import dev.octet.engine.plan.Frame;
import dev.octet.engine.plan.Plan;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType.TensorType;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.graph.opset.OpsetRaise;
import dev.octet.graph.pass.Passes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A model compiled into oneDNN primitives.
 *
 * <p>The model is compiled anew for each set of input shapes that it meets; the last few stay
 * compiled, and weights are packed once for all. Any number of threads may run it at once; each run
 * has memory of its own, which the next run takes over, and returns the same bits whatever runs
 * beside it.
 *
 * <p>A thread that compiles a shape does not hold up runs of others; those that ask for the same
 * shape meanwhile wait. Interrupting a thread does not end its run: it keeps the interrupt for
 * later.
 *
 * <p>After {@link #close} no run can begin; runs under way end as if nothing had happened, and the
 * last of them frees the memory.
 */
public final class Engine implements AutoCloseable {
  private static final long OPSET = 21;

  private final EngineOptions options;
  private final int threads;
  private final List<Value> inputs;
  private final Constants constants = new Constants();
  private final Compiler compiler;
  private final Map<List<List<Long>>, Compiling> compiled = new LinkedHashMap<>(16, 0.75f, true);
  private final Shared use;

  private Engine(Model model, EngineOptions options) {
    this.options = options;
    this.threads =
        options.threads() == 0 ? Runtime.getRuntime().availableProcessors() : options.threads();
    this.inputs = List.copyOf(model.graph().inputs());
    this.compiler = new Compiler(model.graph(), Lowerings::of, constants);
    this.use = new Shared("the engine is closed", this::free);
  }

  /** Loads an ONNX file with {@link EngineOptions#defaults}. */
  public static Engine load(Path file) {
    return load(file, EngineOptions.defaults());
  }

  /**
   * Loads an ONNX file.
   *
   * @throws ModelException if the file cannot be read as a model
   * @throws UnsupportedNodeException if a node is of an operator that the engine does not run
   */
  public static Engine load(Path file, EngineOptions options) {
    return load(OnnxReader.read(file), options);
  }

  /**
   * Loads a model, which is copied and stays as it is.
   *
   * @throws UnsupportedNodeException if a node is of an operator that the engine does not run
   */
  public static Engine load(Model model, EngineOptions options) {
    Model own = model.copy();
    if (own.opset() < OPSET) {
      OpsetRaise.to(own, OPSET);
    }
    IntegerForms.toQdq(own.graph());
    Passes.simplify(own);
    Canonical.rewrite(own.graph());
    return new Engine(own, options);
  }

  /**
   * Runs the model.
   *
   * @param given a tensor for each input, by name; row-major, of the declared type and rank
   * @return the outputs by name, in the graph's order
   * @throws IllegalArgumentException if an input is missing, unknown, empty, or not of the declared
   *     type and dimensions
   * @throws UnsupportedNodeException if a node cannot run with these shapes
   * @throws DnnlException if there is not enough native memory
   * @throws IllegalStateException if the engine is closed
   */
  public Map<String, Tensor> run(Map<String, Tensor> given) {
    use.enter();
    try {
      Threads.use(threads);
      CompiledShapes shapes = shapes(check(given));
      try {
        return run(shapes, given);
      } finally {
        shapes.use().leave();
      }
    } finally {
      use.leave();
    }
  }

  /**
   * A session for inputs of these dimensions, which shares this engine's weights and must be
   * closed.
   *
   * @param shapes the dimensions of each input, by name
   * @throws IllegalArgumentException if an input is missing, unknown, empty, or not of the declared
   *     dimensions
   * @throws UnsupportedNodeException if a node cannot run with these shapes
   * @throws IllegalStateException if the engine is closed
   */
  public Session session(Map<String, long[]> shapes) {
    use.enter();
    try {
      Threads.use(threads);
      CompiledShapes compiledShapes = shapes(checkShapes(shapes));
      try {
        Plan plan = compiledShapes.plan();
        return new Session(
            plan,
            plan.frame(),
            threads,
            () -> {
              compiledShapes.use().leave();
              use.leave();
            });
      } catch (RuntimeException failed) {
        compiledShapes.use().leave();
        throw failed;
      }
    } catch (RuntimeException failed) {
      use.leave();
      throw failed;
    }
  }

  private Map<String, Tensor> run(CompiledShapes shapes, Map<String, Tensor> given) {
    Plan plan = shapes.plan();
    Frame frame = shapes.take();
    try {
      fill(frame, given);
      frame.run();
      Map<String, Tensor> results = new LinkedHashMap<>();
      for (int i = 0; i < plan.outputs().size(); i++) {
        Plan.Port port = plan.outputs().get(i);
        ByteBuffer from = frame.output(i).clear();
        ByteBuffer copy =
            ByteBuffer.allocate(from.remaining()).order(ByteOrder.LITTLE_ENDIAN).put(from).flip();
        long[] dims = port.dims().stream().mapToLong(Long::longValue).toArray();
        results.put(port.name(), Tensor.wrap(port.type(), dims, copy));
      }
      return results;
    } finally {
      shapes.giveBack(frame);
    }
  }

  private void fill(Frame frame, Map<String, Tensor> given) {
    for (int i = 0; i < inputs.size(); i++) {
      Tensor tensor = given.get(inputs.get(i).name());
      if (tensor != null) {
        frame.input(i).clear().put(tensor.data());
      }
    }
  }

  /**
   * The plan for inputs of these dimensions, in use until its {@code leave}. The first thread that
   * asks compiles it; others that ask meanwhile wait for it alone.
   */
  private CompiledShapes shapes(List<long[]> dims) {
    List<List<Long>> key = dims.stream().map(one -> Arrays.stream(one).boxed().toList()).toList();
    while (true) {
      Compiling entry;
      boolean mine = false;
      synchronized (compiled) {
        entry = compiled.get(key);
        if (entry == null) {
          mine = true;
          entry = new Compiling();
          compiled.put(key, entry);
        }
      }
      if (mine) {
        return compile(key, dims, entry);
      }
      CompiledShapes found = entry.join();
      if (found.use().tryEnter()) {
        return found;
      }
      // Another shape took its place before it was used: again, then.
    }
  }

  private CompiledShapes compile(List<List<Long>> key, List<long[]> dims, Compiling entry) {
    Map<String, long[]> byName = new HashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      byName.put(inputs.get(i).name(), dims.get(i));
    }
    try {
      CompiledShapes made = new CompiledShapes(compiler.compile(byName));
      made.use().enter();
      synchronized (compiled) {
        entry.complete(made);
        evict(entry);
      }
      return made;
    } catch (RuntimeException | Error failed) {
      synchronized (compiled) {
        compiled.remove(key);
      }
      entry.fail(failed);
      throw failed;
    }
  }

  /** Closes the plans that were not used for longest, those that are being compiled excepted. */
  private void evict(Compiling newest) {
    var entries = compiled.values().iterator();
    int surplus = compiled.size() - options.plans();
    while (surplus > 0 && entries.hasNext()) {
      Compiling entry = entries.next();
      if (entry != newest && entry.isDone()) {
        entry.join().use().close();
        entries.remove();
        surplus--;
      }
    }
  }

  /**
   * What runs for inputs of these dimensions, which are compiled if they are not yet.
   *
   * @param shapes the dimensions of each input, by name
   */
  public Explanation explain(Map<String, long[]> shapes) {
    use.enter();
    try {
      Threads.use(threads);
      CompiledShapes found = shapes(checkShapes(shapes));
      try {
        return explanation(found.plan(), List.of());
      } finally {
        found.use().leave();
      }
    } finally {
      use.leave();
    }
  }

  /**
   * Runs the model {@code runs} times and says what each step took.
   *
   * @param given as for {@link #run}
   * @param runs how often, at least once; each step's time is the median of its times
   */
  public Explanation profile(Map<String, Tensor> given, int runs) {
    if (runs < 1) {
      throw new IllegalArgumentException("runs is " + runs + "; it must be 1 or more");
    }
    use.enter();
    try {
      Threads.use(threads);
      CompiledShapes shapes = shapes(check(given));
      try {
        return profile(shapes, given, runs);
      } finally {
        shapes.use().leave();
      }
    } finally {
      use.leave();
    }
  }

  private Explanation profile(CompiledShapes shapes, Map<String, Tensor> given, int runs) {
    Plan plan = shapes.plan();
    List<Plan.Line> lines = plan.lines();
    long[][] times = new long[runs][lines.size()];
    Frame frame = shapes.take();
    try {
      fill(frame, given);
      for (long[] one : times) {
        frame.run(one);
      }
    } finally {
      shapes.giveBack(frame);
    }
    List<Long> medians = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      int step = i;
      medians.add(Arrays.stream(times).mapToLong(t -> t[step]).sorted().toArray()[runs / 2]);
    }
    return explanation(plan, medians);
  }

  private Explanation explanation(Plan plan, List<Long> medians) {
    return new Explanation(
        plan.inputs(),
        plan.outputs(),
        plan.lines(),
        medians,
        plan.arenaBytes(),
        constants.sizeBytes(),
        plan.graph());
  }

  private List<long[]> check(Map<String, Tensor> given) {
    Map<String, long[]> shapes = new HashMap<>();
    given.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    List<long[]> dims = checkShapes(shapes);
    for (Value input : inputs) {
      Tensor tensor = given.get(input.name());
      DataType type = input.type() instanceof TensorType declared ? declared.elementType() : null;
      if (tensor != null && type != null && tensor.type() != type) {
        throw new IllegalArgumentException(
            "input '" + input.name() + "' is " + tensor.type() + "; the model declares " + type);
      }
    }
    return dims;
  }

  /** The dimensions of each input in the graph's order. */
  private List<long[]> checkShapes(Map<String, long[]> shapes) {
    Set<String> unknown = new TreeSet<>(shapes.keySet());
    List<long[]> result = new ArrayList<>();
    for (Value input : inputs) {
      unknown.remove(input.name());
      long[] dims = shapes.get(input.name());
      if (dims == null) {
        throw new IllegalArgumentException(
            "input '" + input.name() + "' is missing; the model reads " + inputs);
      }
      check(input, dims);
      result.add(dims.clone());
    }
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "the model has no input " + unknown + "; it reads " + inputs);
    }
    return result;
  }

  private static void check(Value input, long[] dims) {
    long bytes = 4;
    for (long dim : dims) {
      if (dim < 1) {
        throw new IllegalArgumentException(
            "input '" + input.name() + "' of " + Arrays.toString(dims) + " has no elements");
      }
      if (dim > Integer.MAX_VALUE / bytes) {
        throw new IllegalArgumentException(
            "input '" + input.name() + "' of " + Arrays.toString(dims) + " is above 2 GiB");
      }
      bytes *= dim;
    }
    List<Dimension> declared = input.shape();
    boolean fits = declared == null || declared.size() == dims.length;
    for (int i = 0; fits && declared != null && i < dims.length; i++) {
      fits = !(declared.get(i) instanceof Dimension.Fixed fixed) || fixed.size() == dims[i];
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "input '"
              + input.name()
              + "' has dimensions "
              + Arrays.toString(dims)
              + "; the model declares "
              + declared);
    }
  }

  private void free() {
    synchronized (compiled) {
      compiled.values().forEach(entry -> entry.join().use().close());
      compiled.clear();
    }
    constants.close();
  }

  @Override
  public void close() {
    use.close();
  }
}
