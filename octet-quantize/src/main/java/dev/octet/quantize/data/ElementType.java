package dev.octet.quantize.data;

import java.util.Locale;

/** The kinds of elements that a model's inputs and outputs hold. */
public enum ElementType {
  /** IEEE 754 binary32. */
  FLOAT32(4, 0, 0),
  /** IEEE 754 binary64. */
  FLOAT64(8, 0, 0),
  /** Signed 64-bit integers. */
  INT64(8, Long.MIN_VALUE, Long.MAX_VALUE),
  /** Signed 32-bit integers. */
  INT32(4, Integer.MIN_VALUE, Integer.MAX_VALUE),
  /** Signed bytes. */
  INT8(1, Byte.MIN_VALUE, Byte.MAX_VALUE),
  /** Unsigned bytes, held in Java bytes of the same bits. */
  UINT8(1, 0, 255),
  /** Truth values: one byte each, 0 or 1. */
  BOOL(1, 0, 1);

  private final int bytes;
  private final long min;
  private final long max;

  ElementType(int bytes, long min, long max) {
    this.bytes = bytes;
    this.min = min;
    this.max = max;
  }

  /** The size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Whether elements are floating-point numbers. */
  public boolean isFloat() {
    return this == FLOAT32 || this == FLOAT64;
  }

  /** Whether an integer type can hold {@code value}; false for floating-point types. */
  boolean holds(long value) {
    return !isFloat() && value >= min && value <= max;
  }

  /** The lower-case name that ONNX and NumPy share, such as {@code float32}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
