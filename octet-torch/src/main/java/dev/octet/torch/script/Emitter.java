package dev.octet.torch.script;

import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Adds nodes and constants to the graph being made, named after the module at work. */
final class Emitter {
  private final Graph graph = new Graph("torchscript");
  private final Map<Tensor, Value> smallConstants = new HashMap<>();
  private String path = "";

  Graph graph() {
    return graph;
  }

  /** Names of nodes made from now on start with the path of this module. */
  void enter(String modulePath) {
    path = modulePath;
  }

  /** The path of the module at work; empty for the root. */
  String path() {
    return path;
  }

  /** A node with one output. */
  Value node(NodeSpec spec) {
    return nodes(spec, 1).get(0);
  }

  /** A node without attributes and with one output. */
  Value node(String op, Value... inputs) {
    return node(NodeSpec.of(op).reads(inputs));
  }

  /** A node with {@code outputs} outputs. */
  List<Value> nodes(NodeSpec spec, int outputs) {
    String stem = path.isEmpty() ? spec.op() : path + "/" + spec.op();
    List<Value> made = new ArrayList<>();
    for (int i = 0; i < outputs; i++) {
      made.add(graph.addFresh(stem, null));
    }
    graph.add(spec.named(made.get(0).name()).makes(made.toArray(Value[]::new)));
    return made;
  }

  /** What stands for {@code tensor} in the graph; a constant becomes an initializer. */
  Value value(TracedTensor tensor) {
    Value symbol = tensor.symbol();
    if (symbol != null) {
      return symbol;
    }
    Value known = tensor.initializer();
    if (known == null) {
      String stem = path.isEmpty() ? "constant" : path + "/constant";
      known =
          graph.addConstant(
              tensor.origin().isEmpty() ? stem : tensor.origin(),
              NativeTensors.copy(tensor.nativeTensor()));
      tensor.setInitializer(known);
    }
    return known;
  }

  /** The same in another element type. */
  Value cast(Value value, DataType from, DataType to) {
    return from == to ? value : node(NodeSpec.of("Cast").reads(value).with("to", to.code()));
  }

  /** A list of 64-bit integers. */
  Value longs(long... values) {
    return constant(Tensor.ofLongs(values, values.length));
  }

  /** A scalar of type {@code type}. */
  Value scalar(DataType type, double number) {
    ByteBuffer raw = ByteBuffer.allocate(type.bits() / 8).order(ByteOrder.LITTLE_ENDIAN);
    switch (type) {
      case FLOAT -> raw.putFloat((float) number);
      case DOUBLE -> raw.putDouble(number);
      case INT64 -> raw.putLong((long) number);
      case INT32 -> raw.putInt((int) number);
      case INT16 -> raw.putShort((short) number);
      case INT8, UINT8, BOOL -> raw.put((byte) number);
      default -> {
        return cast(scalar(DataType.FLOAT, number), DataType.FLOAT, type);
      }
    }
    return constant(Tensor.wrap(type, new long[0], raw.flip()));
  }

  /** One initializer for all equal constants that operators need beside the module's own. */
  Value constant(Tensor tensor) {
    return smallConstants.computeIfAbsent(tensor, key -> graph.addConstant("constant", key));
  }

  /** The declared type of a value of this element type and shape. */
  static ValueType type(DataType type, List<Long> shape) {
    return new ValueType.TensorType(
        type, shape.stream().<Dimension>map(Dimension.Fixed::new).toList());
  }
}
