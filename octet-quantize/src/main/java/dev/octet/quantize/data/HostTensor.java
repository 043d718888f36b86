package dev.octet.quantize.data;

import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A dense tensor in Java's memory: an element type, a shape, and the elements in row-major order.
 *
 * <p>Immutable, so long as the array given to a factory is not changed afterwards: factories take
 * the array over without copying it. Accessors that return an array return a copy; buffers are
 * read-only views. A shape may hold zeros (no elements) and may be empty (a scalar). Two tensors
 * are equal when type, shape and elements are; NaN equals NaN and -0.0 differs from 0.0.
 */
public final class HostTensor {

  private final ElementType type;
  private final int[] shape;
  private final Object elements; // a float[], double[], long[], int[] or byte[], as type says

  private HostTensor(ElementType type, int[] shape, Object elements, int length) {
    this.type = type;
    this.shape = shape.clone();
    this.elements = elements;
    if (countOf(this.shape) != length) {
      throw new IllegalArgumentException(
          "shape "
              + Arrays.toString(shape)
              + " wants "
              + countOf(this.shape)
              + " elements, the array has "
              + length);
    }
  }

  /** A float32 tensor over {@code data}, which it takes over. */
  public static HostTensor ofFloats(int[] shape, float[] data) {
    return new HostTensor(ElementType.FLOAT32, shape, data, data.length);
  }

  /** A float64 tensor over {@code data}, which it takes over. */
  public static HostTensor ofDoubles(int[] shape, double[] data) {
    return new HostTensor(ElementType.FLOAT64, shape, data, data.length);
  }

  /** An int64 tensor over {@code data}, which it takes over. */
  public static HostTensor ofLongs(int[] shape, long[] data) {
    return new HostTensor(ElementType.INT64, shape, data, data.length);
  }

  /** An int32 tensor over {@code data}, which it takes over. */
  public static HostTensor ofInts(int[] shape, int[] data) {
    return new HostTensor(ElementType.INT32, shape, data, data.length);
  }

  /** An int8, uint8 or bool tensor over {@code data}, which it takes over. */
  public static HostTensor ofBytes(ElementType type, int[] shape, byte[] data) {
    if (type.bytes() != 1) {
      throw new IllegalArgumentException("type is " + type + "; bytes hold int8, uint8 or bool");
    }
    return new HostTensor(type, shape, data, data.length);
  }

  /** A tensor of zeros. */
  public static HostTensor zeros(ElementType type, int[] shape) {
    return ofArray(type, shape, newArray(type, Math.toIntExact(countOf(shape))));
  }

  /**
   * The tensors one after the other along their first axis.
   *
   * @throws IllegalArgumentException if there are none, or they differ in type or in an axis other
   *     than the first
   */
  public static HostTensor concat(List<HostTensor> parts) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("no tensors to concatenate; give one or more");
    }
    HostTensor first = parts.get(0);
    int[] shape = first.shape.clone();
    long count = 0;
    shape[0] = 0;
    for (HostTensor part : parts) {
      if (!first.stacksWith(part)) {
        throw new IllegalArgumentException(first + " and " + part + " do not stack");
      }
      shape[0] = Math.addExact(shape[0], part.shape[0]);
      count += part.elementCount();
    }
    Object joined = newArray(first.type, Math.toIntExact(count));
    int at = 0;
    for (HostTensor part : parts) {
      int length = Math.toIntExact(part.elementCount());
      System.arraycopy(part.elements, 0, joined, at, length);
      at += length;
    }
    return ofArray(first.type, shape, joined);
  }

  /** The element type. */
  public ElementType type() {
    return type;
  }

  /** The shape: one size for each axis; a copy. */
  public int[] shape() {
    return shape.clone();
  }

  /** The number of axes. */
  public int rank() {
    return shape.length;
  }

  /** The number of elements: the product of the shape, 1 for a scalar. */
  public long elementCount() {
    return countOf(shape);
  }

  /** The elements of a float32 tensor; a copy. */
  public float[] floats() {
    return ((float[]) checked(ElementType.FLOAT32)).clone();
  }

  /** The elements of a float32 tensor; a read-only view. */
  public FloatBuffer floatBuffer() {
    return FloatBuffer.wrap((float[]) checked(ElementType.FLOAT32)).asReadOnlyBuffer();
  }

  /** The elements of a float64 tensor; a copy. */
  public double[] doubles() {
    return ((double[]) checked(ElementType.FLOAT64)).clone();
  }

  /** The elements of an int64 tensor; a copy. */
  public long[] longs() {
    return ((long[]) checked(ElementType.INT64)).clone();
  }

  /** The elements of an int64 tensor; a read-only view. */
  public LongBuffer longBuffer() {
    return LongBuffer.wrap((long[]) checked(ElementType.INT64)).asReadOnlyBuffer();
  }

  /** The elements of an int32 tensor; a copy. */
  public int[] ints() {
    return ((int[]) checked(ElementType.INT32)).clone();
  }

  /** The elements of an int8, uint8 or bool tensor; a read-only view. */
  public ByteBuffer byteBuffer() {
    if (!(elements instanceof byte[] bytes)) {
      throw new IllegalStateException("tensor is " + this + "; convert it with 'to' first");
    }
    return ByteBuffer.wrap(bytes).asReadOnlyBuffer();
  }

  /** The elements as float32, whatever their type; wide ones are rounded to the nearest. */
  public float[] toFloats() {
    return to(ElementType.FLOAT32).floats();
  }

  /**
   * This tensor with another element type. Integers become the nearest floating-point number;
   * floating-point numbers become integers only when they are whole.
   *
   * @throws DataException if a value does not fit {@code target}
   */
  public HostTensor to(ElementType target) {
    return target == type
        ? this
        : ofArray(target, shape, Conversion.convert(elements, type, target));
  }

  /**
   * The same elements under another shape.
   *
   * @throws IllegalArgumentException if the new shape has another number of elements
   */
  public HostTensor reshape(int... newShape) {
    return ofArray(type, newShape, elements);
  }

  /**
   * The part of this tensor at {@code index} of its first axis, which keeps that axis with size 1:
   * one sample of a batch.
   */
  public HostTensor row(int index) {
    if (shape.length == 0) {
      throw new IllegalStateException("a scalar has no rows");
    }
    Objects.checkIndex(index, shape[0]);
    int[] rowShape = shape.clone();
    rowShape[0] = 1;
    int length = Math.toIntExact(countOf(rowShape));
    Object row = newArray(type, length);
    System.arraycopy(elements, index * length, row, 0, length);
    return ofArray(type, rowShape, row);
  }

  /** Whether {@link #concat} takes this and {@code other} together. */
  boolean stacksWith(HostTensor other) {
    return type == other.type
        && shape.length > 0
        && shape.length == other.shape.length
        && Arrays.equals(shape, 1, shape.length, other.shape, 1, shape.length);
  }

  static HostTensor ofArray(ElementType type, int[] shape, Object elements) {
    return new HostTensor(type, shape, elements, Array.getLength(elements));
  }

  static Object newArray(ElementType type, int length) {
    return switch (type) {
      case FLOAT32 -> new float[length];
      case FLOAT64 -> new double[length];
      case INT64 -> new long[length];
      case INT32 -> new int[length];
      case INT8, UINT8, BOOL -> new byte[length];
    };
  }

  private static long countOf(int[] shape) {
    long count = 1;
    for (int size : shape) {
      if (size < 0) {
        throw new IllegalArgumentException(
            "shape " + Arrays.toString(shape) + " has a negative size");
      }
      count = Math.multiplyExact(count, size);
    }
    return count;
  }

  private Object checked(ElementType wanted) {
    if (type != wanted) {
      throw new IllegalStateException(
          "tensor is " + this + ", not " + wanted + "; convert it with 'to' first");
    }
    return elements;
  }

  @Override
  public boolean equals(@Nullable Object o) {
    return o instanceof HostTensor other
        && type == other.type
        && Arrays.equals(shape, other.shape)
        && Arrays.deepEquals(new Object[] {elements}, new Object[] {other.elements});
  }

  @Override
  public int hashCode() {
    return Arrays.deepHashCode(new Object[] {type, shape, elements});
  }

  /** Type and shape, such as {@code float32 [1, 3, 32, 32]}. */
  @Override
  public String toString() {
    return type + " " + Arrays.toString(shape);
  }
}
