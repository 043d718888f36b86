package dev.octet.graph;

import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The element types of ONNX tensors, with their numbers in {@code TensorProto.DataType}. */
public enum DataType {
  FLOAT(1, 32),
  UINT8(2, 8),
  INT8(3, 8),
  UINT16(4, 16),
  INT16(5, 16),
  INT32(6, 32),
  INT64(7, 64),
  /** Text of any length: the only type whose elements have no fixed size. */
  STRING(8, 0),
  BOOL(9, 8),
  FLOAT16(10, 16),
  DOUBLE(11, 64),
  UINT32(12, 32),
  UINT64(13, 64),
  COMPLEX64(14, 64),
  COMPLEX128(15, 128),
  BFLOAT16(16, 16),
  FLOAT8E4M3FN(17, 8),
  FLOAT8E4M3FNUZ(18, 8),
  FLOAT8E5M2(19, 8),
  FLOAT8E5M2FNUZ(20, 8),
  /** Two elements a byte, the first in the low four bits. */
  UINT4(21, 4),
  /** Two elements a byte, the first in the low four bits. */
  INT4(22, 4),
  FLOAT4E2M1(23, 4);

  private static final Map<Integer, DataType> BY_CODE =
      Arrays.stream(values()).collect(Collectors.toMap(DataType::code, Function.identity()));

  private final int code;
  private final int bits;

  DataType(int code, int bits) {
    this.code = code;
    this.bits = bits;
  }

  /** The number of this type in ONNX files. */
  public int code() {
    return code;
  }

  /** Bits an element takes in raw data; 0 for {@link #STRING}. */
  public int bits() {
    return bits;
  }

  /** Whether elements are floating point numbers of any width. */
  public boolean isFloat() {
    return switch (this) {
      case FLOAT,
          FLOAT16,
          BFLOAT16,
          DOUBLE,
          FLOAT8E4M3FN,
          FLOAT8E4M3FNUZ,
          FLOAT8E5M2,
          FLOAT8E5M2FNUZ,
          FLOAT4E2M1 ->
          true;
      default -> false;
    };
  }

  /**
   * Bytes that {@code elements} elements take, the last byte padded.
   *
   * @throws ArithmeticException if that does not fit a {@code long}
   */
  public long sizeBytes(long elements) {
    return bits >= 8
        ? Math.multiplyExact(elements, bits / 8)
        : Math.addExact(Math.multiplyExact(elements, bits), 7) / 8;
  }

  /** The type with this number, or null where this version knows none. */
  public static @Nullable DataType ofCode(int code) {
    return BY_CODE.get(code);
  }
}
