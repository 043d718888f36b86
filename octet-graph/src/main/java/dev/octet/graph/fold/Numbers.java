package dev.octet.graph.fold;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The elements of a tensor as {@code double} (float types) or {@code long} (integers, booleans).
 *
 * <p>A single +, −, ×, ÷ or √ of floats, done in double and rounded to float, gives the bits of
 * float arithmetic: 53 bits are more than twice 24 plus 2 (Figueroa 1995), so that rounding twice
 * does no harm. Integers wrap as in two's complement.
 */
final class Numbers {
  private final DataType type;
  private final ByteBuffer data;

  Numbers(Tensor tensor) {
    this.type = supported(tensor.type());
    this.data = tensor.data();
  }

  /** {@code type}, if there is arithmetic for it. */
  static DataType supported(DataType type) {
    return switch (type) {
      case FLOAT, DOUBLE, INT64, INT32, INT8, UINT8, BOOL -> type;
      default -> throw new CannotFold("there is no arithmetic for " + type);
    };
  }

  boolean isFloat() {
    return type.isFloat();
  }

  double real(int index) {
    return switch (type) {
      case FLOAT -> data.getFloat(4 * index);
      case DOUBLE -> data.getDouble(8 * index);
      default -> whole(index);
    };
  }

  long whole(int index) {
    return switch (type) {
      case INT64 -> data.getLong(8 * index);
      case INT32 -> data.getInt(4 * index);
      case INT8 -> data.get(index);
      case UINT8, BOOL -> data.get(index) & 0xFF;
      default -> throw new CannotFold("integers are wanted, not " + type);
    };
  }

  /** Room for {@code count} elements of {@code type}, to be filled in order. */
  static ByteBuffer allocate(DataType type, int count) {
    return ByteBuffer.allocate(Math.multiplyExact(count, Layout.width(type)))
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Appends a real number, rounded to {@code type}. */
  static void put(ByteBuffer out, DataType type, double value) {
    switch (type) {
      case FLOAT -> out.putFloat((float) value);
      case DOUBLE -> out.putDouble(value);
      default -> throw new CannotFold("a real number does not go into " + type);
    }
  }

  /** Appends the low bits of an integer. */
  static void put(ByteBuffer out, DataType type, long value) {
    switch (type) {
      case FLOAT -> out.putFloat((float) value);
      case DOUBLE -> out.putDouble((double) value);
      case INT64 -> out.putLong(value);
      case INT32 -> out.putInt((int) value);
      case INT8, UINT8 -> out.put((byte) value);
      case BOOL -> out.put((byte) (value == 0 ? 0 : 1));
      default -> throw new CannotFold("an integer does not go into " + type);
    }
  }
}
