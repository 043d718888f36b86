package dev.octet.engine.reference;

import dev.octet.core.format.BFloat16;
import dev.octet.core.format.Float16;
import dev.octet.core.format.Int4;
import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The numbers of a tensor as doubles, row-major. That is exact for every type but 64-bit integers
 * beyond 2^53, which are refused.
 */
final class Array {
  private static final long EXACT = 1L << 53;

  final int[] shape;
  final double[] values;

  Array(int[] shape, double[] values) {
    if (size(shape) != values.length) {
      throw new IllegalArgumentException(
          values.length + " numbers do not fill " + Arrays.toString(shape));
    }
    this.shape = shape.clone();
    this.values = values;
  }

  /** Zeros. */
  static Array zeros(int... shape) {
    return new Array(shape, new double[size(shape)]);
  }

  static Array of(Tensor tensor) {
    int[] shape = Arrays.stream(tensor.shape()).mapToInt(Math::toIntExact).toArray();
    double[] values = new double[size(shape)];
    ByteBuffer data = tensor.data();
    switch (tensor.type()) {
      case FLOAT -> Arrays.setAll(values, i -> data.getFloat(4 * i));
      case DOUBLE -> Arrays.setAll(values, i -> data.getDouble(8 * i));
      case FLOAT16 -> Arrays.setAll(values, i -> Float16.decode(data.getShort(2 * i)));
      case BFLOAT16 -> Arrays.setAll(values, i -> BFloat16.decode(data.getShort(2 * i)));
      case INT4, UINT4 -> {
        byte[] packed = new byte[data.remaining()];
        data.get(packed);
        int[] codes = Int4.unpack(packed, values.length, tensor.type() == DataType.INT4);
        Arrays.setAll(values, i -> codes[i]);
      }
      default -> {
        long[] whole = tensor.toLongs();
        Arrays.setAll(values, i -> exact(whole[i]));
      }
    }
    return new Array(shape, values);
  }

  private static double exact(long whole) {
    if (Math.abs(whole) > EXACT) {
      throw new IllegalArgumentException(whole + " is beyond 2^53");
    }
    return whole;
  }

  /** A tensor of {@code type}: floats are rounded to it, integers wrap as in two's complement. */
  Tensor to(DataType type) {
    ByteBuffer out =
        ByteBuffer.allocate((int) type.sizeBytes(values.length)).order(ByteOrder.LITTLE_ENDIAN);
    if (type.bits() == 4) {
      out.put(Int4.pack(Arrays.stream(values).mapToInt(v -> (int) v).toArray()));
    } else {
      for (double value : values) {
        put(out, type, value);
      }
    }
    return Tensor.wrap(type, Arrays.stream(shape).asLongStream().toArray(), out.flip());
  }

  private static void put(ByteBuffer out, DataType type, double value) {
    switch (type) {
      case FLOAT -> out.putFloat((float) value);
      case DOUBLE -> out.putDouble(value);
      case FLOAT16 -> out.putShort(Float16.encode((float) value));
      case BFLOAT16 -> out.putShort(BFloat16.encode((float) value));
      case INT64, UINT64 -> out.putLong((long) value);
      case INT32, UINT32 -> out.putInt((int) (long) value);
      case INT16, UINT16 -> out.putShort((short) (long) value);
      case INT8, UINT8 -> out.put((byte) (long) value);
      case BOOL -> out.put((byte) (value == 0 ? 0 : 1));
      default -> throw new IllegalArgumentException("no numbers go into " + type);
    }
  }

  int rank() {
    return shape.length;
  }

  /** The only number. */
  double scalar() {
    if (values.length != 1) {
      throw new IllegalArgumentException("one number is wanted, not " + Arrays.toString(shape));
    }
    return values[0];
  }

  /** {@code axis} counted from the first dimension. */
  int axis(long axis) {
    return axis(axis, shape.length);
  }

  static int axis(long axis, int rank) {
    long counted = axis < 0 ? axis + rank : axis;
    if (counted < 0 || counted >= rank) {
      throw new IllegalArgumentException("axis " + axis + " is not one of " + rank);
    }
    return (int) counted;
  }

  /** The product of all dimensions from {@code from} to before {@code to}. */
  int product(int from, int to) {
    return size(Arrays.copyOfRange(shape, from, to));
  }

  static int size(int[] shape) {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  /** Row-major strides. */
  static int[] strides(int[] shape) {
    int[] strides = new int[shape.length];
    int step = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = step;
      step *= shape[i];
    }
    return strides;
  }

  /** The coordinates of element {@code index} of {@code shape}. */
  static int[] coordinates(int index, int[] shape) {
    int[] at = new int[shape.length];
    int rest = index;
    for (int i = shape.length - 1; i >= 0; i--) {
      at[i] = rest % shape[i];
      rest /= shape[i];
    }
    return at;
  }

  /** The element at the last coordinates of {@code at}; a dimension of 1 is read at every one. */
  int index(int[] at) {
    int index = 0;
    for (int i = 0; i < shape.length; i++) {
      int coordinate = shape[i] == 1 ? 0 : at[at.length - shape.length + i];
      index = index * shape[i] + coordinate;
    }
    return index;
  }

  /** As read by an array of the wider shape {@code as}. */
  Array broadcast(int[] as) {
    double[] wide = new double[size(as)];
    Arrays.setAll(wide, i -> values[index(coordinates(i, as))]);
    return new Array(as, wide);
  }

  /** The shape that both broadcast to. */
  static int[] broadcast(int[] a, int[] b) {
    int rank = Math.max(a.length, b.length);
    int[] result = new int[rank];
    for (int i = 0; i < rank; i++) {
      int left = i < rank - a.length ? 1 : a[i - rank + a.length];
      int right = i < rank - b.length ? 1 : b[i - rank + b.length];
      if (left != right && left != 1 && right != 1) {
        throw new IllegalArgumentException(
            Arrays.toString(a) + " and " + Arrays.toString(b) + " do not broadcast");
      }
      result[i] = left == 1 ? right : left;
    }
    return result;
  }

  /** The axes in the order {@code order}. */
  Array transpose(int... order) {
    int[] turned = Arrays.stream(order).map(axis -> shape[axis]).toArray();
    int[] own = strides(shape);
    double[] moved = new double[values.length];
    for (int i = 0; i < moved.length; i++) {
      int[] at = coordinates(i, turned);
      int from = 0;
      for (int axis = 0; axis < order.length; axis++) {
        from += at[axis] * own[order[axis]];
      }
      moved[i] = values[from];
    }
    return new Array(turned, moved);
  }

  Array reshape(int... newShape) {
    return new Array(newShape, values);
  }
}
