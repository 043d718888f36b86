package dev.octet.engine.reference;

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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Builds a small model line by line, together with the tensors to run it on. */
public final class ModelBuilder {
  private final Graph graph = new Graph("net");
  private final Map<String, Tensor> feeds = new LinkedHashMap<>();
  private final Random random;
  private final long opset;

  /** An empty model whose random numbers come from {@code seed}. */
  public ModelBuilder(long opset, long seed) {
    this.opset = opset;
    this.random = new Random(seed);
  }

  /** The source of all numbers that are not given. */
  public Random random() {
    return random;
  }

  /** A graph input of the shape of {@code tensor}, which it is fed with. */
  public Value input(Tensor tensor) {
    List<Dimension> dims =
        Arrays.stream(tensor.shape()).<Dimension>mapToObj(Dimension.Fixed::new).toList();
    Value value = graph.addFresh("input", new TensorType(tensor.type(), dims));
    graph.addInput(value);
    feeds.put(value.name(), tensor);
    return value;
  }

  /** An input of normal floats. */
  public Value input(long... shape) {
    return input(normal(1, shape));
  }

  /** A constant. */
  public Value constant(Tensor tensor) {
    return graph.addConstant("constant", tensor);
  }

  /** A constant of floats; a scalar where there is one. */
  public Value floats(double... values) {
    float[] rounded = new float[values.length];
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = (float) values[i];
    }
    return constant(
        values.length == 1 ? Tensor.ofFloats(rounded) : Tensor.ofFloats(rounded, rounded.length));
  }

  /** A constant vector of 64-bit integers. */
  public Value longs(long... values) {
    return constant(Tensor.ofLongs(values, values.length));
  }

  /** A constant 64-bit integer. */
  public Value longScalar(long value) {
    return constant(Tensor.ofLongs(new long[] {value}));
  }

  /** A constant of normal floats. */
  public Value weight(double spread, long... shape) {
    return constant(normal(spread, shape));
  }

  /** Normal floats. */
  public Tensor normal(double spread, long... shape) {
    float[] values = new float[count(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() * spread);
    }
    return Tensor.ofFloats(values, shape);
  }

  /** Whole numbers of {@code type} from {@code low} to {@code high}, each as likely. */
  public Tensor whole(DataType type, int low, int high, long... shape) {
    double[] values = random.ints(count(shape), low, high + 1).asDoubleStream().toArray();
    return new Array(Arrays.stream(shape).mapToInt(Math::toIntExact).toArray(), values).to(type);
  }

  /**
   * A node with one output; attributes are Integer, Long, Double, String, long[], String[] or
   * Tensor. An operator of another domain is written with it: {@code com.microsoft.QLinearAdd}.
   */
  public Value node(String op, Map<String, ?> attributes, @Nullable Value... inputs) {
    return nodes(op, 1, attributes, inputs).get(0);
  }

  /** A node with one output. */
  public Value node(String op, @Nullable Value... inputs) {
    return node(op, Map.of(), inputs);
  }

  /** A node with {@code count} outputs. */
  public List<Value> nodes(
      String op, int count, Map<String, ?> attributes, @Nullable Value... inputs) {
    List<Value> made = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      made.add(graph.addFresh(op, null));
    }
    int dot = op.lastIndexOf('.');
    NodeSpec spec =
        NodeSpec.of(op.substring(dot + 1))
            .in(op.substring(0, Math.max(0, dot)))
            .named(made.get(0).name() + "/node")
            .reads(inputs)
            .makes(made.toArray(new Value[0]));
    for (Map.Entry<String, ?> attribute : attributes.entrySet()) {
      spec = spec.with(attribute.getKey(), attribute(attribute.getValue()));
    }
    graph.add(spec);
    return made;
  }

  /** The model so far: what no node reads is returned. */
  public Model model() {
    for (Value value : graph.values()) {
      if (value.producer() != null && value.uses().isEmpty() && !value.isOutput()) {
        graph.addOutput(value);
      }
    }
    return new Model(
        10, Map.of("", opset, RuntimeOperators.DOMAIN, 1L), Map.of(), graph, Bytes.EMPTY);
  }

  /** The tensor of each input. */
  public Map<String, Tensor> feeds() {
    return feeds;
  }

  private static int count(long[] shape) {
    return (int) Arrays.stream(shape).reduce(1, Math::multiplyExact);
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
    if (value instanceof long[] numbers) {
      return Attribute.IntList.of(numbers);
    }
    if (value instanceof String[] texts) {
      return new Attribute.StringList(List.of(texts));
    }
    return new Attribute.TensorValue((Tensor) value);
  }
}
