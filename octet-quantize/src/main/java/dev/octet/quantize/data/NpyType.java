package dev.octet.quantize.data;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.function.BiFunction;

/** A number type of NumPy's, and how its bytes become elements of ours. */
final class NpyType {

  private final Kind kind;
  private final ByteOrder order;

  private NpyType(Kind kind, ByteOrder order) {
    this.kind = kind;
    this.order = order;
  }

  int bytes() {
    return kind.bytes;
  }

  ElementType elementType() {
    return kind.type;
  }

  /** Elements from bytes; their count is {@code bytes.length / bytes()}. */
  HostTensor tensor(byte[] bytes, int[] shape) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(order);
    return HostTensor.ofArray(
        kind.type, shape, kind.decode.apply(buffer, bytes.length / kind.bytes));
  }

  /** The type that a {@code descr} such as {@code <f4} names. */
  static NpyType of(String descr, String where) {
    char first = descr.isEmpty() ? ' ' : descr.charAt(0);
    String name = "<>|=".indexOf(first) >= 0 ? descr.substring(1) : descr;
    for (Kind kind : Kind.values()) {
      if (kind.code.equals(name)) {
        // '=' is the order of the machine that wrote the file: little-endian but on old ones.
        return new NpyType(kind, first == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
      }
    }
    throw new DataException(
        "'"
            + where
            + "' holds elements of type '"
            + descr
            + "'; "
            + (name.startsWith("O")
                ? "these are pickled Python objects, which are never loaded: save numbers"
                : "save float16, float32, float64, int8 to int64, uint8 to uint32 or bool"));
  }

  private enum Kind {
    F2("f2", 2, ElementType.FLOAT32, NpyType::halves),
    F4(
        "f4",
        4,
        ElementType.FLOAT32,
        (in, n) -> {
          float[] to = new float[n];
          in.asFloatBuffer().get(to);
          return to;
        }),
    F8(
        "f8",
        8,
        ElementType.FLOAT64,
        (in, n) -> {
          double[] to = new double[n];
          in.asDoubleBuffer().get(to);
          return to;
        }),
    I8(
        "i8",
        8,
        ElementType.INT64,
        (in, n) -> {
          long[] to = new long[n];
          in.asLongBuffer().get(to);
          return to;
        }),
    I4(
        "i4",
        4,
        ElementType.INT32,
        (in, n) -> {
          int[] to = new int[n];
          in.asIntBuffer().get(to);
          return to;
        }),
    U4(
        "u4",
        4,
        ElementType.INT64,
        (in, n) -> {
          long[] to = new long[n];
          Arrays.setAll(to, i -> Integer.toUnsignedLong(in.getInt(4 * i)));
          return to;
        }),
    I2(
        "i2",
        2,
        ElementType.INT32,
        (in, n) -> {
          int[] to = new int[n];
          Arrays.setAll(to, i -> in.getShort(2 * i));
          return to;
        }),
    U2(
        "u2",
        2,
        ElementType.INT32,
        (in, n) -> {
          int[] to = new int[n];
          Arrays.setAll(to, i -> Short.toUnsignedInt(in.getShort(2 * i)));
          return to;
        }),
    I1("i1", 1, ElementType.INT8, (in, n) -> in.array()),
    U1("u1", 1, ElementType.UINT8, (in, n) -> in.array()),
    B1(
        "b1",
        1,
        ElementType.BOOL,
        (in, n) -> {
          byte[] to = new byte[n];
          for (int i = 0; i < n; i++) {
            to[i] = (byte) (in.get(i) == 0 ? 0 : 1);
          }
          return to;
        });

    final String code;
    final int bytes;
    final ElementType type;

    @SuppressWarnings("ImmutableEnumChecker") // a function without state
    final BiFunction<ByteBuffer, Integer, Object> decode;

    Kind(String code, int bytes, ElementType type, BiFunction<ByteBuffer, Integer, Object> decode) {
      this.code = code;
      this.bytes = bytes;
      this.type = type;
      this.decode = decode;
    }
  }

  private static Object halves(ByteBuffer in, int count) {
    float[] to = new float[count];
    for (int i = 0; i < count; i++) {
      to[i] = half(in.getShort(2 * i));
    }
    return to;
  }

  /** IEEE 754 binary16 to binary32; exact. */
  static float half(short bits) {
    int exponent = (bits >> 10) & 0x1f;
    int fraction = bits & 0x3ff;
    float magnitude;
    if (exponent == 0) {
      magnitude = fraction * 0x1p-24f;
    } else if (exponent == 31) {
      magnitude = fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
    } else {
      magnitude = Float.intBitsToFloat((exponent + (127 - 15)) << 23 | fraction << 13);
    }
    return bits < 0 ? -magnitude : magnitude;
  }
}
