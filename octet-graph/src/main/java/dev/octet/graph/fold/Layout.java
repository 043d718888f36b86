package dev.octet.graph.fold;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/** Where elements lie: shapes, strides in elements, broadcasting, and moving elements about. */
final class Layout {
  /** Elements up to which a result may be larger than the inputs it is made of. */
  static final long LIMIT = 1 << 16;

  private Layout() {}

  /** Input number {@code index}, which the operator cannot do without. */
  static Tensor required(List<@Nullable Tensor> inputs, int index) {
    Tensor tensor = index < inputs.size() ? inputs.get(index) : null;
    if (tensor == null) {
      throw new CannotFold("input " + index + " is missing");
    }
    return tensor;
  }

  /** Input number {@code index}, or null where it is left out. */
  static @Nullable Tensor optional(List<@Nullable Tensor> inputs, int index) {
    return index < inputs.size() ? inputs.get(index) : null;
  }

  /**
   * Number of elements of {@code shape}.
   *
   * @throws CannotFold if it is above both {@link #LIMIT} and what {@code inputs} hold
   */
  static int count(long[] shape, List<@Nullable Tensor> inputs) {
    long held = 0;
    for (Tensor input : inputs) {
      held += input == null ? 0 : input.elementCount();
    }
    long limit = Math.min(Integer.MAX_VALUE, Math.max(LIMIT, held));
    for (long dim : shape) {
      if (dim < 0) {
        throw new CannotFold("its shape would be " + Arrays.toString(shape));
      }
    }
    if (Arrays.stream(shape).anyMatch(dim -> dim == 0)) {
      return 0;
    }
    long product = 1;
    for (long dim : shape) {
      if (dim > limit / product) {
        throw new CannotFold(
            "its result " + Arrays.toString(shape) + " has more than " + limit + " elements");
      }
      product *= dim;
    }
    return (int) product;
  }

  /** Row-major strides of {@code shape}. */
  static long[] strides(long[] shape) {
    long[] strides = new long[shape.length];
    long step = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = step;
      step *= Math.max(1, shape[i]);
    }
    return strides;
  }

  /** The shape that {@code a} and {@code b} broadcast to. */
  static long[] broadcast(long[] a, long[] b) {
    int rank = Math.max(a.length, b.length);
    long[] result = new long[rank];
    for (int i = 0; i < rank; i++) {
      long left = i < rank - a.length ? 1 : a[i - rank + a.length];
      long right = i < rank - b.length ? 1 : b[i - rank + b.length];
      if (left != right && left != 1 && right != 1) {
        throw new CannotFold(
            "shapes " + Arrays.toString(a) + " and " + Arrays.toString(b) + " do not broadcast");
      }
      result[i] = left == 1 ? right : left;
    }
    return result;
  }

  /** Strides that read a tensor of {@code shape} as if it had the wider shape {@code as}. */
  static long[] broadcastStrides(long[] shape, long[] as) {
    long[] own = strides(shape);
    long[] result = new long[as.length];
    for (int i = 0; i < shape.length; i++) {
      result[as.length - shape.length + i] = shape[i] == 1 ? 0 : own[i];
    }
    return result;
  }

  /**
   * For each of the {@code count} elements of {@code shape} in row-major order, the element that
   * lies at {@code offset} plus its indices times {@code strides}.
   */
  static int[] walk(int count, long[] shape, long offset, long[] strides) {
    int[] result = new int[count];
    long[] index = new long[shape.length];
    long at = offset;
    for (int i = 0; i < count; i++) {
      result[i] = (int) at;
      for (int axis = shape.length - 1; axis >= 0; axis--) {
        at += strides[axis];
        if (++index[axis] < shape[axis]) {
          break;
        }
        at -= strides[axis] * shape[axis];
        index[axis] = 0;
      }
    }
    return result;
  }

  /** A tensor whose element i is element {@code from(i)} of {@code source}. */
  static Tensor pick(Tensor source, long[] shape, int count, IntUnaryOperator from) {
    int width = width(source.type());
    ByteBuffer in = source.data();
    ByteBuffer out =
        ByteBuffer.allocate(Math.multiplyExact(count, width)).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      out.put(i * width, in, from.applyAsInt(i) * width, width);
    }
    return Tensor.wrap(source.type(), shape, out);
  }

  /** Bytes of an element. */
  static int width(DataType type) {
    if (type.bits() < 8) {
      throw new CannotFold("elements of " + type + " are not moved");
    }
    return type.bits() / 8;
  }

  /** {@code axis} counted from the first of {@code rank} dimensions. */
  static int axis(long axis, int rank) {
    long counted = axis < 0 ? axis + rank : axis;
    if (counted < 0 || counted >= rank) {
      throw new CannotFold("axis " + axis + " is not one of " + rank);
    }
    return (int) counted;
  }
}
