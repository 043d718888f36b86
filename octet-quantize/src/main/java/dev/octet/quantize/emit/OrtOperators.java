package dev.octet.quantize.emit;

/** The operator set that ONNX Runtime adds to ONNX's own. */
final class OrtOperators {
  static final String DOMAIN = "com.microsoft";
  static final long VERSION = 1;

  private OrtOperators() {}
}
