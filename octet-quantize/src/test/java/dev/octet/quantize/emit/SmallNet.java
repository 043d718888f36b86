package dev.octet.quantize.emit;

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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Builds small models for tests, with weights drawn from a fixed seed. */
final class SmallNet {
  private final Graph graph = new Graph("small");
  private final Model model = new Model(8, Map.of("", 17L), Map.of(), graph, Bytes.EMPTY);
  private final Random random = new Random(7);

  /** An input; a dimension is a number, or a name where it is open. */
  Value input(String name, DataType type, Object... dims) {
    Value value = graph.addValue(name, new TensorType(type, dimensions(dims)));
    graph.addInput(value);
    return value;
  }

  /** A constant of normally distributed weights whose channels along axis 0 differ in size. */
  Value weights(String name, int... dims) {
    int count = Arrays.stream(dims).reduce(1, (a, b) -> a * b);
    int run = count / dims[0];
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextGaussian() * 0.2 * (1 + i / run % 3));
    }
    return constant(name, Tensor.ofFloats(values, Arrays.stream(dims).asLongStream().toArray()));
  }

  Value constant(String name, Tensor tensor) {
    Value value = graph.addValue(name, null);
    graph.setInitializer(value, tensor);
    return value;
  }

  /** A node of one output, which gets the name {@code name}. */
  Value apply(String op, String name, Map<String, Attribute> attributes, Value... inputs) {
    Value made = graph.addValue(name, null);
    NodeSpec spec = NodeSpec.of(op).named(name + "-node").reads(inputs).makes(made);
    for (Map.Entry<String, Attribute> attribute : attributes.entrySet()) {
      spec = spec.with(attribute.getKey(), attribute.getValue());
    }
    graph.add(spec);
    return made;
  }

  Value apply(String op, String name, Value... inputs) {
    return apply(op, name, Map.of(), inputs);
  }

  Graph graph() {
    return graph;
  }

  /** The model that returns {@code outputs}, whose dimensions stay open. */
  Model returning(Value... outputs) {
    for (Value output : outputs) {
      graph.setType(output, new TensorType(DataType.FLOAT, null));
      graph.addOutput(output);
    }
    return model;
  }

  static Attribute ints(long... values) {
    return Attribute.IntList.of(values);
  }

  static Attribute integer(long value) {
    return new Attribute.IntValue(value);
  }

  static Attribute real(float value) {
    return new Attribute.FloatValue(value);
  }

  private static List<Dimension> dimensions(Object... dims) {
    return Arrays.stream(dims)
        .<Dimension>map(
            d ->
                d instanceof Number size
                    ? new Dimension.Fixed(size.longValue())
                    : new Dimension.Symbolic(d.toString()))
        .toList();
  }
}
