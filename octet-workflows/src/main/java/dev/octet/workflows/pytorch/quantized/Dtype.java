package dev.octet.workflows.pytorch.quantized;

import dev.octet.graph.DataType;

/** The types of quantized integers, under PyTorch's names. */
public enum Dtype {
  /** Signed integers of 8 bits. */
  QINT8(DataType.INT8, -128, 127),
  /** Unsigned integers of 8 bits. */
  QUINT8(DataType.UINT8, 0, 255),
  /** Signed integers of 32 bits. */
  QINT32(DataType.INT32, Integer.MIN_VALUE, Integer.MAX_VALUE),
  /** Unsigned integers of 4 bits, two in a byte, the first in its lower half. */
  QUINT4X2(DataType.UINT4, 0, 15),
  /**
   * Unsigned integers of 2 bits; a quantized tensor holds them in bytes, a table four in a byte.
   */
  QUINT2X4(DataType.UINT8, 0, 3);

  private final DataType type;
  private final int qmin;
  private final int qmax;

  Dtype(DataType type, int qmin, int qmax) {
    this.type = type;
    this.qmin = qmin;
    this.qmax = qmax;
  }

  /** How a graph calls it. */
  public DataType dataType() {
    return type;
  }

  /** The smallest integer. */
  public int qmin() {
    return qmin;
  }

  /** The largest integer. */
  public int qmax() {
    return qmax;
  }
}
