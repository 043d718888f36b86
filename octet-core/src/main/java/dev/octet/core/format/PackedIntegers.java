package dev.octet.core.format;

/** Integers of 2 or 4 bits, several in a byte, the first in its lowest bits (ONNX's order). */
final class PackedIntegers {
  private PackedIntegers() {}

  static byte[] pack(int[] codes, int bits) {
    int perByte = 8 / bits;
    byte[] packed = new byte[codes.length / perByte + (codes.length % perByte == 0 ? 0 : 1)];
    int lowest = -(1 << (bits - 1));
    int highest = (1 << bits) - 1;
    for (int i = 0; i < codes.length; i++) {
      int code = codes[i];
      if (code < lowest || code > highest) {
        throw new IllegalArgumentException(
            "code %d at index %d does not fit %d bits; choose %d to %d"
                .formatted(code, i, bits, lowest, highest));
      }
      packed[i / perByte] |= (byte) ((code & highest) << (bits * (i % perByte)));
    }
    return packed;
  }

  static int[] unpack(byte[] packed, int count, int bits, boolean signed) {
    int perByte = 8 / bits;
    if (count < 0 || count > (long) packed.length * perByte) {
      throw new IllegalArgumentException(
          "%d bytes hold %d integers of %d bits, not %d"
              .formatted(packed.length, (long) packed.length * perByte, bits, count));
    }
    int[] codes = new int[count];
    int unused = Integer.SIZE - bits;
    for (int i = 0; i < count; i++) {
      int raised = packed[i / perByte] >> (bits * (i % perByte)) << unused;
      codes[i] = signed ? raised >> unused : raised >>> unused;
    }
    return codes;
  }
}
