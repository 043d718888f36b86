package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.QuantParams;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The parameters that a traced value is quantized with.
 *
 * @param params one scale and zero point
 * @param direct whether the value comes from its integers without an operation between
 */
record Upstream(QuantParams params, boolean direct) {
  /** Operations whose result PyTorch's kernels quantize with the parameters of their input. */
  private static final Set<String> KEEPING =
      Set.of(
          "MaxPool",
          "AveragePool",
          "GlobalAveragePool",
          "GlobalMaxPool",
          "ReduceMean",
          "Relu",
          "Clip",
          "Reshape",
          "Flatten",
          "Squeeze",
          "Unsqueeze",
          "Transpose",
          "Identity",
          "Dropout",
          "Slice",
          "Split",
          "Gather",
          "Tile",
          "Expand",
          "Resize",
          "DepthToSpace",
          "SpaceToDepth");

  /** What is known of a value; null where it is not made of integers of one scale. */
  static @Nullable Upstream of(Value value) {
    Value at = value;
    boolean direct = true;
    float factor = 1;
    while (true) {
      Node node = at.producer();
      if (node == null) {
        return null;
      }
      if (node.is("DequantizeLinear")) {
        QuantParams params = params(node);
        float scale = params == null ? 0 : params.scale(0) * factor;
        return params == null || !(scale >= Float.MIN_NORMAL && Float.isFinite(scale))
            ? null
            : new Upstream(
                QuantParams.affine(scale, params.zeroPoint(0), params.qmin(), params.qmax()),
                direct);
      }
      Float by = node.is("Mul") ? positive(node.input(1)) : null;
      factor *= by == null ? 1 : by;
      Value next = by == null ? next(node) : node.input(0);
      if (next == null) {
        return null;
      }
      at = next;
      direct = false;
    }
  }

  /** A number that a product moves the scale by, as {@code mul_scalar} does; null for no such. */
  private static @Nullable Float positive(@Nullable Value by) {
    Tensor number = by == null ? null : by.constant();
    if (number == null || number.type() != DataType.FLOAT || number.elementCount() != 1) {
      return null;
    }
    float value = number.toFloats()[0];
    return value > 0 && Float.isFinite(value) ? value : null;
  }

  private static @Nullable Value next(Node node) {
    if (KEEPING.contains(node.op())) {
      return node.input(0);
    }
    if (!node.is("Concat")) {
      return null;
    }
    // Parts of one scale stay so.
    QuantParams all = null;
    for (Value part : node.inputs()) {
      Upstream found = part == null ? null : of(part);
      if (found == null || (all != null && !all.equals(found.params()))) {
        return null;
      }
      all = found.params();
    }
    return node.input(0);
  }

  private static @Nullable QuantParams params(Node dequantize) {
    Tensor scale = constant(dequantize, 1);
    Tensor zero = constant(dequantize, 2);
    if (scale == null
        || zero == null
        || scale.elementCount() != 1
        || (zero.type() != DataType.INT8 && zero.type() != DataType.UINT8)) {
      return null;
    }
    Dtype dtype = zero.type() == DataType.INT8 ? Dtype.QINT8 : Dtype.QUINT8;
    return QuantParams.affine(
        scale.toFloats()[0], (int) zero.toLongs()[0], dtype.qmin(), dtype.qmax());
  }

  private static @Nullable Tensor constant(Node node, int index) {
    Value value = node.input(index);
    return value == null ? null : value.constant();
  }
}
