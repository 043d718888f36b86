package dev.octet.graph;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An immutable dense tensor: a weight or another constant of a model.
 *
 * <p>Elements lie in row-major order as ONNX's {@code raw_data} lays them out: little-endian, types
 * below eight bits packed with the first element in the low bits. Thread-safe.
 */
public final class Tensor {
  private static final int HASHED_BYTES = 256;
  private static final int KEPT_FLOATS = 1 << 14; // of what is computed

  private final DataType type;
  private final long[] shape;
  private final ByteBuffer data;
  private final List<Bytes> strings;
  private final @Nullable Consumer<FloatBuffer> fill;
  private int hash; // 0 while it is not known

  private Tensor(
      DataType type,
      long[] shape,
      ByteBuffer data,
      List<Bytes> strings,
      @Nullable Consumer<FloatBuffer> fill) {
    this.type = type;
    this.shape = shape;
    this.data = data;
    this.strings = strings;
    this.fill = fill;
  }

  /**
   * A tensor over {@code data}, which is kept, not copied, and must not change afterwards.
   *
   * @throws IllegalArgumentException if the remaining bytes are not what type and shape need
   */
  public static Tensor wrap(DataType type, long[] shape, ByteBuffer data) {
    if (type == DataType.STRING) {
      throw new IllegalArgumentException("text has no raw data; use Tensor.ofStrings");
    }
    long[] dims = checked(shape);
    long expected;
    try {
      expected = type.sizeBytes(count(dims));
    } catch (ArithmeticException overflow) {
      throw tooLarge(dims, overflow);
    }
    if (data.remaining() != expected) {
      throw new IllegalArgumentException(
          "tensor of "
              + type
              + Arrays.toString(dims)
              + " needs "
              + expected
              + " bytes, but "
              + data.remaining()
              + " are given");
    }
    return new Tensor(type, dims, data.slice().asReadOnlyBuffer(), List.of(), null);
  }

  /** A tensor of text; each element keeps its bytes, which need not be UTF-8. */
  public static Tensor ofStrings(long[] shape, List<Bytes> elements) {
    long[] dims = checked(shape);
    if (count(dims) != elements.size()) {
      throw new IllegalArgumentException(
          "shape " + Arrays.toString(dims) + " does not hold " + elements.size() + " texts");
    }
    return new Tensor(DataType.STRING, dims, ByteBuffer.allocate(0), List.copyOf(elements), null);
  }

  /** A float tensor that copies {@code values}; no dimensions make a scalar. */
  public static Tensor ofFloats(float[] values, long... shape) {
    ByteBuffer bytes = allocate(values.length, Float.BYTES);
    bytes.asFloatBuffer().put(values);
    return wrap(DataType.FLOAT, shape, bytes);
  }

  /**
   * A float tensor that is computed: a small one at once, a large one whenever its elements are
   * asked for, so that it takes no memory beside what it is computed from. {@link #copyTo} asks
   * without making an array.
   *
   * @param fill writes all elements, from the first to the last; the same ones whenever it is
   *     called, by whatever thread
   * @param shape dimensions of less than 2<sup>29</sup> elements
   */
  public static Tensor computed(Consumer<FloatBuffer> fill, long... shape) {
    long[] dims = checked(shape);
    int count = Math.toIntExact(count(dims));
    if (count > KEPT_FLOATS) {
      Math.multiplyExact(count, Float.BYTES);
      return new Tensor(DataType.FLOAT, dims, ByteBuffer.allocate(0), List.of(), fill);
    }
    return wrap(DataType.FLOAT, dims, filled(fill, count));
  }

  private static ByteBuffer filled(Consumer<FloatBuffer> fill, int count) {
    ByteBuffer bytes = allocate(count, Float.BYTES);
    fill.accept(bytes.asFloatBuffer());
    return bytes;
  }

  /** A 64-bit integer tensor that copies {@code values}; no dimensions make a scalar. */
  public static Tensor ofLongs(long[] values, long... shape) {
    ByteBuffer bytes = allocate(values.length, Long.BYTES);
    bytes.asLongBuffer().put(values);
    return wrap(DataType.INT64, shape, bytes);
  }

  /** A 32-bit integer tensor that copies {@code values}; no dimensions make a scalar. */
  public static Tensor ofInts(int[] values, long... shape) {
    ByteBuffer bytes = allocate(values.length, Integer.BYTES);
    bytes.asIntBuffer().put(values);
    return wrap(DataType.INT32, shape, bytes);
  }

  /** A tensor of type {@code type} that copies its raw bytes {@code raw}. */
  public static Tensor ofRaw(DataType type, byte[] raw, long... shape) {
    return wrap(type, shape, ByteBuffer.wrap(raw.clone()));
  }

  /** The type of the elements. */
  public DataType type() {
    return type;
  }

  /** A copy of the dimensions; empty for a scalar. */
  public long[] shape() {
    return shape.clone();
  }

  /** Number of dimensions; 0 for a scalar. */
  public int rank() {
    return shape.length;
  }

  /** The size of dimension {@code axis}; a negative axis counts from the last. */
  public long dim(int axis) {
    return shape[axis < 0 ? axis + shape.length : axis];
  }

  /** Number of elements; 1 for a scalar. */
  public long elementCount() {
    return count(shape);
  }

  /** Bytes of the elements as stored; for text the sum of the elements' bytes. */
  public long sizeBytes() {
    return type == DataType.STRING
        ? strings.stream().mapToLong(s -> s.toArray().length).sum()
        : type.sizeBytes(elementCount());
  }

  /** The raw elements, little-endian, read-only, positioned at the first; empty for text. */
  public ByteBuffer data() {
    ByteBuffer bytes =
        fill == null ? data.duplicate() : filled(fill, (int) elementCount()).asReadOnlyBuffer();
    return bytes.order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Writes the raw elements to {@code out} from its position on, which moves behind them.
   *
   * @throws java.nio.BufferOverflowException if they do not fit
   */
  public void copyTo(ByteBuffer out) {
    if (fill == null) {
      out.put(data.duplicate());
      return;
    }
    ByteBuffer part = out.slice(out.position(), (int) sizeBytes()).order(ByteOrder.LITTLE_ENDIAN);
    fill.accept(part.asFloatBuffer());
    out.position(out.position() + part.capacity());
  }

  /** The texts; empty for every other type. */
  public List<Bytes> strings() {
    return strings;
  }

  /**
   * A copy of the elements as floats. Takes {@link DataType#FLOAT} and {@link DataType#DOUBLE}
   * (rounded to nearest).
   *
   * @throws IllegalStateException for every other type
   */
  public float[] toFloats() {
    float[] values = new float[Math.toIntExact(elementCount())];
    if (fill != null) {
      fill.accept(FloatBuffer.wrap(values));
    } else if (type == DataType.FLOAT) {
      data().asFloatBuffer().get(values);
    } else if (type == DataType.DOUBLE) {
      var from = data().asDoubleBuffer();
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) from.get(i);
      }
    } else {
      throw new IllegalStateException("tensor holds " + type + "; floats were asked for");
    }
    return values;
  }

  /**
   * A copy of the elements as 64-bit integers. Takes every integer type of 8 to 64 bits and {@link
   * DataType#BOOL}; {@link DataType#UINT64} keeps its bits.
   *
   * @throws IllegalStateException for every other type
   */
  public long[] toLongs() {
    long[] values = new long[Math.toIntExact(elementCount())];
    ByteBuffer from = data();
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (type) {
            case INT64, UINT64 -> from.getLong(8 * i);
            case INT32 -> from.getInt(4 * i);
            case UINT32 -> from.getInt(4 * i) & 0xFFFF_FFFFL;
            case INT16 -> from.getShort(2 * i);
            case UINT16 -> from.getShort(2 * i) & 0xFFFF;
            case INT8 -> from.get(i);
            case UINT8, BOOL -> from.get(i) & 0xFF;
            default ->
                throw new IllegalStateException(
                    "tensor holds " + type + "; integers were asked for");
          };
    }
    return values;
  }

  /** The same elements under another shape of equal element count. */
  public Tensor reshape(long... newShape) {
    if (type == DataType.STRING) {
      return ofStrings(newShape, strings);
    }
    if (fill != null && count(checked(newShape)) == elementCount()) {
      return new Tensor(type, newShape.clone(), data, strings, fill);
    }
    return wrap(type, newShape, data.duplicate());
  }

  /** Equal type, shape and bits of every element. */
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Tensor that
        && that.type == type
        && Arrays.equals(that.shape, shape)
        && (that == this || that.data().equals(data()))
        && that.strings.equals(strings);
  }

  @Override
  public int hashCode() {
    if (hash == 0) {
      // Weights may have hundreds of megabytes: some of them tell most tensors apart.
      int result = 31 * type.hashCode() + Arrays.hashCode(shape);
      ByteBuffer bytes = data();
      int step = bytes.remaining() / HASHED_BYTES | 1; // odd: any byte of an element
      for (int i = bytes.position(); i < bytes.limit(); i += step) {
        result = 31 * result + bytes.get(i);
      }
      hash = result;
    }
    return hash;
  }

  @Override
  public String toString() {
    return type + Arrays.toString(shape);
  }

  private static ByteBuffer allocate(int count, int width) {
    return ByteBuffer.allocate(Math.multiplyExact(count, width)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static long[] checked(long[] shape) {
    long[] dims = shape.clone();
    for (long dim : dims) {
      if (dim < 0) {
        throw new IllegalArgumentException(
            "shape " + Arrays.toString(dims) + " has a negative dimension");
      }
    }
    try {
      count(dims);
    } catch (ArithmeticException overflow) {
      throw tooLarge(dims, overflow);
    }
    return dims;
  }

  private static IllegalArgumentException tooLarge(long[] dims, ArithmeticException cause) {
    return new IllegalArgumentException(
        "shape " + Arrays.toString(dims) + " has more elements than can be counted", cause);
  }

  private static long count(long[] dims) {
    long product = 1;
    boolean empty = false;
    for (long dim : dims) {
      empty |= dim == 0;
      product = Math.multiplyExact(product, Math.max(dim, 1));
    }
    return empty ? 0 : product;
  }
}
