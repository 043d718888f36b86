package dev.octet.torch;

import static org.bytedeco.pytorch.global.torch.empty;

import dev.octet.graph.DataType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.LongArrayRef;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** Values into tensors and out again, by copy, and what must hold before native code sees one. */
public final class Tensors {
  private Tensors() {}

  /**
   * A float32 tensor of these values.
   *
   * @param values in row-major order
   * @param shape dimensions, none negative; their product is the number of values
   */
  public static Tensor of(float[] values, long... shape) {
    Tensor made = sized(ScalarType.Float, values.length, shape);
    bytes(made).asFloatBuffer().put(values);
    return made;
  }

  /** A float64 tensor of these values, in row-major order. */
  public static Tensor of(double[] values, long... shape) {
    Tensor made = sized(ScalarType.Double, values.length, shape);
    bytes(made).asDoubleBuffer().put(values);
    return made;
  }

  /** An int64 tensor of these values, in row-major order. */
  public static Tensor of(long[] values, long... shape) {
    Tensor made = sized(ScalarType.Long, values.length, shape);
    bytes(made).asLongBuffer().put(values);
    return made;
  }

  /** A float32 tensor without dimensions. */
  public static Tensor scalar(float value) {
    return of(new float[] {value});
  }

  /** An uninitialised tensor of a type; its memory is whatever was there. */
  public static Tensor uninitialised(ScalarType type, long... shape) {
    for (long dimension : shape) {
      if (dimension < 0) {
        throw new IllegalArgumentException(
            "a dimension of " + Arrays.toString(shape) + " is negative");
      }
    }
    try (Scope scope = Scope.open()) {
      return scope.give(empty(shape, new TensorOptions(type), null));
    }
  }

  /**
   * A weight of a graph as a tensor of the same type.
   *
   * @throws IllegalArgumentException if LibTorch has no such type
   */
  public static Tensor of(dev.octet.graph.Tensor host) {
    Tensor made = uninitialised(scalarType(host.type()), host.shape());
    bytes(made).put(host.data().duplicate());
    return made;
  }

  /** A tensor's values as a weight of a graph, in row-major order, of the same type. */
  public static dev.octet.graph.Tensor toHost(Tensor tensor) {
    check(tensor, "the tensor");
    try (Scope scope = Scope.open()) {
      Tensor dense = tensor.detach().cpu().contiguous();
      ByteBuffer copy =
          ByteBuffer.allocate(Math.toIntExact(dense.nbytes())).order(ByteOrder.LITTLE_ENDIAN);
      copy.put(bytes(dense)).flip();
      return dev.octet.graph.Tensor.wrap(dataType(type(dense)), shape(dense), copy);
    }
  }

  /** A tensor's values as float32, in row-major order, whatever its type. */
  public static float[] toFloats(Tensor tensor) {
    check(tensor, "the tensor");
    try (Scope scope = Scope.open()) {
      Tensor dense = tensor.detach().cpu().to(ScalarType.Float).contiguous();
      float[] values = new float[Math.toIntExact(dense.numel())];
      bytes(dense).asFloatBuffer().get(values);
      return values;
    }
  }

  /** A tensor's values as int64, in row-major order; fractions are cut off. */
  public static long[] toLongs(Tensor tensor) {
    check(tensor, "the tensor");
    try (Scope scope = Scope.open()) {
      Tensor dense = tensor.detach().cpu().to(ScalarType.Long).contiguous();
      long[] values = new long[Math.toIntExact(dense.numel())];
      bytes(dense).asLongBuffer().get(values);
      return values;
    }
  }

  /** The dimensions. */
  public static long[] shape(Tensor tensor) {
    try (Scope scope = Scope.open()) {
      LongArrayRef sizes = tensor.sizes();
      long[] shape = new long[Math.toIntExact(sizes.size())];
      for (int axis = 0; axis < shape.length; axis++) {
        shape[axis] = sizes.get(axis);
      }
      return shape;
    }
  }

  /** The element type. LibTorch's own answer is a copy of the constant that equals no other. */
  public static ScalarType type(Tensor tensor) {
    return tensor.scalar_type().intern();
  }

  /** For messages: type and dimensions, e.g. {@code Float[8, 3, 32, 32]}; says when closed. */
  public static String describe(@Nullable Tensor tensor) {
    if (tensor == null || tensor.isNull()) {
      return "closed";
    }
    return tensor.defined() ? type(tensor) + Arrays.toString(shape(tensor)) : "without content";
  }

  /**
   * Makes sure that native code can be given a tensor.
   *
   * @param what names it in the message
   * @return the tensor
   * @throws IllegalArgumentException if it is null, closed or has no content
   */
  public static Tensor check(@Nullable Tensor tensor, String what) {
    if (tensor == null) {
      throw new IllegalArgumentException(what + " is null");
    }
    if (tensor.isNull()) {
      throw new IllegalArgumentException(
          what + " is closed; it was freed by close() or by the scope that it was made in");
    }
    if (!tensor.defined()) {
      throw new IllegalArgumentException(what + " has no content");
    }
    return tensor;
  }

  /** LibTorch's name of an element type. */
  public static ScalarType scalarType(DataType type) {
    return switch (type) {
      case FLOAT -> ScalarType.Float;
      case DOUBLE -> ScalarType.Double;
      case FLOAT16 -> ScalarType.Half;
      case BFLOAT16 -> ScalarType.BFloat16;
      case INT64 -> ScalarType.Long;
      case INT32 -> ScalarType.Int;
      case INT16 -> ScalarType.Short;
      case INT8 -> ScalarType.Char;
      case UINT8 -> ScalarType.Byte;
      case BOOL -> ScalarType.Bool;
      default -> throw new IllegalArgumentException("LibTorch has no element type for " + type);
    };
  }

  /** A graph's name of an element type. */
  public static DataType dataType(ScalarType type) {
    return switch (type.intern()) {
      case Float -> DataType.FLOAT;
      case Double -> DataType.DOUBLE;
      case Half -> DataType.FLOAT16;
      case BFloat16 -> DataType.BFLOAT16;
      case Long -> DataType.INT64;
      case Int -> DataType.INT32;
      case Short -> DataType.INT16;
      case Char -> DataType.INT8;
      case Byte -> DataType.UINT8;
      case Bool -> DataType.BOOL;
      default -> throw new IllegalArgumentException("a graph has no element type for " + type);
    };
  }

  /**
   * The memory of a dense tensor, shared and writable, little-endian. Valid while the tensor is
   * open: the caller keeps it so.
   *
   * @throws IllegalArgumentException if it is not dense in memory or holds 2 GiB or more
   */
  public static ByteBuffer bytes(Tensor tensor) {
    check(tensor, "the tensor");
    if (!tensor.is_contiguous() && !tensor.is_non_overlapping_and_dense()) {
      throw new IllegalArgumentException(describe(tensor) + " is not dense; copy it first");
    }
    long size = tensor.nbytes();
    if (size > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(describe(tensor) + " does not fit in one buffer");
    }
    if (size == 0) {
      return ByteBuffer.allocate(0).order(ByteOrder.LITTLE_ENDIAN);
    }
    try (Scope scope = Scope.open()) {
      return new BytePointer(tensor.data_ptr())
          .capacity(size)
          .asByteBuffer()
          .order(ByteOrder.LITTLE_ENDIAN);
    }
  }

  private static Tensor sized(ScalarType type, int count, long[] shape) {
    long product = 1;
    for (long dimension : shape) {
      if (dimension < 0) {
        throw new IllegalArgumentException(
            "a dimension of " + Arrays.toString(shape) + " is negative");
      }
      product = Math.multiplyExact(product, dimension);
    }
    if (product != count) {
      throw new IllegalArgumentException(
          count + " values do not fill a tensor of shape " + Arrays.toString(shape));
    }
    return uninitialised(type, shape);
  }
}
