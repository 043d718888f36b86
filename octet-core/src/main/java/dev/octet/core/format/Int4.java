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
}
