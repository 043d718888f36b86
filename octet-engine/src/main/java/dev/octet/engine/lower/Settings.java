package dev.octet.engine.lower;

import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import java.util.Arrays;
import java.util.List;

/** What decides about a node's shape and must be known when it is compiled. */
final class Settings {
  private Settings() {}

  /**
   * Input number {@code index}, whole numbers, which the plan depends on.
   *
   * @param what it is, for the message
   * @throws UnsupportedNodeException if it is computed from data or holds no whole numbers
   */
  static long[] longs(Node node, Compilation to, int index, String what) {
    Tensor tensor = to.constant(node, index);
    if (tensor == null) {
      throw new UnsupportedNodeException(
          node, "its " + what + " is missing or computed from data, and the plan depends on it");
    }
    if (tensor.type() != DataType.INT64 && tensor.type() != DataType.INT32) {
      throw new UnsupportedNodeException(node, "its " + what + " is of " + tensor.type());
    }
    return tensor.toLongs();
  }

  /** The same, {@code otherwise} where the input is left out. */
  static long[] longs(Node node, Compilation to, int index, String what, long... otherwise) {
    return node.input(index) == null ? otherwise : longs(node, to, index, what);
  }

  /** One whole number. */
  static long number(Node node, Compilation to, int index, String what) {
    long[] numbers = longs(node, to, index, what);
    if (numbers.length != 1) {
      throw new UnsupportedNodeException(
          node, "its " + what + " is " + numbers.length + " numbers, not one");
    }
    return numbers[0];
  }

  /**
   * Axes, sorted, from input {@code index} or else the attribute {@code axes}; none where neither
   * is there.
   *
   * @throws UnsupportedNodeException if one is out of range or there twice
   */
  static int[] axes(Node node, Compilation to, int index, int rank) {
    List<Long> listed = node.intsAttribute("axes", List.of());
    long[] given =
        longs(node, to, index, "axes", listed.stream().mapToLong(Long::longValue).toArray());
    int[] axes =
        Arrays.stream(given).mapToInt(a -> Views.axis(node, a, rank, false)).sorted().toArray();
    if (Arrays.stream(axes).distinct().count() != axes.length) {
      throw new UnsupportedNodeException(node, "an axis is there twice");
    }
    return axes;
  }

  /** What {@code dims} and {@code others} broadcast to, as numpy does. */
  static long[] broadcast(Node node, long[] dims, long[] others) {
    int rank = Math.max(dims.length, others.length);
    long[] left = Arithmetic.spread(dims, rank);
    long[] right = Arithmetic.spread(others, rank);
    for (int i = 0; i < rank; i++) {
      if (left[i] != right[i] && left[i] != 1 && right[i] != 1) {
        throw new UnsupportedNodeException(
            node, Arrays.toString(dims) + " and " + Arrays.toString(others) + " do not broadcast");
      }
      left[i] = left[i] == 1 ? right[i] : left[i];
    }
    return left;
  }

  /** The product of {@code dims} from {@code from} to before {@code end}. */
  static int product(long[] dims, int from, int end) {
    long product = 1;
    for (int i = from; i < end; i++) {
      product = Math.multiplyExact(product, dims[i]);
    }
    return Math.toIntExact(product);
  }
}
