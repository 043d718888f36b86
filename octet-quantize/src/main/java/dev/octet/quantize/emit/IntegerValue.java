package dev.octet.quantize.emit;

import dev.octet.core.affine.QuantParams;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import org.jspecify.annotations.Nullable;

/**
 * Integers with their scale and zero point, as a DequantizeLinear reads or a QuantizeLinear makes
 * them.
 *
 * @param integers the integers
 * @param scale a scalar, or one number a channel
 * @param zeroPoint null means zero
 * @param type of the integers; known because it is the zero point's or the constant's
 */
record IntegerValue(Value integers, Value scale, @Nullable Value zeroPoint, DataType type) {

  /** What {@code value} is dequantized from, or null if it does not come from integers. */
  static @Nullable IntegerValue behind(@Nullable Value value) {
    Node producer = value == null ? null : value.producer();
    return producer != null && producer.is("DequantizeLinear")
        ? of(producer, producer.input(0))
        : null;
  }

  /**
   * What {@code value} is quantized to, or null if anyone reads {@code value} but one
   * QuantizeLinear.
   */
  static @Nullable IntegerValue after(Value value) {
    Node reader = value.onlyConsumer();
    return reader != null && reader.is("QuantizeLinear") && reader.input(0) == value
        ? of(reader, reader.output())
        : null;
  }

  private static @Nullable IntegerValue of(Node node, @Nullable Value integers) {
    Value scale = node.input(1);
    Value zeroPoint = node.input(2);
    if (integers == null || scale == null || node.intAttribute("block_size", 0) != 0) {
      return null;
    }
    Tensor known = zeroPoint == null ? integers.constant() : zeroPoint.constant();
    return known == null ? null : new IntegerValue(integers, scale, zeroPoint, known.type());
  }

  /** Whether the integers take 8 bits each, which is what integer operators read. */
  boolean isByte() {
    return type == DataType.INT8 || type == DataType.UINT8;
  }

  /** Whether there is one scale for the whole tensor. */
  boolean perTensor() {
    Tensor tensor = scale.constant();
    return tensor != null && tensor.elementCount() == 1;
  }

  /** Whether equal integers of both stand for equal numbers. */
  boolean sameParameters(IntegerValue other) {
    return type == other.type
        && same(scale, other.scale)
        && (zeroPoint == other.zeroPoint
            || (zeroPoint != null && other.zeroPoint != null && same(zeroPoint, other.zeroPoint)));
  }

  private static boolean same(Value one, Value other) {
    return one == other || (one.constant() != null && one.constant().equals(other.constant()));
  }

  /**
   * The parameters of a tensor with one scale, with the whole range of its type.
   *
   * @throws IllegalStateException if there are more, or they are not constant
   */
  QuantParams params() {
    Tensor scaleTensor = scale.constant();
    Tensor zeroTensor = zeroPoint == null ? null : zeroPoint.constant();
    if (scaleTensor == null || !perTensor()) {
      throw new IllegalStateException("'" + integers.name() + "' has no single constant scale");
    }
    int zero = zeroTensor == null ? 0 : (int) zeroTensor.toLongs()[0];
    boolean signed = type == DataType.INT8;
    return QuantParams.affine(
        scaleTensor.toFloats()[0], zero, signed ? -128 : 0, signed ? 127 : 255);
  }
}
