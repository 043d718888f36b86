package dev.octet.bench.models;

import dev.octet.graph.Attribute;
import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Builds a network layer by layer. Weights are normal with a spread that keeps activations in range
 * (He et al. 2015: variance 2 / fan-in before a ReLU); equal calls give equal weights.
 */
final class Layers {
  private static final long OPSET = 17;
  private static final long IR_VERSION = 8;

  private final Graph graph;
  private final Random random = new Random(20);

  /** How many nodes have the same name but for their number. */
  private final Map<String, Integer> named = new HashMap<>();

  Layers(String name) {
    graph = new Graph(name);
  }

  /** An input; dimensions are sizes, or names of sizes that are open. */
  Value input(String name, DataType type, Object... dims) {
    Value value = graph.addValue(name, new TensorType(type, dimensions(dims)));
    graph.addInput(value);
    return value;
  }

  /** Returns {@code value}, of floats, as {@code name}. */
  void output(String name, Value value, Object... dims) {
    Value output = graph.addValue(name, new TensorType(DataType.FLOAT, dimensions(dims)));
    graph.add(NodeSpec.of("Identity").named("/" + name).reads(value).makes(output));
    graph.addOutput(output);
  }

  Model model() {
    return new Model(IR_VERSION, Map.of("", OPSET), Map.of(), graph, Bytes.EMPTY);
  }

  // ---- constants ----

  /** Normal numbers. */
  Value normal(String name, double spread, long... shape) {
    float[] values = new float[(int) Arrays.stream(shape).reduce(1, Math::multiplyExact)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() * spread);
    }
    return constant(name, Tensor.ofFloats(values, shape));
  }

  /** Numbers within a tenth of {@code middle}, each as likely. */
  Value near(String name, double middle, long count) {
    float[] values = new float[(int) count];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (middle * (0.9 + 0.2 * random.nextDouble()));
    }
    return constant(name, Tensor.ofFloats(values, count));
  }

  Value constant(String name, Tensor tensor) {
    Value value = graph.addValue(name, null);
    graph.setInitializer(value, tensor);
    return value;
  }

  Value scalar(double value) {
    return graph.addConstant("scalar", Tensor.ofFloats(new float[] {(float) value}));
  }

  Value integer(long value) {
    return graph.addConstant("index", Tensor.ofLongs(new long[] {value}));
  }

  Value integers(long... values) {
    return graph.addConstant("indices", Tensor.ofLongs(values, values.length));
  }

  // ---- nodes ----

  /** A node with one output, which is named after the node. */
  Value node(String name, String op, Map<String, ?> attributes, @Nullable Value... inputs) {
    return nodes(name, op, 1, attributes, inputs).get(0);
  }

  Value node(String name, String op, @Nullable Value... inputs) {
    return node(name, op, Map.of(), inputs);
  }

  List<Value> nodes(
      String name, String op, int outputs, Map<String, ?> attributes, @Nullable Value... inputs) {
    String stem = "/" + name + "/" + op;
    int before = named.merge(stem, 1, Integer::sum) - 1;
    String label = before == 0 ? stem : stem + "_" + before;
    List<Value> made = new ArrayList<>();
    for (int i = 0; i < outputs; i++) {
      made.add(graph.addValue(label + "_output_" + i, null));
    }
    NodeSpec spec = NodeSpec.of(op).named(label).reads(inputs).makes(made.toArray(new Value[0]));
    for (Map.Entry<String, ?> attribute : new TreeMap<>(attributes).entrySet()) {
      spec = spec.with(attribute.getKey(), attribute(attribute.getValue()));
    }
    graph.add(spec);
    return made;
  }

  // ---- layers ----

  /** A square convolution over {@code in} channels that keeps the size but for its stride. */
  record Conv(int in, int out, int kernel, int stride, int pad, int groups) {
    static Conv of(int in, int out, int kernel, int stride) {
      return new Conv(in, out, kernel, stride, kernel / 2, 1);
    }

    /** The spread of weights behind which a ReLU halves the energy of what arrives. */
    double spread() {
      return Math.sqrt(2.0 * groups / in / kernel / kernel);
    }
  }

  Value conv(String name, Value x, Conv layer) {
    return conv(name, x, layer, normal(name + ".bias", 0.05, layer.out()));
  }

  /** A convolution followed by its normalization, as networks are before folding. */
  Value convNorm(String name, String norm, Value x, Conv layer, double gain) {
    Value y = conv(name, x, layer, null);
    return node(
        norm,
        "BatchNormalization",
        Map.of("epsilon", 1e-5),
        y,
        near(norm + ".weight", gain, layer.out()),
        normal(norm + ".bias", 0.1, layer.out()),
        normal(norm + ".running_mean", 0.1, layer.out()),
        near(norm + ".running_var", 1, layer.out()));
  }

  private Value conv(String name, Value x, Conv layer, @Nullable Value bias) {
    long k = layer.kernel();
    long channels = layer.in() / layer.groups();
    Value weights = normal(name + ".weight", layer.spread(), layer.out(), channels, k, k);
    Map<String, ?> attributes =
        Map.of(
            "dilations", new long[] {1, 1},
            "group", layer.groups(),
            "kernel_shape", new long[] {k, k},
            "pads", new long[] {layer.pad(), layer.pad(), layer.pad(), layer.pad()},
            "strides", new long[] {layer.stride(), layer.stride()});
    return bias == null
        ? node(name, "Conv", attributes, x, weights)
        : node(name, "Conv", attributes, x, weights, bias);
  }

  Value relu(String name, Value x) {
    return node(name, "Relu", x);
  }

  Value maxPool(String name, Value x, int kernel, int stride, int pad, boolean ceil) {
    return node(
        name,
        "MaxPool",
        Map.of(
            "ceil_mode", ceil ? 1 : 0,
            "kernel_shape", new long[] {kernel, kernel},
            "pads", new long[] {pad, pad, pad, pad},
            "strides", new long[] {stride, stride}),
        x);
  }

  /** The mean of each channel, [batch, channels]. */
  Value averaged(Value x) {
    return node("flatten", "Flatten", node("avgpool", "GlobalAveragePool", x));
  }

  /** A dense layer on [rows, in]. */
  Value dense(String name, Value x, int in, int out) {
    return node(
        name,
        "Gemm",
        Map.of("alpha", 1.0, "beta", 1.0, "transB", 1),
        x,
        normal(name + ".weight", Math.sqrt(1.0 / in), out, in),
        normal(name + ".bias", 0.05, out));
  }

  private static List<Dimension> dimensions(Object... dims) {
    List<Dimension> result = new ArrayList<>();
    for (Object dim : dims) {
      result.add(
          dim instanceof Number size
              ? new Dimension.Fixed(size.longValue())
              : new Dimension.Symbolic((String) dim));
    }
    return result;
  }

  private static Attribute attribute(Object value) {
    if (value instanceof Double number) {
      return new Attribute.FloatValue(number.floatValue());
    }
    if (value instanceof Number number) {
      return new Attribute.IntValue(number.longValue());
    }
    if (value instanceof String text) {
      return new Attribute.StringValue(text);
    }
    return Attribute.IntList.of((long[]) value);
  }
}
