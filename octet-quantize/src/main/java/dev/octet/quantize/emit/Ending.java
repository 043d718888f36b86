package dev.octet.quantize.emit;

import dev.octet.core.affine.Affine;
import dev.octet.core.affine.QuantParams;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import org.jspecify.annotations.Nullable;

/**
 * How the float output of a node turns into integers: through a QuantizeLinear, perhaps with a Relu
 * or Clip before it.
 *
 * <p>Rounding to integers never exchanges the order of two numbers, so cutting off commutes with
 * it: the integers of {@code clip(x, a, b)} are those of x, cut off at the integers of a and b.
 * Where those are the ends of the integer range, as with Relu before a zero point of 0, rounding
 * has cut off already.
 *
 * @param quantize the QuantizeLinear
 * @param target what it makes
 * @param activation the Relu or Clip, or null
 * @param lowest the smallest integer that the activation lets through
 * @param highest the largest
 */
record Ending(
    Node quantize, IntegerValue target, @Nullable Node activation, int lowest, int highest) {

  /** The ending of {@code value}, or null if it is needed in float. */
  static @Nullable Ending of(Value value) {
    Node reader = value.onlyConsumer();
    if (reader == null) {
      return null;
    }
    boolean relu = reader.is("Relu");
    if (!relu && !(reader.is("Clip") && reader.input(0) == value)) {
      return of(value, null, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY);
    }
    Float low = relu ? Float.valueOf(0) : limit(reader, 1, Float.NEGATIVE_INFINITY);
    Float high = relu ? Float.POSITIVE_INFINITY : limit(reader, 2, Float.POSITIVE_INFINITY);
    // ONNX Clip with limits in the wrong order gives the upper one; leave such a node alone.
    return low == null || high == null || low > high
        ? null
        : of(reader.output(), reader, low, high);
  }

  private static @Nullable Ending of(
      Value value, @Nullable Node activation, float low, float high) {
    IntegerValue target = IntegerValue.after(value);
    Node quantize = value.onlyConsumer();
    if (target == null || quantize == null || !target.isByte() || !target.perTensor()) {
      return null;
    }
    int[] limits = Affine.quantize(new float[] {low, high}, new int[] {2}, target.params());
    return new Ending(quantize, target, activation, limits[0], limits[1]);
  }

  /** A limit of a Clip, or null if it is computed at run time. */
  private static @Nullable Float limit(Node clip, int input, float otherwise) {
    Value value = clip.input(input);
    if (value == null) {
      return otherwise;
    }
    Tensor tensor = value.constant();
    return tensor == null || tensor.elementCount() != 1 ? null : tensor.toFloats()[0];
  }

  /** Whether rounding to the target's integers cuts off what the activation would. */
  boolean roundingClips() {
    QuantParams params = target.params();
    return lowest == params.qmin() && highest == params.qmax();
  }
}
