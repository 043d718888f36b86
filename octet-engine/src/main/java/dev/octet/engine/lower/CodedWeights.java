package dev.octet.engine.lower;

import dev.octet.engine.plan.Coded;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Finds constant weights that are kept in fewer bits than those of a float. */
final class CodedWeights {
  private CodedWeights() {}

  /**
   * What a DequantizeLinear makes of constant integers of 4 bits, or with a scale for each block;
   * null for any other node.
   *
   * @throws UnsupportedNodeException if scales and zero points do not fit the integers
   */
  static @Nullable Coded of(Node node, Compilation to) {
    Tensor codes = node.is("DequantizeLinear") ? to.constant(node, 0) : null;
    long block = node.intAttribute("block_size", 0);
    if (codes == null || !isInteger(codes) || (block == 0 && codes.type().bits() == 8)) {
      return null;
    }
    Tensor scales = to.constant(node, 1);
    Tensor zeros = to.constant(node, 2);
    if (scales == null
        || scales.type() != DataType.FLOAT
        || (node.input(2) != null && zeros == null)) {
      throw new UnsupportedNodeException(node, "its scale and zero point are not constant");
    }
    for (float scale : scales.toFloats()) {
      if (!(scale > 0) || Float.isInfinite(scale)) {
        throw new UnsupportedNodeException(node, "scale " + scale + " is not positive and finite");
      }
    }
    if (zeros != null
        && (zeros.type() != codes.type() || zeros.elementCount() != scales.elementCount())) {
      throw new UnsupportedNodeException(
          node, "its zero points " + zeros + " do not fit its scales " + scales);
    }
    int rank = codes.rank();
    long axis = node.intAttribute("axis", 1);
    axis = axis < 0 ? axis + rank : axis;
    long[] expected;
    if (scales.elementCount() == 1 && block == 0) {
      axis = 0;
      expected = scales.shape();
    } else if (axis < 0 || axis >= rank || block < 0) {
      throw new UnsupportedNodeException(
          node, "axis " + axis + " in blocks of " + block + " does not fit " + codes);
    } else if (block == 0) {
      expected = new long[] {codes.dim((int) axis)};
    } else {
      expected = codes.shape();
      expected[(int) axis] = (expected[(int) axis] + block - 1) / block;
    }
    if (!Arrays.equals(expected, scales.shape())) {
      throw new UnsupportedNodeException(
          node,
          "its scales are "
              + Arrays.toString(scales.shape())
              + " and should be "
              + Arrays.toString(expected));
    }
    boolean zero = zeros == null || isZero(zeros);
    return new Coded(codes, scales, zero ? null : zeros, (int) axis, (int) Math.max(1, block));
  }

  /** The same of weights that the compiler knows as integers with scales of an axis. */
  static @Nullable Coded of(Operand weights) {
    if (weights.coded() != null) {
      return weights.coded();
    }
    Quantization q = weights.quantization();
    Operand integers = weights.integers();
    Tensor codes = integers == null ? null : integers.constant();
    if (q == null || codes == null || !q.isByte()) {
      return null;
    }
    int count = q.scales().length;
    byte[] zeros = new byte[count];
    for (int i = 0; i < count; i++) {
      zeros[i] = (byte) q.zeroPoints()[i];
    }
    return new Coded(
        codes,
        Tensor.ofFloats(q.scales(), count),
        q.isSymmetric() ? null : Tensor.ofRaw(q.type(), zeros, count),
        Math.max(0, q.axis()),
        1);
  }

  private static boolean isInteger(Tensor tensor) {
    return switch (tensor.type()) {
      case INT4, UINT4, INT8, UINT8 -> true;
      default -> false;
    };
  }

  private static boolean isZero(Tensor zeros) {
    for (int i = 0; i < zeros.elementCount(); i++) {
      if (Coded.integer(zeros, zeros.data(), i) != 0) {
        return false;
      }
    }
    return true;
  }
}
