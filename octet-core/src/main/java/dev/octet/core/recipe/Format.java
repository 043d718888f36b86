package dev.octet.core.recipe;

/** How quantization is written into an ONNX model. */
public enum Format {
  /** QuantizeLinear and DequantizeLinear around float operators. */
  QDQ,
  /** Operators on integers, such as QLinearConv. */
  QOPERATOR
}
