package dev.octet.torch.graph;

import dev.octet.graph.Attribute;
import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Small models for tests, written node by node. */
final class Nets {
  private final Graph graph = new Graph("test");
  private final Random random = new Random(5);

  static Nets net() {
    return new Nets();
  }

  /** An input; a dimension of -1 is open. */
  Nets input(String name, DataType type, long... shape) {
    List<Dimension> dimensions = new ArrayList<>();
    for (long size : shape) {
      dimensions.add(size < 0 ? new Dimension.Symbolic("n") : new Dimension.Fixed(size));
    }
    graph.addInput(graph.addValue(name, new ValueType.TensorType(type, dimensions)));
    return this;
  }

  Nets input(String name, long... shape) {
    return input(name, DataType.FLOAT, shape);
  }

  /** Normal values. */
  Nets weight(String name, long... shape) {
    float[] values = new float[count(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return constant(name, Tensor.ofFloats(values, shape));
  }

  /** Values of [0.5, 1.5). */
  Nets positive(String name, long... shape) {
    float[] values = new float[count(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.5f + random.nextFloat();
    }
    return constant(name, Tensor.ofFloats(values, shape));
  }

  Nets longs(String name, long... values) {
    return constant(name, Tensor.ofLongs(values, values.length));
  }

  Nets scalar(String name, float value) {
    return constant(name, Tensor.ofFloats(new float[] {value}));
  }

  Nets constant(String name, Tensor tensor) {
    graph.setInitializer(value(name), tensor);
    return this;
  }

  /**
   * A node.
   *
   * @param outputs names joined by commas
   * @param inputs names joined by commas; {@code _} leaves one out
   * @param attributes name and value by turns; a value is a Long, Integer, Double, String, long[],
   *     double[], String[] or Tensor
   */
  Nets node(String op, String outputs, String inputs, Object... attributes) {
    NodeSpec spec = NodeSpec.of(op).named(outputs).reads(values(inputs)).makes(values(outputs));
    for (int i = 0; i < attributes.length; i += 2) {
      spec = spec.with((String) attributes[i], attribute(attributes[i + 1]));
    }
    graph.add(spec);
    return this;
  }

  Model returns(long opset, String... outputs) {
    for (String output : outputs) {
      graph.addOutput(value(output));
    }
    return new Model(8, Map.of("", opset), Map.of(), graph, Bytes.EMPTY);
  }

  private static Attribute attribute(Object value) {
    if (value instanceof Integer number) {
      return new Attribute.IntValue(number);
    } else if (value instanceof Double number) {
      return new Attribute.FloatValue(number.floatValue());
    } else if (value instanceof String text) {
      return new Attribute.StringValue(text);
    } else if (value instanceof long[] list) {
      return Attribute.IntList.of(list);
    } else if (value instanceof double[] list) {
      return new Attribute.FloatList(
          Arrays.stream(list).mapToObj(number -> (float) number).toList());
    } else if (value instanceof String[] list) {
      return new Attribute.StringList(List.of(list));
    }
    return new Attribute.TensorValue((Tensor) value);
  }

  private Value[] values(String names) {
    return Arrays.stream(names.split(","))
        .map(name -> name.equals("_") ? null : value(name))
        .toArray(Value[]::new);
  }

  private Value value(String name) {
    Value found = graph.value(name);
    return found == null ? graph.addValue(name, null) : found;
  }

  private static int count(long[] shape) {
    return (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
  }
}
