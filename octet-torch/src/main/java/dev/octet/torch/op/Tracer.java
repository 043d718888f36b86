package dev.octet.torch.op;

import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Follows tensors through the tracked operations of this thread and writes down the nodes that
 * compute the same.
 *
 * <p>A tensor is known by the address of LibTorch's object behind it, so every followed tensor is
 * kept until the trace ends, and its version tells whether something changed it in place.
 */
public final class Tracer implements AutoCloseable {
  private static final ThreadLocal<@Nullable Tracer> CURRENT = new ThreadLocal<>();

  /** What is known of a tensor: a handle that keeps it alive, its version, and its value. */
  private record Known(Tensor handle, long version, Value value) {}

  private final Graph graph;
  private final long opset;
  private final Supplier<String> path;
  private final Supplier<String> place;
  private final Map<Long, Known> known = new HashMap<>();
  private final Map<Long, String> weights = new HashMap<>();

  private Tracer(Graph graph, long opset, Supplier<String> path, Supplier<String> place) {
    this.graph = graph;
    this.opset = opset;
    this.path = path;
    this.place = place;
  }

  /**
   * Starts following on this thread.
   *
   * @param graph takes the nodes
   * @param weights parameters and buffers by name: they become initializers when first read
   * @param opset ONNX's operator set that the nodes are of
   * @param path names the module that computes at the moment, for node names
   * @param place the same for messages
   * @throws IllegalStateException if this thread is traced already
   */
  public static Tracer start(
      Graph graph,
      Map<String, Tensor> weights,
      long opset,
      Supplier<String> path,
      Supplier<String> place) {
    if (CURRENT.get() != null) {
      throw new IllegalStateException("this thread is being traced already");
    }
    Tracer tracer = new Tracer(graph, opset, path, place);
    weights.forEach(
        (name, tensor) -> tracer.weights.put(address(Tensors.check(tensor, name)), name));
    CURRENT.set(tracer);
    return tracer;
  }

  /** The trace of this thread, if one runs. */
  public static @Nullable Tracer current() {
    return CURRENT.get();
  }

  /** Goes on with a trace; made by {@link #pause}. */
  public interface Pause extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * Writes nothing down on this thread until closed: for a computation that a graph is to state in
   * other terms. Nothing happens where no trace runs.
   */
  public static Pause pause() {
    Tracer paused = CURRENT.get();
    CURRENT.remove();
    return () -> {
      if (paused != null) {
        CURRENT.set(paused);
      }
    };
  }

  /** The graph that is being written. */
  public Graph graph() {
    return graph;
  }

  /** ONNX's operator set that the nodes are of. */
  public long opset() {
    return opset;
  }

  /** Makes a tensor an output of the graph. */
  public void output(Tensor tensor, String name) {
    Value named = graph.addValue(name, null);
    graph.add(NodeSpec.of("Identity").named(name).reads(value(tensor, "the output")).makes(named));
    graph.addOutput(named);
  }

  /** Says which value of the graph holds a tensor. */
  public void bind(Tensor tensor, Value value) {
    Tensor handle = Scope.keep(new Tensor(tensor));
    Known old = known.put(address(tensor), new Known(handle, version(tensor), value));
    if (old != null) {
      old.handle().close();
    }
  }

  /**
   * The value that holds a tensor.
   *
   * @param what names the operand in the message
   * @throws TraceException if the tensor was made outside the tracked operations, or was changed in
   *     place since
   */
  public Value value(Tensor tensor, String what) {
    Known found = known.get(address(tensor));
    if (found != null) {
      if (found.version() != version(tensor)) {
        throw new TraceException(
            what
                + " in "
                + place.get()
                + " was changed in place after it was computed, which a"
                + " trace cannot follow; compute a new tensor with Ops");
      }
      return found.value();
    }
    String weight = weights.get(address(tensor));
    if (weight != null) {
      Value value = graph.addConstant(weight, Tensors.toHost(tensor));
      bind(tensor, value);
      return value;
    }
    throw new TraceException(
        what
            + " in "
            + place.get()
            + ", "
            + Tensors.describe(tensor)
            + ", was made outside the tracked operations; compute it with Ops, or register it as a"
            + " buffer of the module");
  }

  /** Whether a tensor is a parameter or buffer, the same in every run, and not computed. */
  public boolean isWeight(Tensor tensor) {
    return weights.containsKey(address(tensor));
  }

  /** A constant of the graph. */
  public Value constant(dev.octet.graph.Tensor tensor) {
    return graph.addConstant(qualified("constant"), tensor);
  }

  /** A constant int64 vector, as shapes and axes are given. */
  public Value longs(long... values) {
    return constant(dev.octet.graph.Tensor.ofLongs(values, values.length));
  }

  /**
   * Adds a node with one output.
   *
   * @param spec operator, inputs and attributes; name and output are made here
   */
  public Value add(NodeSpec spec) {
    return add(spec, 1)[0];
  }

  /** Adds a node with several outputs. */
  public Value[] add(NodeSpec spec, int outputs) {
    String name = qualified(spec.op());
    Value[] made = new Value[outputs];
    for (int i = 0; i < outputs; i++) {
      made[i] = graph.addFresh(outputs == 1 ? name : name + "." + i, null);
    }
    Node node = graph.add(spec.named(made[0].name()).makes(made));
    return node.outputs().toArray(new Value[0]);
  }

  /** Ends the trace. */
  @Override
  public void close() {
    CURRENT.remove();
    known.values().forEach(each -> each.handle().close());
    known.clear();
  }

  /**
   * For operations: records how an output comes about if this thread is traced.
   *
   * @return {@code output}
   */
  public static Tensor track(Tensor output, Function<Tracer, Value> nodes) {
    Tracer tracer = CURRENT.get();
    if (tracer != null) {
      tracer.bind(output, nodes.apply(tracer));
    }
    return output;
  }

  private String qualified(String name) {
    String prefix = path.get();
    return prefix.isEmpty() ? name : prefix + "/" + name;
  }

  private static long address(Tensor tensor) {
    try (Scope scope = Scope.open()) {
      return tensor.unsafeGetTensorImpl().address();
    }
  }

  private static long version(Tensor tensor) {
    return tensor.is_inference() ? 0 : tensor._version();
  }
}
