package dev.octet.engine.lower;

import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import java.nio.ByteBuffer;

/**
 * How the elements of one type are read and written in little-endian memory: as whole numbers or as
 * reals. Whole numbers that do not fit are cut to their low bits, as C does; reals are rounded to
 * nearest.
 */
enum Elements {
  FLOAT(reals(4, (from, i) -> from.getFloat(i << 2), (to, i, x) -> to.putFloat(i << 2, (float) x))),
  DOUBLE(reals(8, (from, i) -> from.getDouble(i << 3), (to, i, x) -> to.putDouble(i << 3, x))),
  FLOAT16(
      reals(
          2,
          (from, i) -> Halves.toReal(from.getShort(i << 1)),
          (to, i, x) -> to.putShort(i << 1, Halves.ofReal(x)))),
  BFLOAT16(
      reals(
          2,
          (from, i) -> Float.intBitsToFloat(from.getShort(i << 1) << 16),
          (to, i, x) -> to.putShort(i << 1, Halves.brief((float) x)))),
  INT8(wholes(1, ByteBuffer::get, (to, i, n) -> to.put(i, (byte) n))),
  UINT8(wholes(1, (from, i) -> from.get(i) & 0xFF, (to, i, n) -> to.put(i, (byte) n))),
  BOOL(
      wholes(
          1,
          (from, i) -> from.get(i) == 0 ? 0 : 1,
          (to, i, n) -> to.put(i, (byte) (n == 0 ? 0 : 1)))),
  INT16(
      wholes(2, (from, i) -> from.getShort(i << 1), (to, i, n) -> to.putShort(i << 1, (short) n))),
  UINT16(
      wholes(
          2,
          (from, i) -> from.getShort(i << 1) & 0xFFFF,
          (to, i, n) -> to.putShort(i << 1, (short) n))),
  INT32(wholes(4, (from, i) -> from.getInt(i << 2), (to, i, n) -> to.putInt(i << 2, (int) n))),
  UINT32(
      wholes(
          4,
          (from, i) -> from.getInt(i << 2) & 0xFFFF_FFFFL,
          (to, i, n) -> to.putInt(i << 2, (int) n))),
  INT64(wholes(8, (from, i) -> from.getLong(i << 3), (to, i, n) -> to.putLong(i << 3, n))),
  /** Numbers from 2^63 on are read as negative ones. */
  UINT64(INT64.access);

  private interface RealReader {
    double read(ByteBuffer from, int index);
  }

  private interface RealWriter {
    void write(ByteBuffer to, int index, double value);
  }

  private interface WholeReader {
    long read(ByteBuffer from, int index);
  }

  private interface WholeWriter {
    void write(ByteBuffer to, int index, long value);
  }

  /** Reals are cut towards zero where whole numbers are wanted. */
  private record Access(
      int width,
      boolean isFloat,
      RealReader real,
      RealWriter putReal,
      WholeReader whole,
      WholeWriter putWhole) {}

  @SuppressWarnings("ImmutableEnumChecker") // its functions hold no state
  private final Access access;

  Elements(Access access) {
    this.access = access;
  }

  private static Access reals(int width, RealReader reader, RealWriter writer) {
    return new Access(
        width,
        true,
        reader,
        writer,
        (from, i) -> (long) reader.read(from, i),
        (to, i, n) -> writer.write(to, i, (double) n));
  }

  private static Access wholes(int width, WholeReader reader, WholeWriter writer) {
    return new Access(
        width,
        false,
        (from, i) -> (double) reader.read(from, i),
        (to, i, x) -> writer.write(to, i, (long) x),
        reader,
        writer);
  }

  /**
   * The elements of {@code type}.
   *
   * @throws UnsupportedNodeException naming {@code node} if there is no code for them
   */
  static Elements of(DataType type, Node node) {
    return switch (type) {
      case FLOAT -> FLOAT;
      case DOUBLE -> DOUBLE;
      case FLOAT16 -> FLOAT16;
      case BFLOAT16 -> BFLOAT16;
      case INT8 -> INT8;
      case UINT8 -> UINT8;
      case BOOL -> BOOL;
      case INT16 -> INT16;
      case UINT16 -> UINT16;
      case INT32 -> INT32;
      case UINT32 -> UINT32;
      case INT64 -> INT64;
      case UINT64 -> UINT64;
      default ->
          throw new UnsupportedNodeException(node, "there is no code for elements of " + type);
    };
  }

  /** Bytes that an element takes. */
  int width() {
    return access.width;
  }

  /** Whether the elements are floating-point numbers. */
  boolean isFloat() {
    return access.isFloat;
  }

  /** Element {@code index} as a whole number; a real is cut towards zero. */
  long whole(ByteBuffer from, int index) {
    return access.whole.read(from, index);
  }

  /** Element {@code index} as a real number. */
  double real(ByteBuffer from, int index) {
    return access.real.read(from, index);
  }

  /** Writes a whole number. */
  void put(ByteBuffer to, int index, long value) {
    access.putWhole.write(to, index, value);
  }

  /** Writes a real number; into whole numbers it is cut towards zero, and is true if not 0. */
  void put(ByteBuffer to, int index, double value) {
    if (this == BOOL) {
      put(to, index, value == 0 ? 0L : 1L);
    } else {
      access.putReal.write(to, index, value);
    }
  }
}
