package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.FloatQuantParams;

/** How the weights of a dynamic or embedding layer are stored. */
public enum WeightFormat {
  /** Signed integers of 8 bits; activations become unsigned integers of 8 bits in each call. */
  INT8,
  /** Floats of 16 bits; it is computed in floats of 32. */
  FLOAT16,
  /** Unsigned integers of 8 bits, embeddings only: each row has its scale and a real zero point. */
  UINT8,
  /** The same of 4 bits, two in a byte. */
  UINT4;

  /** Whether tables of embeddings are stored so. */
  boolean isOfTables() {
    return this == UINT8 || this == UINT4;
  }

  /** The largest integer of a table's row. */
  int highest() {
    return this == UINT4 ? 15 : 255;
  }

  /** The type that quantized tensors have. */
  static WeightFormat of(FloatQuantParams params) {
    return params.qmax() == 15 ? UINT4 : UINT8;
  }
}
