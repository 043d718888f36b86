package dev.octet.torch.graph;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import dev.octet.graph.pass.ConstantNodes;
import dev.octet.graph.pass.Rewrites;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A graph as a module: it computes what the model says, with gradients, so that an imported model
 * can be fine-tuned and written back.
 *
 * <pre>{@code
 * try (TorchGraph net = TorchGraph.of(OnnxReader.read(file))) {
 *   train(net);
 *   OnnxWriter.write(net.toModel(), target);
 * }
 * }</pre>
 *
 * <p>Parameters are the float initializers that weigh, shift, normalize or embed: operands of
 * products, convolutions, normalization and recurrent layers, tables, and tensors of several
 * elements that are added, multiplied or joined to others, but for masks (10 000 and beyond).
 * Running statistics of BatchNormalization are buffers. Integers behind a DequantizeLinear that
 * stand for weights are trained as the real numbers they stand for, rounded in each call.
 * Everything else is constant. {@code parameters().get(name).set_requires_grad(false)} keeps a
 * parameter as it is.
 *
 * <p>State names are those of the initializers: dots part them into modules, as PyTorch's exporter
 * joined them. Where that cannot be (an empty part, or one that is a tensor itself) {@code %2E}
 * stands for the dots of that name.
 *
 * <p>Training mode, in which the module starts, makes BatchNormalization use the batch and update
 * its statistics, and Dropout drop. QuantizeLinear and DequantizeLinear round, and let gradients
 * through where they do not cut off. A trace cannot follow this module: {@link #toModel} is its
 * graph.
 */
public sealed class TorchGraph extends Module permits QuantizedGraph, ObservedGraph {
  /** Names that only group; they compute nothing. */
  private static final class Part extends Module {
    private final Map<String, Part> parts = new LinkedHashMap<>();

    void put(String name, Module module) {
      child(name, module);
    }

    Tensor put(List<String> path, Tensor value, boolean trained) {
      String first = path.get(0);
      if (path.size() == 1) {
        return trained ? parameter(first, value) : buffer(first, value);
      }
      Part next = parts.get(first);
      if (next == null) {
        next = child(first, new Part()).get();
        parts.put(first, next);
      }
      return next.put(path.subList(1, path.size()), value, trained);
    }
  }

  private final Model model;
  private final Graph graph;
  private final List<Value> inputs;
  private final Program program;
  private final Map<Value, Trainable> kinds;
  private final Map<Value, Tensor> state = new LinkedHashMap<>();
  private final Map<String, Part> parts = new LinkedHashMap<>();

  private boolean frozen;
  private @Nullable BatchStatistics estimate;

  TorchGraph(Model original, Function<Model, Wiring> quantizers) {
    model = original.copy();
    Model working = original.copy();
    graph = working.graph();
    Rewrites.run(graph, new ConstantNodes());
    refuseUnknown(graph);
    inputs = graph.inputs().stream().filter(value -> value.initializer() == null).toList();
    kinds = Trainable.of(graph);
    Wiring wiring = quantizers.apply(working);
    Layout layout = new Layout(working.opset(), wiring);
    Set<String> names = new LinkedHashSet<>();
    kinds.keySet().forEach(value -> names.add(value.name()));
    for (Value value : graph.values()) {
      dev.octet.graph.Tensor constant = value.initializer();
      Trainable kind = kinds.get(value);
      if (constant != null && kind != null) {
        Tensor held = register(path(value.name(), names), initial(value, constant, kind), kind);
        state.put(value, held);
        layout.constant(value, Datum.borrowed(held));
      } else if (constant != null) {
        layout.constant(value, Datum.host(constant));
      }
    }
    wiring.modules().forEach((path, quantizer) -> part(path.get(0)).put(path.get(1), quantizer));
    graph.nodes().forEach(node -> layout.add(node, kernel(node)));
    program = layout.build(graph);
  }

  /**
   * The module of a model, which is copied.
   *
   * @throws ModelException naming every node whose operator is not known here
   */
  public static TorchGraph of(Model model) {
    try (Scope scope = Scope.open()) {
      return new TorchGraph(model, working -> Wiring.NONE);
    }
  }

  private static void refuseUnknown(Graph graph) {
    List<String> unknown = new ArrayList<>();
    for (Node node : graph.nodes()) {
      String reason = Operators.refusal(node);
      if (reason != null) {
        unknown.add("'" + node.label() + "' (" + node.op() + "): " + reason);
      }
    }
    if (!unknown.isEmpty()) {
      throw new ModelException(
          "the model cannot be trained as it is, " + String.join("; ", unknown));
    }
  }

  /** Real numbers behind a DequantizeLinear are rounded first. */
  private Kernel kernel(Node node) {
    Value data = node.input(0);
    return data != null && kinds.get(data) == Trainable.CODES
        ? Quantizers.rounding(type(data))
        : Operators.kernel(node);
  }

  private static DataType type(Value value) {
    dev.octet.graph.Tensor constant = value.initializer();
    if (constant == null) {
      throw new IllegalStateException("'" + value.name() + "' is no constant");
    }
    return constant.type();
  }

  private Tensor initial(Value value, dev.octet.graph.Tensor constant, Trainable kind) {
    if (kind != Trainable.CODES) {
      return Tensors.of(constant);
    }
    Node dequantize = value.consumers().get(0);
    try (Torch.Switched noGrad = Torch.noGrad()) {
      Datum real = Operators.kernel(dequantize).run(constants(dequantize)).get(0);
      Tensor handle = new Tensor(real.tensor());
      real.free();
      return handle;
    }
  }

  private static Call constants(Node node) {
    List<@Nullable Datum> data = new ArrayList<>();
    for (Value input : node.inputs()) {
      dev.octet.graph.Tensor constant = input == null ? null : input.initializer();
      data.add(constant == null ? null : Datum.host(constant));
    }
    return new Call(node, 0, Phase.EVAL, data);
  }

  private Tensor register(List<String> path, Tensor value, Trainable kind) {
    boolean trained = kind != Trainable.STATISTIC;
    String first = path.get(0);
    if (path.size() == 1) {
      return trained ? parameter(first, value) : buffer(first, value);
    }
    return part(first).put(path.subList(1, path.size()), value, trained);
  }

  private Part part(String name) {
    Part part = parts.get(name);
    if (part == null) {
      part = child(name, new Part()).get();
      parts.put(name, part);
    }
    return part;
  }

  private static List<String> path(String name, Set<String> names) {
    List<String> steps = Arrays.asList(name.split("\\.", -1));
    boolean fits = steps.stream().noneMatch(String::isEmpty);
    for (int i = 1; i < steps.size(); i++) {
      fits &= !names.contains(String.join(".", steps.subList(0, i)));
    }
    return fits ? steps : List.of(escaped(name));
  }

  static String escaped(String name) {
    return name.replace(".", "%2E");
  }

  // --- Use -------------------------------------------------------------------------------------

  /** The names of the inputs, in the order that {@link #call} takes them. */
  public final List<String> inputNames() {
    return inputs.stream().map(Value::name).toList();
  }

  /** The names of the outputs. */
  public final List<String> outputNames() {
    return graph.outputs().stream().map(Value::name).toList();
  }

  /**
   * Sets whether BatchNormalization keeps its running statistics as they are, and uses them, in
   * training too; false at first. The last epochs of training with quantizers go better so.
   */
  public final void freezeStatistics(boolean on) {
    frozen = on;
  }

  /**
   * Sets running statistics to the means over batches, in float64. What training leaves is a moving
   * average over its last few batches, taken while weights still changed.
   *
   * @param batches calls this module on each batch; it is in training mode meanwhile, without
   *     gradients
   * @throws IllegalStateException if statistics are frozen
   */
  public final void estimateStatistics(Runnable batches) {
    if (frozen) {
      throw new IllegalStateException(
          "statistics are frozen; call freezeStatistics(false) before estimating them");
    }
    boolean training = isTraining();
    BatchStatistics seen = new BatchStatistics(graph, state);
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      train(true);
      estimate = seen;
      batches.run();
      seen.keep();
    } finally {
      estimate = null;
      train(training);
    }
  }

  private Phase phase() {
    return !isTraining() ? Phase.EVAL : frozen ? Phase.TRAIN_FROZEN : Phase.TRAIN;
  }

  /** For a graph of one output. */
  @Override
  protected Tensor forward(Tensor[] given) {
    if (graph.outputs().size() != 1) {
      throw new IllegalArgumentException(
          "the graph has the outputs " + outputNames() + "; use run, which gives them by name");
    }
    try (Scope scope = Scope.open()) {
      Tensor output = program.run(byValue(given), graph.outputs(), phase(), scope).get(0);
      BatchStatistics seen = estimate;
      if (seen != null) {
        seen.add();
      }
      return output;
    }
  }

  @Override
  protected Tensor forward(Tensor input) {
    return forward(new Tensor[] {input});
  }

  /**
   * Computes the outputs of the graph.
   *
   * @param given a tensor for each input, by name
   * @return by name, owned by the scope around the call; without one, by the caller
   */
  public final Map<String, Tensor> run(Map<String, Tensor> given) {
    return run(given, outputNames());
  }

  /**
   * Computes any values of the graph.
   *
   * @param given a tensor for each input, by name
   * @param wanted names of values
   * @return by name, owned by the scope around the call; without one, by the caller
   */
  public final Map<String, Tensor> run(Map<String, Tensor> given, Collection<String> wanted) {
    Tensor[] ordered = new Tensor[inputs.size()];
    for (int i = 0; i < ordered.length; i++) {
      String name = inputs.get(i).name();
      ordered[i] = Tensors.check(given.get(name), "input '" + name + "'");
    }
    if (given.size() != ordered.length) {
      throw new IllegalArgumentException(
          "the graph takes " + inputNames() + ", not " + given.keySet());
    }
    List<Value> values = wanted.stream().map(this::value).toList();
    return inside(
        ordered,
        scope -> {
          List<Tensor> made = program.run(byValue(ordered), values, phase(), scope);
          Map<String, Tensor> named = new LinkedHashMap<>();
          for (int i = 0; i < made.size(); i++) {
            named.put(values.get(i).name(), made.get(i));
          }
          return named;
        });
  }

  private Value value(String name) {
    Value found = graph.value(name);
    if (found == null) {
      throw new IllegalArgumentException("the graph has no value '" + name + "'");
    }
    return found;
  }

  private Map<Value, Tensor> byValue(Tensor[] given) {
    if (given.length != inputs.size()) {
      throw new IllegalArgumentException(
          "the graph takes " + inputNames() + ", not " + given.length + " tensors");
    }
    Map<Value, Tensor> byValue = new LinkedHashMap<>();
    for (int i = 0; i < given.length; i++) {
      check(inputs.get(i), given[i]);
      byValue.put(inputs.get(i), given[i]);
    }
    return byValue;
  }

  private static void check(Value input, Tensor given) {
    if (!(input.type() instanceof ValueType.TensorType declared)) {
      return;
    }
    DataType type = declared.elementType();
    List<Dimension> shape = declared.shape();
    long[] has = Tensors.shape(given);
    boolean fits = type == null || Tensors.type(given) == Tensors.scalarType(type);
    if (shape != null) {
      fits &= shape.size() == has.length;
      for (int i = 0; fits && i < has.length; i++) {
        fits = !(shape.get(i) instanceof Dimension.Fixed fixed) || fixed.size() == has[i];
      }
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "input '" + input.name() + "' is " + Tensors.describe(given) + ", not " + declared);
    }
  }

  // --- Back ------------------------------------------------------------------------------------

  /**
   * The model with the present values of parameters and statistics under their own names; what was
   * not trained is the same bit for bit.
   */
  public final Model toModel() {
    Model copy = model.copy();
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      state.forEach((value, tensor) -> write(copy.graph(), value, tensor));
    }
    return copy;
  }

  private void write(Graph target, Value value, Tensor tensor) {
    dev.octet.graph.Tensor original = value.initializer();
    Trainable kind = kinds.get(value);
    if (original == null || kind == null) {
      throw new IllegalStateException("'" + value.name() + "' is no constant");
    }
    dev.octet.graph.Tensor now = Tensors.toHost(tensor);
    if (now.equals(Tensors.toHost(initial(value, original, kind)))) {
      return;
    }
    if (kind == Trainable.CODES) {
      now = Quantizers.codes(constants(value.consumers().get(0)), tensor, original.type());
    }
    Value there = target.value(value.name());
    if (there == null) {
      throw new IllegalStateException("the model lost '" + value.name() + "'");
    }
    Node constant = there.producer();
    if (constant == null) {
      target.setInitializer(there, now);
      return;
    }
    NodeSpec spec = constant.spec();
    target.exchange(
        constant,
        new NodeSpec(
            spec.name(),
            spec.op(),
            spec.domain(),
            spec.inputs(),
            spec.outputs(),
            Map.of("value", new Attribute.TensorValue(now)),
            spec.extra()));
  }

  @Override
  protected void release() {
    program.free();
  }

  @Override
  protected String settings() {
    return graph.nodeCount() + " nodes";
  }
}
