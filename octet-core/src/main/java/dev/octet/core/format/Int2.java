package dev.octet.core.format;

/**
 * ONNX's int2 and uint2: four in a byte, the first in its lowest bits; bits that the last byte has
 * to spare are 0.
 */
public final class Int2 {
  private Int2() {}

  /**
   * The bytes of {@code codes}, each of -2 to 1 (int2) or 0 to 3 (uint2).
   *
   * @throws IllegalArgumentException if a code is neither
   */
  public static byte[] pack(int[] codes) {
    return PackedIntegers.pack(codes, 2);
  }

  /**
   * The first {@code count} integers in {@code packed}.
   *
   * @param signed whether they are int2 and not uint2
   * @throws IllegalArgumentException if there are fewer
   */
  public static int[] unpack(byte[] packed, int count, boolean signed) {
    return PackedIntegers.unpack(packed, count, 2, signed);
  }
}
