package dev.octet.core.format;

/** stand-in */
public final class Int4 {
  private Int4() {}

  public static byte[] pack(int[] codes) {
    byte[] bytes = new byte[(codes.length + 1) / 2];
    for (int i = 0; i < codes.length; i++) {
      bytes[i / 2] |= (byte) ((codes[i] & 15) << (4 * (i % 2)));
    }
    return bytes;
  }

  public static int[] unpack(byte[] packed, int count, boolean signed) {
    int[] codes = new int[count];
    for (int i = 0; i < count; i++) {
      int code = packed[i / 2] >> (4 * (i % 2)) & 15;
      codes[i] = signed && code > 7 ? code - 16 : code;
    }
    return codes;
  }
}
