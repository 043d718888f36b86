package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import dev.octet.graph.DataType;
import dev.octet.graph.ModelException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The elements of a tensor that stores them in one of the typed fields instead of {@code raw_data}.
 *
 * <p>Which field serves which type, and that small types travel in {@code int32_data} as their bit
 * patterns, is written in the comments of ONNX's {@code TensorProto}.
 */
final class TypedData {
  private final TensorProto proto;
  private final DataType type;
  private final String where;

  TypedData(TensorProto proto, DataType type, String where) {
    this.proto = proto;
    this.type = type;
    this.where = where;
  }

  /** The {@code count} elements as raw data would hold them. */
  ByteBuffer toRaw(long count) {
    return switch (type) {
      case FLOAT -> floats(count, 1);
      case COMPLEX64 -> floats(count, 2);
      case DOUBLE -> doubles(count, 1);
      case COMPLEX128 -> doubles(count, 2);
      case INT64 -> longs(count);
      case UINT64 -> unsigned(count, Long.BYTES);
      case UINT32 -> unsigned(count, Integer.BYTES);
      case INT32 -> ints(count, Integer.BYTES, Integer.MIN_VALUE, Integer.MAX_VALUE);
      case INT16 -> ints(count, Short.BYTES, Short.MIN_VALUE, Short.MAX_VALUE);
      case INT8 -> ints(count, Byte.BYTES, Byte.MIN_VALUE, Byte.MAX_VALUE);
      case BOOL -> ints(count, Byte.BYTES, 0, 1);
      case UINT8, FLOAT8E4M3FN, FLOAT8E4M3FNUZ, FLOAT8E5M2, FLOAT8E5M2FNUZ ->
          ints(count, Byte.BYTES, 0, 0xFF);
      case UINT16, FLOAT16, BFLOAT16 -> ints(count, Short.BYTES, 0, 0xFFFF);
      // One entry holds a byte of two elements; some writers sign-extend it.
      case UINT4, INT4, FLOAT4E2M1 -> ints(count / 2 + count % 2, Byte.BYTES, -0x80, 0xFF);
      case STRING -> throw new IllegalStateException("text has no raw data");
    };
  }

  private ByteBuffer floats(long count, int parts) {
    checkCount("float_data", proto.getFloatDataCount(), count, parts);
    ByteBuffer raw = allocate(proto.getFloatDataCount(), Float.BYTES);
    for (int i = 0; i < proto.getFloatDataCount(); i++) {
      raw.putFloat(proto.getFloatData(i));
    }
    return raw.flip();
  }

  private ByteBuffer doubles(long count, int parts) {
    checkCount("double_data", proto.getDoubleDataCount(), count, parts);
    ByteBuffer raw = allocate(proto.getDoubleDataCount(), Double.BYTES);
    for (int i = 0; i < proto.getDoubleDataCount(); i++) {
      raw.putDouble(proto.getDoubleData(i));
    }
    return raw.flip();
  }

  private ByteBuffer longs(long count) {
    checkCount("int64_data", proto.getInt64DataCount(), count, 1);
    ByteBuffer raw = allocate(proto.getInt64DataCount(), Long.BYTES);
    for (int i = 0; i < proto.getInt64DataCount(); i++) {
      raw.putLong(proto.getInt64Data(i));
    }
    return raw.flip();
  }

  private ByteBuffer unsigned(long count, int width) {
    checkCount("uint64_data", proto.getUint64DataCount(), count, 1);
    ByteBuffer raw = allocate(proto.getUint64DataCount(), width);
    for (int i = 0; i < proto.getUint64DataCount(); i++) {
      long value = proto.getUint64Data(i);
      if (width == Long.BYTES) {
        raw.putLong(value);
      } else {
        if (value >>> 32 != 0) {
          throw outside(Long.toUnsignedString(value), i, "0 to 4294967295");
        }
        raw.putInt((int) value);
      }
    }
    return raw.flip();
  }

  private ByteBuffer ints(long count, int width, int lowest, int highest) {
    checkCount("int32_data", proto.getInt32DataCount(), count, 1);
    ByteBuffer raw = allocate(proto.getInt32DataCount(), width);
    for (int i = 0; i < proto.getInt32DataCount(); i++) {
      int value = proto.getInt32Data(i);
      if (value < lowest || value > highest) {
        throw outside(Integer.toString(value), i, lowest + " to " + highest);
      }
      switch (width) {
        case Byte.BYTES -> raw.put((byte) value);
        case Short.BYTES -> raw.putShort((short) value);
        default -> raw.putInt(value);
      }
    }
    return raw.flip();
  }

  /** Compares by division, because {@code count} is the file's word and may be huge. */
  private void checkCount(String field, int present, long count, int parts) {
    if (present % parts != 0 || present / parts != count) {
      throw new ModelException(
          where
              + " needs "
              + count
              + " entries"
              + (parts == 1 ? "" : " times " + parts)
              + " in "
              + field
              + " but has "
              + present);
    }
  }

  private ModelException outside(String value, int index, String range) {
    return new ModelException(
        where + " holds " + value + " at index " + index + "; " + type + " takes " + range);
  }

  private static ByteBuffer allocate(int count, int width) {
    return ByteBuffer.allocate(Math.multiplyExact(count, width)).order(ByteOrder.LITTLE_ENDIAN);
  }
}
