package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Primitives;
import dev.octet.engine.plan.Coded;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Constant weights as signed bytes without zero point, as oneDNN's integer primitives want them.
 *
 * @param base the tensor of the model that they come from
 * @param values signed bytes; {@code base} itself where it is of that form already
 * @param scales one, or one for each output channel
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record IntegerWeights(Tensor base, Tensor values, float[] scales) {

  /**
   * The weights of {@code operand}, or null where they are not constant integers, keep scales along
   * another dimension than {@code axis}, do not fit signed bytes once their zero point is taken
   * off, or are too large for this CPU to add up products with {@code source} exactly.
   */
  static @Nullable IntegerWeights of(Operand operand, int axis, DataType source) {
    IntegerWeights found = of(operand, axis);
    return found != null && found.addsExactly(source) ? found : null;
  }

  private boolean addsExactly(DataType source) {
    if (Primitives.addsExactly(source, -Byte.MIN_VALUE)) {
      return true;
    }
    int largest = 0;
    ByteBuffer data = values.data();
    while (data.hasRemaining()) {
      largest = Math.max(largest, Math.abs(data.get()));
    }
    return Primitives.addsExactly(source, largest);
  }

  private static @Nullable IntegerWeights of(Operand operand, int axis) {
    Operand integers = operand.integers();
    Quantization q = operand.quantization();
    Tensor base = integers == null ? null : integers.constant();
    if (q == null || base == null || !q.isByte() || !(q.isPerTensor() || q.axis() == axis)) {
      return null;
    }
    if (q.isSymmetric() && q.type() == DataType.INT8) {
      return new IntegerWeights(base, base, q.scales());
    }
    ByteBuffer from = base.data();
    byte[] bytes = new byte[from.remaining()];
    long inner = 1;
    for (int i = axis + 1; i < base.rank(); i++) {
      inner *= base.dim(i);
    }
    for (int i = 0; i < bytes.length; i++) {
      int channel = q.isPerTensor() ? 0 : (int) (i / inner % q.scales().length);
      int value = Coded.integer(base, from, i) - q.zeroPoints()[channel];
      if (value != (byte) value) {
        return null;
      }
      bytes[i] = (byte) value;
    }
    Tensor values = Tensor.wrap(DataType.INT8, base.shape(), ByteBuffer.wrap(bytes));
    return new IntegerWeights(base, values, q.scales());
  }

  /** The sum over all weights of each output channel, where those are dimension 0. */
  long[] sumsOfRows() {
    int rows = (int) values.dim(0);
    long[] sums = new long[rows];
    ByteBuffer data = values.data();
    int inner = rows == 0 ? 0 : data.remaining() / rows;
    for (int i = 0; i < rows * inner; i++) {
      sums[i / inner] += data.get(i);
    }
    return sums;
  }

  /** The scale of output channel {@code channel}. */
  float scale(int channel) {
    return scales[scales.length == 1 ? 0 : channel];
  }
}
