package dev.octet.workflows.distiller.prune;

import dev.octet.graph.Dimension;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.graph.shape.Shapes;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.BatchNorm1d;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.BatchNorm3d;
import dev.octet.torch.nn.Conv1d;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.NormNd;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Which channels of which layers are one and the same, from a trace: what a sum adds, what a
 * normalization takes in and gives, and so on. Channels have numbers, and {@link #root} gives equal
 * ones the same.
 */
final class ChannelGraph {
  /**
   * A layer whose size follows from its channels.
   *
   * @param in channels that come in; null where they are those that go out, as in normalizations
   *     and depthwise convolutions
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Layer(String path, Module module, int @Nullable [] in, int[] out) {}

  private static final Set<Class<?>> LAYERS =
      Set.of(Conv1d.class, Conv2d.class, Conv3d.class, Linear.class);
  private static final Set<Class<?>> NORMS =
      Set.of(BatchNorm1d.class, BatchNorm2d.class, BatchNorm3d.class);

  /** Operators that compute each channel from itself alone. */
  private static final Set<String> PASSING =
      Set.of(
          "Relu",
          "Clip",
          "LeakyRelu",
          "Elu",
          "Selu",
          "Sigmoid",
          "Tanh",
          "HardSwish",
          "HardSigmoid",
          "Softplus",
          "Erf",
          "Neg",
          "Abs",
          "Exp",
          "Sqrt",
          "Identity",
          "Dropout",
          "MaxPool",
          "AveragePool",
          "GlobalAveragePool",
          "GlobalMaxPool");

  private static final Set<String> ELEMENTWISE =
      Set.of("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min");

  private final Map<String, Layer> layers = new LinkedHashMap<>();
  private final IdentityHashMap<Value, int[]> channels = new IdentityHashMap<>();
  private final Map<String, Module> modules;
  private final IdentityHashMap<Tensor, Integer> owners = new IdentityHashMap<>();
  private final Shapes shapes;
  private int[] parents = new int[1024];
  private @Nullable String[] fixed = new String[1024];
  private int count;

  private ChannelGraph(TracedLayers traced, Map<String, Module> modules) {
    this.modules = modules;
    shapes = Shapes.infer(traced.graph());
    for (Module module : modules.values()) {
      module.ownParameters().values().forEach(each -> owners.merge(each, 1, Integer::sum));
    }
    for (Value input : traced.graph().inputs()) {
      if (input.constant() == null) {
        fix(give(input), "the model's input");
      }
    }
    for (Node node : traced.graph().nodes()) {
      follow(node);
    }
    for (Value output : traced.graph().outputs()) {
      fix(channels.get(output), "the model's output");
    }
  }

  static ChannelGraph of(TracedLayers traced, Module model) {
    return new ChannelGraph(traced, model.modules());
  }

  /** The layers whose sizes can change, by path. */
  Map<String, Layer> layers() {
    return layers;
  }

  /** The number that stands for a channel and all that are the same. */
  int root(int channel) {
    int at = channel;
    while (parents[at] != at) {
      parents[at] = parents[parents[at]];
      at = parents[at];
    }
    return at;
  }

  /** Who needs a channel to stay; null if nobody does. */
  @Nullable String neededBy(int channel) {
    return fixed[root(channel)];
  }

  private int[] fresh(int size) {
    int[] made = new int[size];
    if (count + size > parents.length) {
      int larger = 2 * (count + size);
      parents = Arrays.copyOf(parents, larger);
      fixed = Arrays.copyOf(fixed, larger);
    }
    for (int i = 0; i < size; i++) {
      made[i] = count;
      parents[count] = count;
      count++;
    }
    return made;
  }

  private void unite(int[] a, int[] b) {
    for (int i = 0; i < a.length; i++) {
      int first = root(a[i]);
      int second = root(b[i]);
      if (first != second) {
        parents[second] = first;
        fixed[first] = fixed[first] == null ? fixed[second] : fixed[first];
      }
    }
  }

  private void fix(int @Nullable [] these, String reason) {
    for (int i = 0; these != null && i < these.length; i++) {
      int root = root(these[i]);
      fixed[root] = fixed[root] == null ? reason : fixed[root];
    }
  }

  /** New channels for a value; null if it has none. */
  private int @Nullable [] give(Value value) {
    long[] shape = shape(value);
    if (shape == null || shape.length < 2) {
      return null;
    }
    int[] made = fresh(Math.toIntExact(shape[1]));
    channels.put(value, made);
    return made;
  }

  private long @Nullable [] shape(Value value) {
    List<Dimension> known = shapes.shape(value);
    if (known == null) {
      return null;
    }
    long[] shape = new long[known.size()];
    for (int i = 0; i < shape.length; i++) {
      if (!(known.get(i) instanceof Dimension.Fixed dimension)) {
        return null;
      }
      shape[i] = dimension.size();
    }
    return shape;
  }

  private void follow(Node node) {
    Value first = node.input(0);
    int[] in = first == null ? null : channels.get(first);
    boolean known =
        switch (node.op()) {
          case "Conv", "Gemm" -> in != null && layer(node, in);
          case "BatchNormalization" -> in != null && norm(node, in);
          case "Concat" -> concat(node);
          case "Flatten", "Reshape" -> in != null && flattened(node, in);
          case "ReduceMean", "Squeeze" -> in != null && overPositions(node) && pass(node, in);
          case "PRelu" -> in != null && isScalar(node.input(1)) && pass(node, in);
          default -> {
            if (PASSING.contains(node.op())) {
              yield in != null && pass(node, in);
            }
            yield ELEMENTWISE.contains(node.op()) && elementwise(node);
          }
        };
    if (!known) {
      stop(node);
    }
  }

  /** What this cannot follow needs its channels as they are, and so does what reads it. */
  private void stop(Node node) {
    String path = TracedLayers.path(node);
    Module module = modules.get(path);
    String who =
        (path.isEmpty() ? "the model itself" : "'" + path + "'")
            + " ("
            + (module == null || path.isEmpty() ? node.op() : module.getClass().getSimpleName())
            + ")";
    boolean any = false;
    for (Value value : node.inputs()) {
      int[] given = value == null ? null : channels.get(value);
      any |= given != null;
      fix(given, who);
    }
    for (Value value : node.outputs()) {
      if (any && value != null) {
        fix(give(value), who);
      }
    }
  }

  private boolean pass(Node node, int[] in) {
    channels.put(node.output(), in);
    return true;
  }

  /** A layer's module, if it is one of a class and nobody else has its parameters. */
  private @Nullable Module own(Node node, Set<Class<?>> classes) {
    Module module = modules.get(TracedLayers.path(node));
    return module != null
            && classes.contains(module.getClass())
            && module.ownParameters().values().stream()
                .allMatch(each -> owners.getOrDefault(each, 0) == 1)
        ? module
        : null;
  }

  private boolean layer(Node node, int[] in) {
    Module module = own(node, LAYERS);
    if (module == null) {
      return false;
    }
    int size;
    boolean depthwise = false;
    if (module instanceof ConvNd conv) {
      depthwise =
          conv.groups() == conv.inChannels()
              && conv.groups() == conv.outChannels()
              && conv.groups() > 1;
      if (conv.groups() != 1 && !depthwise) {
        return false;
      }
      size = Math.toIntExact(conv.outChannels());
    } else {
      size = Math.toIntExact(((Linear) module).weight().size(0));
    }
    return register(node, module, depthwise ? null : in, depthwise ? in : fresh(size));
  }

  private boolean norm(Node node, int[] in) {
    Module module = own(node, NORMS);
    return module instanceof NormNd && register(node, module, null, in);
  }

  private boolean register(Node node, Module module, int @Nullable [] in, int[] out) {
    String path = TracedLayers.path(node);
    Layer before = layers.get(path);
    if (before == null) {
      layers.put(path, new Layer(path, module, in, out));
    } else {
      unite(before.out(), out);
      if (in != null && before.in() != null) {
        unite(before.in(), in);
      }
    }
    channels.put(node.output(), out);
    return true;
  }

  private boolean concat(Node node) {
    int size = 0;
    for (Value value : node.inputs()) {
      int[] part = value == null ? null : channels.get(value);
      long[] shape = value == null ? null : shape(value);
      long axis = node.intAttribute("axis", 0);
      if (part == null || shape == null || (axis != 1 && axis != 1 - shape.length)) {
        return false;
      }
      size += part.length;
    }
    int[] joined = new int[size];
    int at = 0;
    for (Value value : node.inputs()) {
      int[] part = Objects.requireNonNull(channels.get(Objects.requireNonNull(value)));
      System.arraycopy(part, 0, joined, at, part.length);
      at += part.length;
    }
    return pass(node, joined);
  }

  /** From {@code [N, C, spatial...]} to {@code [N, C · spatial]}, whatever C is. */
  private boolean flattened(Node node, int[] in) {
    long[] from = shape(Objects.requireNonNull(node.input(0)));
    long[] to = shape(node.output());
    if (from == null || to == null || to.length != 2 || from[0] != to[0]) {
      return false;
    }
    if (to[1] % in.length != 0) {
      return false;
    }
    if (node.is("Flatten") ? node.intAttribute("axis", 1) != 1 : !leavesFeatures(node)) {
      return false;
    }
    int each = Math.toIntExact(to[1] / in.length);
    int[] repeated = new int[in.length * each];
    Arrays.setAll(repeated, i -> in[i / each]);
    return pass(node, repeated);
  }

  private static boolean leavesFeatures(Node reshape) {
    Value target = reshape.input(1);
    dev.octet.graph.Tensor sizes = target == null ? null : target.constant();
    return sizes != null && sizes.elementCount() == 2 && sizes.toLongs()[1] == -1;
  }

  private boolean overPositions(Node node) {
    long[] shape = shape(Objects.requireNonNull(node.input(0)));
    Value given = node.input(1);
    dev.octet.graph.Tensor constant = given == null ? null : given.constant();
    long[] axes =
        constant != null
            ? constant.toLongs()
            : node.intsAttribute("axes", List.of()).stream().mapToLong(Long::longValue).toArray();
    return shape != null
        && axes.length > 0
        && Arrays.stream(axes).allMatch(axis -> Math.floorMod(axis, shape.length) >= 2);
  }

  private boolean elementwise(Node node) {
    int[] all = null;
    int rank = 0;
    for (Value value : node.inputs()) {
      int[] part = value == null ? null : channels.get(value);
      long[] shape = value == null ? null : shape(value);
      if (part == null) {
        if (!isScalar(value)) {
          return false;
        }
        continue;
      }
      if (shape == null || (all != null && (part.length != all.length || rank != shape.length))) {
        return false;
      }
      if (all != null) {
        unite(all, part);
      }
      all = part;
      rank = shape.length;
    }
    return all != null && pass(node, all);
  }

  private static boolean isScalar(@Nullable Value value) {
    dev.octet.graph.Tensor constant = value == null ? null : value.constant();
    return constant != null && constant.elementCount() == 1;
  }

  /** The weight of a layer that has inputs of its own. */
  static Tensor weight(Layer layer) {
    return layer.module() instanceof ConvNd conv
        ? conv.weight()
        : ((Linear) layer.module()).weight();
  }

  /** For each output and each input of a layer, whether anything but zero is between them. */
  static boolean[][] connected(Layer layer) {
    Tensor weight = weight(layer);
    float[] values = Tensors.toFloats(weight);
    int outs = Math.toIntExact(weight.size(0));
    int ins = Math.toIntExact(weight.size(1));
    int window = values.length / outs / ins;
    boolean[][] connected = new boolean[outs][ins];
    for (int i = 0; i < values.length; i++) {
      connected[i / window / ins][i / window % ins] |= values[i] != 0;
    }
    return connected;
  }
}
