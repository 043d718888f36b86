package dev.octet.graph.onnx;

import dev.octet.graph.ModelException;

/** Which versions of the format and of ONNX's operators are read and written. */
final class Versions {
  /** The first format with operator set imports. */
  static final long OLDEST_IR = 3;

  /**
   * The format of ONNX 1.18: what it adds over the generated classes survives as unknown fields.
   */
  static final long NEWEST_IR = 11;

  static final long OLDEST_OPSET = 7;

  /** The operator set of ONNX 1.18. */
  static final long NEWEST_OPSET = 23;

  /** From this format on an initializer need not be an input as well. */
  static final long FREE_INITIALIZERS_IR = 4;

  private Versions() {}

  static void checkIr(long version) {
    if (version < OLDEST_IR || version > NEWEST_IR) {
      throw new ModelException(
          "format version (ir_version) is "
              + version
              + "; "
              + OLDEST_IR
              + " to "
              + NEWEST_IR
              + " are supported; "
              + advice(version < OLDEST_IR));
    }
  }

  static void checkOpset(long version) {
    if (version < OLDEST_OPSET || version > NEWEST_OPSET) {
      throw new ModelException(
          "operator set version is "
              + version
              + "; "
              + OLDEST_OPSET
              + " to "
              + NEWEST_OPSET
              + " are supported; "
              + advice(version < OLDEST_OPSET));
    }
  }

  private static String advice(boolean tooOld) {
    return tooOld
        ? "convert the model with onnx.version_converter or export it again"
        : "export the model again with an older operator set";
  }
}
