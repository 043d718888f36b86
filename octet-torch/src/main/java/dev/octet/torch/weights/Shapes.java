package dev.octet.torch.weights;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.nio.ByteBuffer;
import java.util.List;

/** Sizes of tensors that a file describes, and the tensors once they fit. */
final class Shapes {
  private Shapes() {}

  /** Number of elements; dimensions are not negative. */
  static long count(List<Long> shape, String where) {
    long product = 1;
    boolean empty = false;
    try {
      for (long dim : shape) {
        empty |= dim == 0;
        product = Math.multiplyExact(product, Math.max(dim, 1));
      }
    } catch (ArithmeticException overflow) {
      throw tooLarge(shape, where, overflow);
    }
    return empty ? 0 : product;
  }

  static long sizeBytes(DataType type, List<Long> shape, String where) {
    try {
      return type.sizeBytes(count(shape, where));
    } catch (ArithmeticException overflow) {
      throw tooLarge(shape, where, overflow);
    }
  }

  /** A tensor over {@code data}; truth values must be 0 or 1, as native code relies on it. */
  static Tensor tensor(DataType type, List<Long> shape, ByteBuffer data, String where) {
    if (type == DataType.BOOL) {
      for (int i = data.position(); i < data.limit(); i++) {
        if ((data.get(i) & ~1) != 0) {
          throw new WeightsException(
              where + " is of truth values, but one is stored as " + (data.get(i) & 0xFF));
        }
      }
    }
    return Tensor.wrap(type, toArray(shape), data);
  }

  private static long[] toArray(List<Long> shape) {
    return shape.stream().mapToLong(Long::longValue).toArray();
  }

  private static WeightsException tooLarge(
      List<Long> shape, String where, ArithmeticException cause) {
    return new WeightsException(
        where + " has shape " + shape + ", more elements than can be counted", cause);
  }
}
