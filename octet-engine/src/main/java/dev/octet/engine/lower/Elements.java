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
  FLOAT(4) {
    @Override
    double real(ByteBuffer from, int index) {
      return from.getFloat(index << 2);
    }

    @Override
    void put(ByteBuffer to, int index, double value) {
      to.putFloat(index << 2, (float) value);
    }
  },
  DOUBLE(8) {
    @Override
    double real(ByteBuffer from, int index) {
      return from.getDouble(index << 3);
    }

    @Override
    void put(ByteBuffer to, int index, double value) {
      to.putDouble(index << 3, value);
    }
  },
  FLOAT16(2) {
    @Override
    double real(ByteBuffer from, int index) {
      return Halves.toReal(from.getShort(index << 1));
    }

    @Override
    void put(ByteBuffer to, int index, double value) {
      to.putShort(index << 1, Halves.ofReal(value));
    }
  },
  BFLOAT16(2) {
    @Override
    double real(ByteBuffer from, int index) {
      return Float.intBitsToFloat(from.getShort(index << 1) << 16);
    }

    @Override
    void put(ByteBuffer to, int index, double value) {
      to.putShort(index << 1, Halves.brief((float) value));
    }
  },
  INT8(1) {
    @Override
    long whole(ByteBuffer from, int index) {
      return from.get(index);
    }

    @Override
    void put(ByteBuffer to, int index, long value) {
      to.put(index, (byte) value);
    }
  },
  UINT8(1) {
    @Override
    long whole(ByteBuffer from, int index) {
      return from.get(index) & 0xFF;
    }

    @Override
    void put(ByteBuffer to, int index, long value) {
      to.put(index, (byte) value);
    }
  },
  BOOL(1) {
    @Override
    long whole(ByteBuffer from, int index) {
      return from.get(index) == 0 ? 0 : 1;
    }

    @Override
    void put(ByteBuffer to, int index, long value) {
      to.put(index, (byte) (value == 0 ? 0 : 1));
    }

    @Override
    void put(ByteBuffer to, int index, double value) {
      to.put(index, (byte) (value == 0 ? 0 : 1));
    }
  },
  INT16(2) {
    @Override
    long whole(ByteBuffer from, int index) {
      return from.getShort(index << 1);
    }

    @Override
    void put(ByteBuffer to, int index, long value) {
      to.putShort(index << 1, (short) value);
    }
  },
  UINT16(2) {
    @Override
    long whole(ByteBuffer from, int index) {
      return from.getShort(index << 1) & 0xFFFF;
    }

    @Override
    void put(ByteBuffer to, int index, long value) {
      to.putShort(index << 1, (short) value);
    }
  },
  INT32(4) {
    @Override
    long whole(ByteBuffer from, int index) {
      return from.getInt(index << 2);
    }

    @Override
    void put(ByteBuffer to, int index, long value) {
      to.putInt(index << 2, (int) value);
    }
  },
  UINT32(4) {
    @Override
    long whole(ByteBuffer from, int index) {
      return from.getInt(index << 2) & 0xFFFF_FFFFL;
    }

    @Override
    void put(ByteBuffer to, int index, long value) {
      to.putInt(index << 2, (int) value);
    }
  },
  INT64(8) {
    @Override
    long whole(ByteBuffer from, int index) {
      return from.getLong(index << 3);
    }

    @Override
    void put(ByteBuffer to, int index, long value) {
      to.putLong(index << 3, value);
    }
  },
  /** Numbers from 2^63 on are read as negative ones. */
  UINT64(8) {
    @Override
    long whole(ByteBuffer from, int index) {
      return from.getLong(index << 3);
    }

    @Override
    void put(ByteBuffer to, int index, long value) {
      to.putLong(index << 3, value);
    }
  };

  private final int width;

  Elements(int width) {
    this.width = width;
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
    return width;
  }

  /** Whether the elements are floating-point numbers. */
  boolean isFloat() {
    return this == FLOAT || this == DOUBLE || this == FLOAT16 || this == BFLOAT16;
  }

  /** Element {@code index} as a whole number; a real is cut towards zero. */
  long whole(ByteBuffer from, int index) {
    return (long) real(from, index);
  }

  /** Element {@code index} as a real number. */
  double real(ByteBuffer from, int index) {
    return whole(from, index);
  }

  /** Writes a whole number. */
  void put(ByteBuffer to, int index, long value) {
    put(to, index, (double) value);
  }

  /** Writes a real number; into whole numbers it is cut towards zero. */
  void put(ByteBuffer to, int index, double value) {
    put(to, index, (long) value);
  }
}
