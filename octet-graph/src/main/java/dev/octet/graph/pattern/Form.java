package dev.octet.graph.pattern;

import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The questions that the finders ask of nodes and values. */
final class Form {
  /** How far a written-out constant may be from the number it stands for, relatively. */
  private static final double TOLERANCE = 1e-3;

  private Form() {}

  /** The node of operator {@code op} that makes {@code value}, or null. */
  static @Nullable Node maker(@Nullable Value value, String op) {
    Node producer = value == null ? null : value.producer();
    return producer != null && producer.is(op) ? producer : null;
  }

  /** The one reader of the node's output if it is of operator {@code op}, or null. */
  static @Nullable Node onlyReader(Node node, String op) {
    Node reader = node.output().onlyConsumer();
    return reader != null && reader.is(op) && reader.graph() == node.graph() ? reader : null;
  }

  /**
   * The input of a two-input {@code node} beside {@code one}, or null where it does not read it.
   */
  static @Nullable Value other(Node node, Value one) {
    if (node.inputs().size() != 2) {
      return null;
    }
    if (node.input(0) == one) {
      return node.input(1);
    }
    return node.input(1) == one ? node.input(0) : null;
  }

  /** The input of a two-input {@code node} beside a constant close to {@code number}, or null. */
  static @Nullable Value besideConstant(Node node, double number) {
    if (node.inputs().size() != 2) {
      return null;
    }
    if (isClose(node.input(1), number)) {
      return node.input(0);
    }
    return isClose(node.input(0), number) ? node.input(1) : null;
  }

  /** Whether {@code value} is one constant number close to {@code number}. */
  static boolean isClose(@Nullable Value value, double number) {
    Double constant = scalar(value);
    return constant != null && Math.abs(constant - number) <= TOLERANCE * Math.abs(number);
  }

  /** The number that {@code value} always is, or null where it is none or several. */
  static @Nullable Double scalar(@Nullable Value value) {
    Tensor tensor = value == null ? null : value.constant();
    if (tensor == null || tensor.elementCount() != 1) {
      return null;
    }
    return tensor.type() == DataType.FLOAT || tensor.type() == DataType.DOUBLE
        ? (Double) (double) tensor.toFloats()[0]
        : null;
  }

  static boolean isConstant(@Nullable Value value) {
    return value != null && value.constant() != null;
  }

  /** Whether only the nodes themselves read what all but the last of them make. */
  static boolean isClosed(List<Node> nodes) {
    for (Node node : nodes.subList(0, nodes.size() - 1)) {
      for (Value output : node.outputs()) {
        if (output != null
            && (output.isOutput()
                || !output.graph().canReplace(output, output) // returned by a nested graph
                || !nodes.containsAll(output.consumers()))) {
          return false;
        }
      }
    }
    return true;
  }
}
