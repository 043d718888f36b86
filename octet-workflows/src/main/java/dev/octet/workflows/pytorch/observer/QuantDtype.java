package dev.octet.workflows.pytorch.observer;

import java.util.Locale;

/** PyTorch's types of quantized tensors, and the float types that an observer can stand for. */
public enum QuantDtype {
  /** Unsigned, 8 bits. */
  QUINT8(8, 0, 255),
  /** Signed, 8 bits. */
  QINT8(8, -128, 127),
  /** Signed, 32 bits. */
  QINT32(32, Integer.MIN_VALUE, Integer.MAX_VALUE),
  /** Unsigned, 4 bits, two in a byte. */
  QUINT4X2(4, 0, 15),
  /** Half-precision numbers: no integers. */
  FLOAT16(16, 0, 0),
  /** Numbers left as they are: no integers. */
  FLOAT32(32, 0, 0);

  private final int bits;
  private final int min;
  private final int max;

  QuantDtype(int bits, int min, int max) {
    this.bits = bits;
    this.min = min;
    this.max = max;
  }

  /** The width of one number. */
  public int bits() {
    return bits;
  }

  /** Whether these are integers with a scale. */
  public boolean isInteger() {
    return min < max;
  }

  /** Whether the integers are signed. */
  public boolean isSigned() {
    return min < 0;
  }

  /** The smallest integer; 0 for floats. */
  public int min() {
    return min;
  }

  /** The largest integer; 0 for floats. */
  public int max() {
    return max;
  }

  /** PyTorch's spelling, such as {@code quint8}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
