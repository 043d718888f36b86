package dev.octet.graph.opset;

import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Rewriter;
import dev.octet.graph.shape.Shapes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Upgrades of operators whose attributes became inputs: the values move into new constants. */
final class InputUpgrades {

  private InputUpgrades() {}

  /** A list of integers, if it is there, moves to input number {@code index}. */
  static Upgrade listToInput(String attribute, int index) {
    return (node, change, shapes) -> {
      if (node.attribute(attribute) != null) {
        Value list = list(node, attribute, change);
        new SpecEdit(node, change).drop(attribute).input(index, list).commit();
      }
      return null;
    };
  }

  /** Bounds that are left out stay left out: that still means none. */
  static @Nullable String clip11(Node node, Rewriter change, Shapes shapes) {
    SpecEdit edit = new SpecEdit(node, change);
    int index = 1;
    for (String bound : List.of("min", "max")) {
      if (node.attribute(bound) != null) {
        Tensor scalar = scalar(node, shapes, node.floatAttribute(bound, 0));
        if (scalar == null) {
          return "Clip takes its bounds in the type of its input, which is not known here,";
        }
        edit.drop(bound).input(index, change.addConstant(stem(node, bound), scalar));
      }
      index++;
    }
    edit.commit();
    return null;
  }

  static @Nullable String pad11(Node node, Rewriter change, Shapes shapes) {
    float fill = node.floatAttribute("value", 0);
    Tensor scalar = scalar(node, shapes, fill);
    if (fill != 0 && scalar == null) {
      return "Pad takes its value in the type of its input, which is not known here,";
    }
    SpecEdit edit =
        new SpecEdit(node, change).drop("value").drop("pads").input(1, list(node, "pads", change));
    if (fill != 0 && scalar != null) {
      edit.input(2, change.addConstant(stem(node, "value"), scalar));
    }
    edit.commit();
    return null;
  }

  static @Nullable String dropout12(Node node, Rewriter change, Shapes shapes) {
    if (node.attribute("ratio") != null) {
      Tensor ratio = Tensor.ofFloats(new float[] {node.floatAttribute("ratio", 0.5f)});
      new SpecEdit(node, change)
          .drop("ratio")
          .input(1, change.addConstant(stem(node, "ratio"), ratio))
          .commit();
    }
    return null;
  }

  /** The axis, by default 1, became an input that by default is -2. */
  static @Nullable String dft20(Node node, Rewriter change, Shapes shapes) {
    Tensor axis = Tensor.ofLongs(new long[] {node.intAttribute("axis", 1)});
    new SpecEdit(node, change)
        .drop("axis")
        .input(2, change.addConstant(stem(node, "axis"), axis))
        .commit();
    return null;
  }

  /** A constant that holds the integers of {@code attribute}. */
  static Value list(Node node, String attribute, Rewriter change) {
    long[] values = node.intsAttribute(attribute, List.of()).stream().mapToLong(v -> v).toArray();
    return change.addConstant(stem(node, attribute), Tensor.ofLongs(values, values.length));
  }

  static String stem(Node node, String what) {
    return (node.name().isEmpty() ? node.output().name() : node.name()) + "_" + what;
  }

  /** {@code value} in the type of the node's first input, or null where that is not known. */
  private static @Nullable Tensor scalar(Node node, Shapes shapes, float value) {
    Value in = node.input(0);
    DataType type = in == null ? null : shapes.elementType(in);
    if (type == DataType.FLOAT) {
      return Tensor.ofFloats(new float[] {value});
    }
    if (type == DataType.DOUBLE) {
      ByteBuffer raw = ByteBuffer.allocate(Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      return Tensor.wrap(type, new long[0], raw.putDouble(value).flip());
    }
    return null;
  }
}
