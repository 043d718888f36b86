package dev.octet.quantize.place;

import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import org.jspecify.annotations.Nullable;

/** Facts about constant operands: which axis is the output channel, what is worth storing small. */
public final class Weights {
  /** Below this a table's integers and scales save nothing worth an operator. */
  private static final long SMALLEST_TABLE = 4096;

  private Weights() {}

  static boolean isFloat(Value value) {
    Tensor tensor = value.constant();
    return tensor != null && tensor.type() == DataType.FLOAT;
  }

  /**
   * The axis of the weights of {@code node} that keeps its own scales, its output channels: 0 for
   * Conv, 1 for ConvTranspose ({@code [in, out/groups, ...]}), the one that is not summed over for
   * Gemm and MatMul, the gates' rows for recurrent layers, the rows of a lookup table.
   */
  public static int outputAxis(Node node) {
    return switch (node.op()) {
      case "ConvTranspose", "LSTM", "GRU", "RNN" -> 1;
      case "Gemm" -> node.intAttribute("transB", 0) != 0 ? 0 : 1;
      case "MatMul" -> lastAxis(node.input(1));
      default -> 0;
    };
  }

  /**
   * The axis of the weights of {@code node} that is summed over: what blocks of weights run along.
   * For a convolution these are the input channels of each group.
   */
  public static int inputAxis(Node node) {
    return switch (node.op()) {
      case "ConvTranspose" -> 0;
      case "Gemm" -> node.intAttribute("transB", 0) != 0 ? 1 : 0;
      case "MatMul" -> Math.max(0, lastAxis(node.input(1)) - 1);
      case "LSTM", "GRU", "RNN" -> 2;
      default -> 1;
    };
  }

  static int lastAxis(@Nullable Value value) {
    Tensor tensor = value == null ? null : value.constant();
    return tensor == null ? 0 : Math.max(0, tensor.rank() - 1);
  }

  /** Whether {@code table}, read by the Gather {@code node}, is a float table of rows. */
  static boolean isLookupTable(Node node, Value table) {
    Tensor tensor = table.constant();
    return tensor != null
        && tensor.type() == DataType.FLOAT
        && tensor.rank() == 2
        && tensor.elementCount() >= SMALLEST_TABLE
        && node.intAttribute("axis", 0) == 0;
  }

  /** Whether {@code value} is a float constant large enough to be worth storing in 16 bits. */
  public static boolean isLargeFloat(Value value) {
    return HalfPlacer.isLarge(value);
  }

  /** Whether {@code value} is such a constant and 16-bit floats hold all of its finite values. */
  public static boolean fitFloat16(Value value) {
    Tensor tensor = value.constant();
    return tensor != null && HalfPlacer.isLarge(value) && !HalfPlacer.overflows(tensor);
  }
}
