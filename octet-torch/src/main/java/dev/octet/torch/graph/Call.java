package dev.octet.torch.graph;

import dev.octet.graph.Node;
import dev.octet.torch.Tensors;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.jspecify.annotations.Nullable;

/**
 * One computation of one node.
 *
 * @param node says which operator, and its settings
 * @param opset version of the operators
 * @param phase whether batch statistics and dropout are in use
 * @param inputs null where an optional one is left out
 */
record Call(Node node, long opset, Phase phase, List<@Nullable Datum> inputs) {

  boolean training() {
    return phase != Phase.EVAL;
  }

  boolean has(int input) {
    return input < inputs.size() && inputs.get(input) != null;
  }

  Datum datum(int input) {
    Datum found = input < inputs.size() ? inputs.get(input) : null;
    if (found == null) {
      throw new IllegalArgumentException("input " + input + " is missing");
    }
    return found;
  }

  Tensor in(int input) {
    return datum(input).tensor();
  }

  TensorOptional optional(int input) {
    return has(input) ? new TensorOptional(in(input)) : new TensorOptional();
  }

  long[] longs(int input) {
    return datum(input).longs();
  }

  /** The only element of an input. */
  double number(int input) {
    float[] values = Tensors.toFloats(in(input));
    if (values.length != 1) {
      throw new IllegalArgumentException(
          "input " + input + " has " + values.length + " elements, not 1");
    }
    return values[0];
  }

  long integer(String attribute, long otherwise) {
    return node.intAttribute(attribute, otherwise);
  }

  double real(String attribute, double otherwise) {
    return node.attribute(attribute) == null ? otherwise : node.floatAttribute(attribute, 0);
  }

  String text(String attribute, String otherwise) {
    return node.stringAttribute(attribute, otherwise);
  }

  /** A list of integers, or null where the attribute is not set. */
  long @Nullable [] integers(String attribute) {
    return node.attribute(attribute) == null
        ? null
        : node.intsAttribute(attribute, List.of()).stream().mapToLong(Long::longValue).toArray();
  }

  /** A list of integers that became an input in a later operator set; null if given by neither. */
  long @Nullable [] integers(String attribute, int input) {
    return has(input) ? longs(input) : integers(attribute);
  }

  /** Whether anybody reads an output. */
  boolean wants(int output) {
    return output < node.outputs().size() && node.outputs().get(output) != null;
  }

  /** {@code axis}, counted from the first of {@code rank}. */
  static int axis(long axis, int rank) {
    long counted = axis < 0 ? axis + rank : axis;
    if (counted < 0 || counted >= Math.max(1, rank)) {
      throw new IllegalArgumentException("axis " + axis + " is not one of " + rank);
    }
    return (int) counted;
  }
}
