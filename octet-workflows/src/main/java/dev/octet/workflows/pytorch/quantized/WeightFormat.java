package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.format.Int2;
import dev.octet.core.format.Int4;

/** How the weights of a dynamic or embedding layer are stored. */
public enum WeightFormat {
  /** Signed integers of 8 bits; activations become unsigned integers of 8 bits in each call. */
  INT8,
  /** Floats of 16 bits; it is computed in floats of 32. */
  FLOAT16,
  /** Unsigned integers of 8 bits, embeddings only: each row has its scale and a real zero point. */
  UINT8,
  /** The same of 4 bits, two in a byte. */
  UINT4,
  /** The same of 2 bits, four in a byte; EmbeddingBag only. */
  UINT2;

  /** Whether tables of embeddings are stored so. */
  boolean isOfTables() {
    return this == UINT8 || this == UINT4 || this == UINT2;
  }

  /** How many integers of a table are in a byte. */
  int perByte() {
    return this == UINT2 ? 4 : this == UINT4 ? 2 : 1;
  }

  /** The largest integer of a table's row. */
  int highest() {
    return (1 << (8 / perByte())) - 1;
  }

  /** Integers of a table as bytes, the first in the lowest bits. */
  byte[] pack(int[] codes) {
    if (this != UINT8) {
      return this == UINT4 ? Int4.pack(codes) : Int2.pack(codes);
    }
    byte[] bytes = new byte[codes.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) codes[i];
    }
    return bytes;
  }

  /** The integers of {@link #pack}, as many as the bytes hold. */
  int[] unpack(byte[] bytes) {
    if (this != UINT8) {
      int count = bytes.length * perByte();
      return this == UINT4 ? Int4.unpack(bytes, count, false) : Int2.unpack(bytes, count, false);
    }
    int[] codes = new int[bytes.length];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = bytes[i] & 0xFF;
    }
    return codes;
  }

  /** The format of tables whose largest integer is given. */
  static WeightFormat ofTable(int highest) {
    return highest == UINT2.highest() ? UINT2 : highest == UINT4.highest() ? UINT4 : UINT8;
  }
}
