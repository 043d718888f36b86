package dev.octet.graph.onnx;

import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.ModelException;
import dev.octet.graph.Node;
import java.util.Map;

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

  /** ONNX's own operator set, where it is imported, must be of a version that is supported. */
  static void checkOwnOpset(Map<String, Long> opsets) {
    Long own = opsets.get("");
    if (own != null) {
      checkOpset(own);
    }
  }

  /** Every operator's domain must be imported. */
  static void checkImports(Map<String, Long> opsets, Graph graph) {
    for (Node node : graph.nodes()) {
      if (!opsets.containsKey(node.domain())) {
        throw new ModelException(
            "node '"
                + Texts.shown(node.label())
                + "' is of domain '"
                + Texts.shown(node.domain())
                + "', of which the model imports no operator set (opset_import)");
      }
      node.nestedGraphs().forEach(nested -> checkImports(opsets, nested));
    }
  }

  /** The first format that has element type {@code type}. */
  static long irOf(DataType type) {
    return switch (type) {
      case FLOAT4E2M1 -> 11;
      case INT4, UINT4 -> 10;
      case FLOAT8E4M3FN, FLOAT8E4M3FNUZ, FLOAT8E5M2, FLOAT8E5M2FNUZ -> 9;
      default -> OLDEST_IR;
    };
  }

  private static void checkOpset(long version) {
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
