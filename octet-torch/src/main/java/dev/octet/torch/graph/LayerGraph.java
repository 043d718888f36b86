package dev.octet.torch.graph;

import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.graph.opset.OpsetRaise;
import dev.octet.graph.pass.ConstantFolding;
import dev.octet.graph.pass.ConstantNodes;
import dev.octet.graph.pass.RemoveIdentity;
import dev.octet.graph.pass.Rewrites;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.trace.Trace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A graph as a tree of layers that can be exchanged one by one, as a network written in Java can
 * be: what quantizes by exchanging layers works on an imported model so.
 *
 * <p>Convolutions over two axes, Gemm and MatMul with a constant weight, BatchNormalization behind
 * such a convolution, Relu, Clip to [0, 6], and Add, Mul and Concat of computed values become
 * {@code Conv2d}, {@code Linear}, {@code BatchNorm2d}, {@code ReLU}, {@code ReLU6}, {@code Add},
 * {@code Mul} and {@code Concat}. Every other node is a layer that computes it with its constants
 * as they are; those are not trained.
 *
 * <p>A layer is named as the module that it was exported from: by its weight ({@code
 * layer1.0.conv1.weight}), else by its node ({@code /layer1/layer1.0/relu/Relu}). A second node of
 * one module has a number behind, as {@code relu_1}. A {@link Trace} follows this module.
 */
public final class LayerGraph extends Module {
  private static final long LEAST_OPSET = 17;

  /** Names that only group; they compute nothing. */
  private static final class Part extends Module {
    private final Map<String, Part> parts = new HashMap<>();

    Child<Module> put(List<String> path, Module layer) {
      String first = path.get(0);
      if (path.size() == 1) {
        return child(first, layer);
      }
      Part next = parts.get(first);
      if (next == null) {
        next = child(first, new Part()).get();
        parts.put(first, next);
      }
      return next.put(path.subList(1, path.size()), layer);
    }
  }

  /** A layer in its place, and what it reads. */
  private record Step(Child<Module> layer, List<Value> reads, Value makes) {}

  private final long opset;
  private final List<Value> inputs;
  private final Value output;
  private final List<Step> steps = new ArrayList<>();
  private final Map<String, Part> parts = new HashMap<>();
  private final Set<String> taken = new HashSet<>();

  private LayerGraph(Model model) {
    Graph graph = model.graph();
    opset = model.opset();
    inputs = graph.inputs().stream().filter(value -> value.initializer() == null).toList();
    if (graph.outputs().size() != 1) {
      throw new ModelException(
          "the model has "
              + graph.outputs().size()
              + " outputs; only a model of one can be taken apart into layers");
    }
    output = graph.outputs().get(0);
    refuse(graph);
    for (Node node : graph.nodes()) {
      Module layer = layer(node);
      List<Value> reads = new ArrayList<>();
      for (Value value : node.inputs()) {
        if (value != null && value.initializer() == null) {
          reads.add(value);
        }
      }
      steps.add(new Step(place(node, layer), reads, node.output()));
    }
  }

  /**
   * The layers of a model, which is copied and raised to operator set {@value #LEAST_OPSET} at
   * least.
   *
   * @throws ModelException naming every node that cannot be computed
   */
  public static LayerGraph of(Model model) {
    Model copy = model.copy();
    if (copy.opset() < LEAST_OPSET) {
      OpsetRaise.to(copy, LEAST_OPSET);
    }
    if (copy.opset() < LEAST_OPSET || copy.opset() > 21) {
      throw new ModelException(
          "the model is of operator set "
              + copy.opset()
              + ", and "
              + LEAST_OPSET
              + " to 21 can be taken apart into layers");
    }
    Rewrites.run(copy.graph(), new ConstantNodes(), new ConstantFolding(), new RemoveIdentity());
    try (Scope scope = Scope.open()) {
      return new LayerGraph(copy);
    }
  }

  private static void refuse(Graph graph) {
    List<String> unknown = new ArrayList<>();
    for (Node node : graph.nodes()) {
      String reason = Operators.refusal(node);
      boolean several = node.outputs().stream().skip(1).anyMatch(LayerGraph::isRead);
      if (reason == null && several) {
        reason = "more than one of its outputs is read";
      }
      if (reason != null) {
        unknown.add("'" + node.label() + "' (" + node.op() + "): " + reason);
      }
    }
    if (!unknown.isEmpty()) {
      throw new ModelException(
          "the model cannot be taken apart into layers, " + String.join("; ", unknown));
    }
  }

  private static boolean isRead(@Nullable Value value) {
    return value != null && (!value.uses().isEmpty() || value.isOutput());
  }

  // --- From nodes to layers ----------------------------------------------------------------------

  private Module layer(Node node) {
    Module known =
        switch (node.op()) {
          case "Conv" -> conv(node);
          case "Gemm" -> gemm(node);
          case "MatMul" -> matMul(node);
          case "BatchNormalization" -> norm(node);
          case "Relu" -> Activation.relu();
          case "Clip" -> isRelu6(node) ? Activation.relu6() : null;
          case "Add" -> computed(node) ? Add.of() : null;
          case "Mul" -> computed(node) ? Mul.of() : null;
          case "Concat" ->
              computed(node) ? Concat.of(Math.toIntExact(node.intAttribute("axis", 0))) : null;
          default -> null;
        };
    return known == null ? new GraphNode(node, opset) : known;
  }

  private static boolean computed(Node node) {
    return node.inputs().stream().allMatch(value -> value != null && value.initializer() == null);
  }

  private static dev.octet.graph.@Nullable Tensor constant(Node node, int input) {
    Value value = node.input(input);
    return value == null ? null : value.initializer();
  }

  private static boolean isFree(Node node, int input) {
    Value value = node.input(input);
    return value != null && value.initializer() == null;
  }

  private static @Nullable Module conv(Node node) {
    dev.octet.graph.Tensor weight = constant(node, 1);
    dev.octet.graph.Tensor bias = constant(node, 2);
    List<Long> pads = node.intsAttribute("pads", List.of(0L, 0L, 0L, 0L));
    boolean fits =
        weight != null
            && weight.shape().length == 4
            && isFree(node, 0)
            && !isFree(node, 2)
            && pads.size() == 4
            && pads.get(0).equals(pads.get(2))
            && pads.get(1).equals(pads.get(3))
            && List.of("NOTSET", "VALID").contains(node.stringAttribute("auto_pad", "NOTSET"));
    if (weight == null || !fits) {
      return null;
    }
    long[] shape = weight.shape();
    long groups = node.intAttribute("group", 1);
    boolean valid = node.stringAttribute("auto_pad", "NOTSET").equals("VALID");
    Conv2d made =
        Conv2d.builder(shape[1] * groups, shape[0], shape[2], shape[3])
            .stride(longs(node, "strides"))
            .dilation(longs(node, "dilations"))
            .padding(valid ? 0 : pads.get(0), valid ? 0 : pads.get(1))
            .groups(groups)
            .bias(bias != null)
            .build();
    fill(made.weight(), weight);
    Tensor own = made.bias();
    if (own != null && bias != null) {
      fill(own, bias);
    }
    return made;
  }

  private static long[] longs(Node node, String attribute) {
    return node.intsAttribute(attribute, List.of(1L, 1L)).stream()
        .mapToLong(Long::longValue)
        .toArray();
  }

  private static @Nullable Module gemm(Node node) {
    dev.octet.graph.Tensor weight = constant(node, 1);
    dev.octet.graph.Tensor bias = constant(node, 2);
    boolean scaled =
        (node.attribute("alpha") != null && node.floatAttribute("alpha", 1) != 1)
            || (node.attribute("beta") != null && node.floatAttribute("beta", 1) != 1);
    if (weight == null
        || !isFree(node, 0)
        || isFree(node, 2)
        || scaled
        || node.intAttribute("transA", 0) != 0
        || (bias != null && bias.shape().length != 1)) {
      return null;
    }
    boolean transposed = node.intAttribute("transB", 0) != 0;
    return linear(weight, !transposed, bias);
  }

  private static @Nullable Module matMul(Node node) {
    dev.octet.graph.Tensor weight = constant(node, 1);
    return weight == null || weight.shape().length != 2 || !isFree(node, 0)
        ? null
        : linear(weight, true, null);
  }

  private static @Nullable Module linear(
      dev.octet.graph.Tensor weight, boolean inputsFirst, dev.octet.graph.@Nullable Tensor bias) {
    long in = weight.shape()[inputsFirst ? 0 : 1];
    long out = weight.shape()[inputsFirst ? 1 : 0];
    if (bias != null && bias.shape()[0] != out) {
      return null;
    }
    Linear made = Linear.builder(in, out).bias(bias != null).build();
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Tensor values = Tensors.of(weight);
      made.weight().copy_(inputsFirst ? values.t() : values);
    }
    Tensor own = made.bias();
    if (own != null && bias != null) {
      fill(own, bias);
    }
    return made;
  }

  private static @Nullable Module norm(Node node) {
    Value input = node.input(0);
    Node before = input == null ? null : input.producer();
    dev.octet.graph.Tensor weight =
        before == null || !before.is("Conv") ? null : constant(before, 1);
    if (weight == null || weight.shape().length != 4) {
      return null;
    }
    List<dev.octet.graph.Tensor> values = new ArrayList<>();
    for (int i = 1; i <= 4; i++) {
      dev.octet.graph.Tensor each = constant(node, i);
      if (each == null) {
        return null;
      }
      values.add(each);
    }
    BatchNorm2d made =
        BatchNorm2d.builder(values.get(0).shape()[0])
            .eps(node.attribute("epsilon") == null ? 1e-5 : node.floatAttribute("epsilon", 1e-5f))
            // ONNX's momentum is what running statistics keep, PyTorch's what they take on.
            .momentum(
                node.attribute("momentum") == null
                    ? 0.1
                    : 1.0 - node.floatAttribute("momentum", 0.9f))
            .build();
    Map<String, Tensor> state = made.stateDict();
    List<String> names = List.of("weight", "bias", "running_mean", "running_var");
    for (int i = 0; i < names.size(); i++) {
      fill(Tensors.check(state.get(names.get(i)), names.get(i)), values.get(i));
    }
    return made;
  }

  private static boolean isRelu6(Node node) {
    dev.octet.graph.Tensor low = constant(node, 1);
    dev.octet.graph.Tensor high = constant(node, 2);
    return isFree(node, 0)
        && low != null
        && high != null
        && low.toFloats()[0] == 0
        && high.toFloats()[0] == 6;
  }

  private static void fill(Tensor into, dev.octet.graph.Tensor values) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      into.copy_(Tensors.of(values));
    }
  }

  // --- Names -------------------------------------------------------------------------------------

  private Child<Module> place(Node node, Module layer) {
    String name = name(node, layer);
    // Where other layers lie inside, the operation stands in a module of its own forward.
    String base = isFree(name) || taken.contains(name) ? name : name + "." + op(node);
    String free = base;
    for (int i = 1; !isFree(free); i++) {
      free = base + "_" + i;
    }
    taken.add(free);
    List<String> path = Arrays.asList(free.split("\\.", -1));
    if (path.size() == 1) {
      return child(free, layer);
    }
    Part part = parts.get(path.get(0));
    if (part == null) {
      part = child(path.get(0), new Part()).get();
      parts.put(path.get(0), part);
    }
    return part.put(path.subList(1, path.size()), layer);
  }

  /** Neither is it taken, nor is it inside or around one that is. */
  private boolean isFree(String name) {
    return taken.stream()
        .noneMatch(
            other ->
                other.equals(name) || other.startsWith(name + ".") || name.startsWith(other + "."));
  }

  private static String op(Node node) {
    return node.op().toLowerCase(Locale.ROOT);
  }

  private static String name(Node node, Module layer) {
    Value weight = layer instanceof GraphNode ? null : node.input(1);
    String named = weight == null || weight.initializer() == null ? "" : weight.name();
    int end = named.lastIndexOf(".weight");
    if (end > 0 && end + ".weight".length() == named.length()) {
      String path = named.substring(0, end);
      if (Arrays.stream(path.split("\\.", -1)).noneMatch(String::isEmpty)) {
        return path;
      }
    }
    List<String> scopes = new ArrayList<>();
    String[] parts = node.name().split("/", -1);
    for (int i = 0; i < parts.length - 1; i++) {
      String each = parts[i];
      // An exporter repeats what a scope lies in: layer1, layer1.0.
      if (!scopes.isEmpty() && each.startsWith(scopes.get(scopes.size() - 1) + ".")) {
        scopes.remove(scopes.size() - 1);
      }
      if (!each.isEmpty()) {
        scopes.add(each);
      }
    }
    String path = String.join(".", scopes);
    boolean usable =
        !path.isEmpty() && Arrays.stream(path.split("\\.", -1)).noneMatch(String::isEmpty);
    boolean own =
        layer instanceof Activation
            || layer instanceof Conv2d
            || layer instanceof Linear
            || layer instanceof BatchNorm2d;
    return !usable ? op(node) : own ? path : path + "." + op(node);
  }

  // --- Use -------------------------------------------------------------------------------------

  /** A trace with the model's own names and operator set. */
  public Trace trace() {
    return Trace.of(this)
        .opset(opset)
        .input(inputNames().toArray(String[]::new))
        .output(output.name());
  }

  /** The names of the inputs, in the order that {@link #call} takes them. */
  public List<String> inputNames() {
    return inputs.stream().map(Value::name).toList();
  }

  /** The name of the output. */
  public String outputName() {
    return output.name();
  }

  /** ONNX's operator set of the nodes, for a trace. */
  public long opset() {
    return opset;
  }

  @Override
  protected Tensor forward(Tensor input) {
    return forward(new Tensor[] {input});
  }

  @Override
  protected Tensor forward(Tensor[] given) {
    if (given.length != inputs.size()) {
      throw new IllegalArgumentException(
          "the graph takes " + inputNames() + ", not " + given.length + " tensors");
    }
    Map<Value, Tensor> values = new LinkedHashMap<>();
    for (int i = 0; i < given.length; i++) {
      values.put(inputs.get(i), given[i]);
    }
    for (Step step : steps) {
      Tensor[] reads =
          step.reads().stream()
              .map(value -> Objects.requireNonNull(values.get(value), value.name()))
              .toArray(Tensor[]::new);
      values.put(step.makes(), step.layer().call(reads));
    }
    return Objects.requireNonNull(values.get(output), output.name());
  }

  @Override
  protected String settings() {
    return steps.size() + " nodes";
  }
}
