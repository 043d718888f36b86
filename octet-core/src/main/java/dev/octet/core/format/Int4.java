package dev.octet.core.format;

/**
 * ONNX's int4 and uint4: two in a byte, the first in its lowest bits; bits that the last byte has
 * to spare are 0.
 */
public final class Int4 {
  private Int4() {}

  /**
   * The bytes of {@code codes}, each of -8 to 7 (int4) or 0 to 15 (uint4).
   *
   * @throws IllegalArgumentException if a code is neither
   */
  public static byte[] pack(int[] codes) {
    return PackedIntegers.pack(codes, 4);
  }

  /**
   * The first {@code count} integers in {@code packed}.
   *
   * @param signed whether they are int4 and not uint4
   * @throws IllegalArgumentException if there are fewer
   */
  public static int[] unpack(byte[] packed, int count, boolean signed) {
    return PackedIntegers.unpack(packed, count, 4, signed);
  }
}
