package dev.octet.engine;

import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.engine.reference.ModelBuilder;
import dev.octet.engine.reference.RandomModels;
import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;

/**
 * A valid model with a few things changed: attributes, constants, types, shapes, wiring, operators.
 *
 * @param model the model
 * @param inputs what to run it on: its own inputs first, then damaged ones
 */
record DamagedModel(Model model, List<Map<String, Tensor>> inputs) {

  /** Adds nodes to a model that has the value given, of [2, 4, 6, 6], and returns their result. */
  private interface Recipe {
    Value add(ModelBuilder net, Value x);
  }

  private static final long[] SHAPE = {2, 4, 6, 6};
  private static final long[] PAIR = {2, 2};

  private static final long[] NUMBERS = {
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    16,
    17,
    64,
    1000,
    65536,
    -1,
    -2,
    -3,
    -5,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    1L << 31,
    1L << 32,
    (1L << 32) + 1,
    1L << 62,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };

  private static final float[] REALS = {
    0,
    -0f,
    1,
    -1,
    0.5f,
    Float.MIN_VALUE,
    Float.MIN_NORMAL,
    Float.MAX_VALUE,
    -Float.MAX_VALUE,
    Float.NaN,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    1e10f
  };

  private static final List<String> TEXTS =
      List.of(
          "",
          "NOTSET",
          "SAME_UPPER",
          "SAME_LOWER",
          "VALID",
          "tanh",
          "none",
          "linear",
          "cubic",
          "nearest",
          "reverse",
          "bidirectional",
          "Sigmoid",
          "reflect",
          "edge",
          "wrong");

  /** Recipes of operators that the engine knows. */
  private static final List<Recipe> RECIPES = recipes();

  private static List<Recipe> recipes() {
    List<Recipe> all =
        List.of(
            (net, x) ->
                net.node(
                    "Conv",
                    Map.of("pads", new long[] {1, 1, 1, 1}, "group", 2),
                    x,
                    net.weight(0.3, 4, 2, 3, 3),
                    net.weight(1, 4)),
            (net, x) ->
                net.node(
                    "ConvTranspose",
                    Map.of("pads", new long[] {1, 1, 1, 1}, "strides", new long[] {1, 1}),
                    x,
                    net.weight(0.3, 4, 4, 3, 3),
                    net.weight(1, 4)),
            (net, x) ->
                net.node(
                    "MaxPool",
                    Map.of("kernel_shape", new long[] {3, 3}, "pads", new long[] {1, 1, 1, 1}),
                    x),
            (net, x) ->
                net.node(
                    "AveragePool",
                    Map.of(
                        "kernel_shape",
                        new long[] {3, 3},
                        "pads",
                        new long[] {1, 1, 1, 1},
                        "count_include_pad",
                        1),
                    x),
            (net, x) -> net.node("Relu", x),
            (net, x) -> net.node("LeakyRelu", Map.of("alpha", 0.1), x),
            (net, x) -> net.node("Clip", x, net.floats(-1), net.floats(1)),
            (net, x) -> net.node("HardSigmoid", Map.of("alpha", 0.2, "beta", 0.4), x),
            (net, x) -> net.node("Add", x, net.weight(1, 4, 1, 1)),
            (net, x) -> net.node("Mul", net.node("Sigmoid", x), x),
            (net, x) -> net.node("Div", x, net.weight(1, 1)),
            (net, x) -> net.node("Sub", net.weight(1, 6), x),
            (net, x) -> net.node("MatMul", x, net.weight(0.3, 6, 6)),
            (net, x) -> net.node("MatMul", x, x),
            (net, x) ->
                net.node("Reshape", net.node("Flatten", Map.of("axis", 1), x), net.longs(SHAPE)),
            (net, x) ->
                net.node(
                    "Reshape",
                    net.node(
                        "Gemm",
                        Map.of("transB", 1, "alpha", 1.0, "beta", 1.0),
                        net.node("Reshape", x, net.longs(-1, 6)),
                        net.weight(0.3, 6, 6),
                        net.weight(1, 6)),
                    net.longs(2, 4, 6, -1)),
            (net, x) -> net.node("Squeeze", net.node("Unsqueeze", x, net.longs(0)), net.longs(0)),
            (net, x) ->
                net.node(
                    "Concat",
                    Map.of("axis", 1),
                    net.node("Conv", x, net.weight(0.3, 2, 4, 1, 1)),
                    net.node("Conv", x, net.weight(0.3, 2, 4, 1, 1))),
            (net, x) -> net.node("Mul", net.node("GlobalAveragePool", x), x),
            (net, x) -> net.node("Transpose", Map.of("perm", new long[] {0, 1, 3, 2}), x),
            (net, x) -> net.node("Softmax", Map.of("axis", -1), x),
            (net, x) ->
                net.node(
                    "LayerNormalization",
                    Map.of("axis", -1, "epsilon", 1e-5),
                    x,
                    net.weight(1, 6),
                    net.weight(1, 6)),
            (net, x) -> net.node("Gather", Map.of("axis", 2), x, net.longs(0, 1, 2, 3, 4, -1)),
            (net, x) ->
                net.node(
                    "Slice",
                    net.node("Pad", x, net.longs(0, 0, 1, 0, 0, 0, 0, 1)),
                    net.longs(0, 1),
                    net.longs(6, 7),
                    net.longs(2, 3),
                    net.longs(1, 1)),
            (net, x) -> net.node("Expand", x, net.longs(SHAPE)),
            (net, x) -> net.node("Tile", x, net.longs(1, 1, 1, 1)),
            (net, x) -> net.node("Add", x, net.node("ReduceMean", Map.of("axes", PAIR), x)),
            (net, x) -> net.node("Where", net.node("Greater", x, net.floats(0)), x, x),
            (net, x) -> net.node("Cast", Map.of("to", 1), net.node("Cast", Map.of("to", 6), x)),
            (net, x) -> net.node("Add", x, net.node("Mul", x, net.node("Erf", x))),
            (net, x) -> net.node("Pow", x, net.floats(2)),
            (net, x) ->
                net.node(
                    "Resize", x, null, net.constant(Tensor.ofFloats(new float[] {1, 1, 1, 1}, 4))),
            (net, x) ->
                net.node(
                    "Concat",
                    Map.of("axis", 1),
                    net.nodes("Split", 2, Map.of("axis", 1), x, net.longs(1, 3))
                        .toArray(new Value[0])),
            (net, x) ->
                net.node(
                    "BatchNormalization",
                    net.node("Relu", x),
                    net.weight(1, 4),
                    net.weight(1, 4),
                    net.weight(1, 4),
                    net.constant(Tensor.ofFloats(new float[] {1, 2, 1, 2}, 4))),
            (net, x) -> {
              Value rows = net.node("Reshape", x, net.longs(8, 6, 6));
              Value made =
                  net.nodes(
                          "LSTM",
                          1,
                          Map.of("hidden_size", 6),
                          rows,
                          net.weight(0.3, 1, 24, 6),
                          net.weight(0.3, 1, 24, 6),
                          net.weight(1, 1, 48))
                      .get(0);
              return net.node("Reshape", made, net.longs(SHAPE));
            },
            (net, x) -> {
              Value rows = net.node("Reshape", x, net.longs(8, 6, 6));
              Value made =
                  net.nodes(
                          "GRU",
                          1,
                          Map.of("hidden_size", 6),
                          rows,
                          net.weight(0.3, 1, 18, 6),
                          net.weight(0.3, 1, 18, 6))
                      .get(0);
              return net.node("Reshape", made, net.longs(SHAPE));
            },
            (net, x) -> {
              List<Value> parts = net.nodes("DynamicQuantizeLinear", 3, Map.of(), x);
              Value sums =
                  net.node(
                      "MatMulInteger",
                      parts.get(0),
                      net.constant(net.whole(DataType.INT8, -127, 127, 6, 6)),
                      parts.get(2));
              return net.node("Mul", net.node("Cast", Map.of("to", 1), sums), parts.get(1));
            },
            (net, x) ->
                net.node(
                    "DequantizeLinear",
                    net.node("QuantizeLinear", x, net.floats(0.02), zero(net)),
                    net.floats(0.02),
                    zero(net)));
    return all.stream().filter(DamagedModel::isCovered).toList();
  }

  private static Value zero(ModelBuilder net) {
    return net.constant(net.whole(DataType.UINT8, 128, 128));
  }

  private static boolean isCovered(Recipe recipe) {
    ModelBuilder net = new ModelBuilder(17, 1);
    recipe.add(net, net.input(SHAPE));
    try (Engine engine = Engine.load(net.model(), EngineOptions.defaults())) {
      return true;
    } catch (UnsupportedNodeException missing) {
      return false;
    }
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (Node node : model.graph().nodes()) {
      text.append(node).append(' ').append(node.attributes()).append("; ");
    }
    for (Value value : model.graph().values()) {
      Tensor tensor = value.initializer();
      text.append(value).append(tensor == null ? "" : " = " + tensor).append("; ");
    }
    return text + inputs.toString();
  }

  static DamagedModel of(long seed) {
    Random random = new Random(seed);
    Model model;
    Map<String, Tensor> feeds;
    if (random.nextInt(3) == 0) {
      RandomModels.Sample sample = RandomModels.cnn(random.nextLong());
      model = sample.model();
      feeds = sample.feeds();
    } else {
      ModelBuilder net = new ModelBuilder(17, seed);
      Value x = net.input(SHAPE);
      for (int i = random.nextInt(5); i >= 0; i--) {
        x = RECIPES.get(random.nextInt(RECIPES.size())).add(net, x);
      }
      model = net.model();
      feeds = net.feeds();
    }
    for (int i = random.nextInt(4); i >= 0; i--) {
      try {
        damage(model.graph(), random);
      } catch (IllegalArgumentException | IllegalStateException | ModelException refused) {
        // A graph that cannot be had is no model.
      }
    }
    List<Map<String, Tensor>> inputs = new ArrayList<>();
    inputs.add(fitting(model, feeds, random));
    inputs.add(damagedInputs(fitting(model, feeds, random), random));
    return new DamagedModel(model, inputs);
  }

  // ---- models ----

  private static void damage(Graph graph, Random random) {
    List<Node> nodes = graph.nodes();
    if (nodes.isEmpty()) {
      return;
    }
    Node node = nodes.get(random.nextInt(nodes.size()));
    switch (random.nextInt(10)) {
      case 0, 1, 2 -> attribute(graph, node, random);
      case 3, 4, 5 -> constant(graph, random);
      case 6 -> rewire(graph, node, random);
      case 7 -> operator(graph, node, random);
      case 8 -> inputs(graph, node, random);
      default -> declare(graph, random);
    }
  }

  private static void attribute(Graph graph, Node node, Random random) {
    // The order of attributes differs from JVM to JVM.
    List<String> names = new ArrayList<>(new TreeSet<>(node.attributes().keySet()));
    names.addAll(
        List.of(
            "axis",
            "pads",
            "strides",
            "dilations",
            "group",
            "auto_pad",
            "kernel_shape",
            "perm",
            "transB",
            "transA",
            "alpha",
            "ceil_mode",
            "output_padding",
            "output_shape",
            "to",
            "keepdims",
            "axes",
            "block_size"));
    int own = node.attributes().size();
    int pick =
        own > 0 && random.nextInt(4) > 0 ? random.nextInt(own) : random.nextInt(names.size());
    String name = names.get(pick);
    Attribute old = node.attribute(name);
    Attribute changed;
    if (random.nextInt(6) == 0 || old == null) {
      changed =
          switch (random.nextInt(4)) {
            case 0 -> new Attribute.IntValue(number(random));
            case 1 -> new Attribute.FloatValue(real(random));
            case 2 -> new Attribute.StringValue(TEXTS.get(random.nextInt(TEXTS.size())));
            default -> Attribute.IntList.of(numbers(random, random.nextInt(6)));
          };
    } else if (old instanceof Attribute.IntValue) {
      changed = new Attribute.IntValue(number(random));
    } else if (old instanceof Attribute.FloatValue) {
      changed = new Attribute.FloatValue(real(random));
    } else if (old instanceof Attribute.StringValue) {
      changed = new Attribute.StringValue(TEXTS.get(random.nextInt(TEXTS.size())));
    } else if (old instanceof Attribute.IntList list) {
      long[] values = list.values().stream().mapToLong(Long::longValue).toArray();
      if (values.length == 0 || random.nextInt(5) == 0) {
        values = numbers(random, random.nextInt(6));
      } else {
        values[random.nextInt(values.length)] = number(random);
      }
      changed = Attribute.IntList.of(values);
    } else {
      return;
    }
    graph.setAttribute(node, name, changed);
  }

  /** Small numbers more often than absurd ones, which end at the first check. */
  private static long number(Random random) {
    return random.nextBoolean() ? random.nextInt(9) - 2 : NUMBERS[random.nextInt(NUMBERS.length)];
  }

  private static long[] numbers(Random random, int count) {
    long[] numbers = new long[count];
    Arrays.setAll(numbers, i -> number(random));
    return numbers;
  }

  private static float real(Random random) {
    return REALS[random.nextInt(REALS.length)];
  }

  private static void constant(Graph graph, Random random) {
    List<Value> constants =
        graph.values().stream().filter(value -> value.initializer() != null).toList();
    if (constants.isEmpty()) {
      return;
    }
    Value value = constants.get(random.nextInt(constants.size()));
    Tensor old = value.initializer();
    if (old == null) {
      return;
    }
    graph.setInitializer(
        value, random.nextBoolean() ? otherNumbers(old, random) : other(old, random));
    graph.setType(value, null);
  }

  /** The same type and shape with some numbers changed. */
  private static Tensor otherNumbers(Tensor old, Random random) {
    int count = (int) old.elementCount();
    if (count == 0) {
      return old;
    }
    int at = random.nextInt(count);
    if (old.type() == DataType.FLOAT) {
      float[] values = old.toFloats();
      values[at] = real(random);
      return Tensor.ofFloats(values, old.shape());
    }
    if (old.type() == DataType.INT64) {
      long[] values = old.toLongs();
      values[at] = number(random);
      return Tensor.ofLongs(values, old.shape());
    }
    byte[] bytes = new byte[(int) old.sizeBytes()];
    random.nextBytes(bytes);
    return Tensor.ofRaw(old.type(), bytes, old.shape());
  }

  /** Another shape or type. */
  private static Tensor other(Tensor old, Random random) {
    long[] shape = old.shape();
    if (random.nextInt(4) == 0) {
      shape = new long[random.nextInt(7)];
      Arrays.setAll(shape, i -> random.nextInt(5));
    } else if (shape.length > 0) {
      shape[random.nextInt(shape.length)] = random.nextInt(9);
    } else {
      shape = new long[] {random.nextInt(3)};
    }
    DataType[] types = {
      DataType.FLOAT, DataType.INT64, DataType.INT32, DataType.INT8, DataType.UINT8,
      DataType.DOUBLE, DataType.BOOL, DataType.FLOAT16, DataType.INT16, DataType.UINT4
    };
    DataType type = random.nextBoolean() ? old.type() : types[random.nextInt(types.length)];
    return random(type, shape, random);
  }

  private static Tensor random(DataType type, long[] shape, Random random) {
    long count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    if (type == DataType.FLOAT) {
      float[] values = new float[(int) count];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextGaussian();
      }
      return Tensor.ofFloats(values, shape);
    }
    byte[] bytes = new byte[(int) type.sizeBytes(count)];
    random.nextBytes(bytes);
    return Tensor.ofRaw(type, bytes, shape);
  }

  /** Any value that is there before the node. */
  private static void rewire(Graph graph, Node node, Random random) {
    List<Value> before = new ArrayList<>(graph.inputs());
    for (Node other : graph.nodes()) {
      if (other == node) {
        break;
      }
      other.outputs().stream().filter(value -> value != null).forEach(before::add);
    }
    graph.values().stream().filter(value -> value.initializer() != null).forEach(before::add);
    if (node.inputs().isEmpty()) {
      return;
    }
    int index = random.nextInt(node.inputs().size());
    graph.setInput(
        node, index, random.nextInt(5) == 0 ? null : before.get(random.nextInt(before.size())));
  }

  private static void operator(Graph graph, Node node, Random random) {
    List<Node> nodes = graph.nodes();
    List<String> operators =
        List.of(
            "Conv",
            "MatMul",
            "Add",
            "Relu",
            "Concat",
            "Flatten",
            "Reshape",
            "Clip",
            "MaxPool",
            "GlobalMaxPool",
            "Gemm",
            "DequantizeLinear",
            "QuantizeLinear",
            "Squeeze",
            "Transpose",
            "Softmax",
            "Slice",
            "Gather",
            "LSTM",
            "ReduceSum",
            "Identity",
            "Dropout");
    String op =
        random.nextBoolean()
            ? nodes.get(random.nextInt(nodes.size())).op()
            : operators.get(random.nextInt(operators.size()));
    NodeSpec spec = NodeSpec.of(op).named(node.name());
    spec = spec.reads(node.inputs().toArray(new Value[0]));
    spec = spec.makes(node.outputs().toArray(new Value[0]));
    for (Map.Entry<String, Attribute> attribute : node.attributes().entrySet()) {
      spec = spec.with(attribute.getKey(), attribute.getValue());
    }
    graph.exchange(node, spec);
  }

  /** One input more or less. */
  private static void inputs(Graph graph, Node node, Random random) {
    List<Value> reads = new ArrayList<>(node.inputs());
    if (random.nextBoolean() && !reads.isEmpty()) {
      reads.remove(reads.size() - 1);
    } else {
      List<Value> all =
          graph.values().stream().filter(value -> value.initializer() != null).toList();
      reads.add(all.isEmpty() ? null : all.get(random.nextInt(all.size())));
    }
    graph.exchange(node, node.spec().reads(reads.toArray(new Value[0])));
  }

  /** Another type or shape of an input, or one more output. */
  private static void declare(Graph graph, Random random) {
    if (random.nextInt(3) == 0) {
      List<Value> values = List.copyOf(graph.values());
      graph.addOutput(values.get(random.nextInt(values.size())));
      return;
    }
    Value input = graph.inputs().iterator().next();
    List<Dimension> dims = new ArrayList<>();
    for (long dim : random.nextBoolean() ? SHAPE : numbers(random, random.nextInt(6))) {
      dims.add(
          random.nextBoolean() || dim < 0 ? new Dimension.Symbolic("n") : new Dimension.Fixed(dim));
    }
    DataType type = random.nextInt(4) == 0 ? DataType.INT64 : DataType.FLOAT;
    graph.setType(input, new TensorType(type, dims));
  }

  // ---- inputs ----

  /** Tensors of what the model declares now, where that is known and small. */
  private static Map<String, Tensor> fitting(
      Model model, Map<String, Tensor> feeds, Random random) {
    Map<String, Tensor> inputs = new LinkedHashMap<>();
    for (Value value : model.graph().inputs()) {
      Tensor given = feeds.get(value.name());
      List<Dimension> declared = value.shape();
      DataType type = value.type() instanceof TensorType t ? t.elementType() : null;
      if (declared != null && type != null) {
        long[] shape = new long[declared.size()];
        long count = 1;
        for (int i = 0; i < shape.length; i++) {
          boolean fixed = declared.get(i) instanceof Dimension.Fixed;
          long own = given != null && i < given.rank() ? given.dim(i) : 3;
          long open = random.nextInt(3) == 0 ? 1 + random.nextInt(9) : own;
          shape[i] = fixed ? ((Dimension.Fixed) declared.get(i)).size() : open;
          count = Math.max(count, 1) * Math.min(shape[i], 1 << 16);
        }
        if (count >= 0 && count < 1 << 16 && Arrays.stream(shape).allMatch(d -> d < 1 << 16)) {
          given = random(type, shape, random);
        }
      }
      if (given != null) {
        inputs.put(value.name(), given);
      }
    }
    return inputs;
  }

  private static Map<String, Tensor> damagedInputs(Map<String, Tensor> inputs, Random random) {
    Map<String, Tensor> damaged = new LinkedHashMap<>(inputs);
    if (damaged.isEmpty()) {
      return damaged;
    }
    String name = damaged.keySet().iterator().next();
    Tensor tensor = inputs.get(name);
    if (tensor == null) {
      return damaged;
    }
    switch (random.nextInt(5)) {
      case 0 -> damaged.remove(name);
      case 1 -> damaged.put("other", tensor);
      case 2 -> damaged.put(name, otherNumbers(tensor, random));
      default -> damaged.put(name, other(tensor, random));
    }
    return damaged;
  }
}
