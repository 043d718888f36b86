package dev.octet.engine.reference;

import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One node with the tensors it reads.
 *
 * @param inputs null where an optional one is left out
 * @param opset the version of ONNX's operator set that the model follows
 */
record Call(Node node, List<@Nullable Tensor> inputs, long opset) {

  Tensor tensor(int index) {
    Tensor tensor = optionalTensor(index);
    if (tensor == null) {
      throw new IllegalArgumentException("input " + index + " is missing");
    }
    return tensor;
  }

  @Nullable Tensor optionalTensor(int index) {
    return index < inputs.size() ? inputs.get(index) : null;
  }

  boolean has(int index) {
    return optionalTensor(index) != null;
  }

  Array array(int index) {
    return Array.of(tensor(index));
  }

  /** Input {@code index}, or zeros of {@code shape} where it is left out. */
  Array arrayOrZeros(int index, int... shape) {
    return has(index) ? array(index) : Array.zeros(shape);
  }

  /** The one number of input {@code index}, or {@code otherwise} where it is left out. */
  double scalar(int index, double otherwise) {
    return has(index) ? array(index).scalar() : otherwise;
  }

  /** The element type of the first input. */
  DataType type() {
    return tensor(0).type();
  }

  boolean isSet(String attribute) {
    return node.attribute(attribute) != null;
  }

  int integer(String attribute, int otherwise) {
    return Math.toIntExact(node.intAttribute(attribute, otherwise));
  }

  boolean flag(String attribute) {
    return node.intAttribute(attribute, 0) != 0;
  }

  /** A float attribute; {@code otherwise} is rounded to float as an attribute is. */
  double real(String attribute, double otherwise) {
    return node.floatAttribute(attribute, (float) otherwise);
  }

  String text(String attribute, String otherwise) {
    return node.stringAttribute(attribute, otherwise);
  }

  int[] integers(String attribute, int... otherwise) {
    return isSet(attribute)
        ? node.intsAttribute(attribute, List.of()).stream().mapToInt(Math::toIntExact).toArray()
        : otherwise;
  }

  /** A list that is an attribute in older operator sets, input {@code index} in newer ones. */
  int[] list(int index, String attribute, int... otherwise) {
    Tensor given = optionalTensor(index);
    if (given == null) {
      return integers(attribute, otherwise);
    }
    long[] values = given.toLongs();
    int[] result = new int[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = (int) Math.max(-Integer.MAX_VALUE, Math.min(Integer.MAX_VALUE, values[i]));
    }
    return result;
  }
}
