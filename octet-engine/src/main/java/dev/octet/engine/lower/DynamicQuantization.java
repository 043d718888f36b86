package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Primitives;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;

/**
 * DynamicQuantizeLinear, exactly as ONNX defines it: {@code scale = (max(x, 0) − min(x, 0)) / 255},
 * {@code zero = rint(clip(−min / scale))}, {@code q = clip(rint(x / scale) + zero)}, in single
 * precision, ties to even. Zeros alone get scale 1, as in ONNX Runtime; ONNX does not say.
 *
 * <p>A Java kernel finds the integers as floats, in loops that the JIT vectorizes; a reorder stores
 * them as bytes.
 */
final class DynamicQuantization implements Lowering {
  /** Adding it to a float below 2^22 rounds that to a whole number, ties to even. */
  private static final float ROUND = 0x1.8p23f;

  @Override
  public void lower(Node node, Compilation to) {
    Operand input = to.input(node, 0);
    if (input.type() != DataType.FLOAT) {
      throw new UnsupportedNodeException(node, "it quantizes " + input.type() + ", not FLOAT");
    }
    Stored from = to.stored(input);
    if (from.layout().sizeBytes() != input.elements() * Float.BYTES) {
      from = to.rowMajor(input); // padding of a blocked layout must not count
    }
    Layout layout = from.layout();
    Stored whole = to.allocate(layout);
    Stored scale = to.allocate(Layout.rowMajor(DataType.FLOAT));
    Stored zero = to.allocate(Layout.rowMajor(DataType.UINT8));
    int elements = Math.toIntExact(input.elements());
    to.kernel(
        "quantize",
        (reads, writes) -> new Quantizer(elements, reads.get(0), writes),
        List.of(from),
        List.of(whole, scale, zero));
    Stored bytes = to.allocate(layout.withType(DataType.UINT8));
    // As one row, which has a kernel; for the dimensions as they are oneDNN may fall back to a
    // loop.
    Layout row = Layout.rowMajor(DataType.FLOAT, elements);
    Layout byteRow = row.withType(DataType.UINT8);
    to.primitive(
        Primitives.reorder(row, byteRow, new Attributes()),
        Map.of(
            Args.SRC, new Stored(whole.buffer(), row),
            Args.DST, new Stored(bytes.buffer(), byteRow)));
    List<Stored> made = List.of(bytes, scale, zero);
    for (int i = 0; i < node.outputs().size() && i < made.size(); i++) {
      Value output = node.outputs().get(i);
      if (output != null) {
        to.define(output, made.get(i));
      }
    }
  }

  private static final class Quantizer implements Runnable {
    private static final int LANES = 4;

    private final float[] values;
    private final float[] lowest = new float[LANES];
    private final float[] highest = new float[LANES];
    private final FloatBuffer from;
    private final FloatBuffer whole;
    private final FloatBuffer scale;
    private final ByteBuffer zero;

    Quantizer(int elements, ByteBuffer from, List<ByteBuffer> writes) {
      this.values = new float[elements];
      this.from = from.asFloatBuffer();
      this.whole = writes.get(0).asFloatBuffer();
      this.scale = writes.get(1).asFloatBuffer();
      this.zero = writes.get(2);
    }

    @Override
    public void run() {
      from.get(0, values);
      extremes(values);
      float low = Math.min(Math.min(lowest[0], lowest[1]), Math.min(lowest[2], lowest[3]));
      float high = Math.max(Math.max(highest[0], highest[1]), Math.max(highest[2], highest[3]));
      float step = low == high ? 1 : (high - low) / 255;
      float offset = (float) Math.rint(Math.max(0, Math.min(255, -low / step)));
      quantize(values, step, offset);
      this.whole.put(0, values);
      scale.put(0, step);
      zero.put(0, (byte) (int) offset);
    }

    /**
     * The least and greatest of every fourth value, and zero. Comparisons, whose outcome the
     * processor foresees, are several times faster here than Math.min, which cares for NaN.
     */
    private void extremes(float[] values) {
      float low0 = 0;
      float low1 = 0;
      float low2 = 0;
      float low3 = 0;
      float high0 = 0;
      float high1 = 0;
      float high2 = 0;
      float high3 = 0;
      int fours = values.length / LANES * LANES;
      for (int i = 0; i < fours; i += LANES) {
        float a = values[i];
        float b = values[i + 1];
        float c = values[i + 2];
        float d = values[i + 3];
        low0 = a < low0 ? a : low0;
        high0 = a > high0 ? a : high0;
        low1 = b < low1 ? b : low1;
        high1 = b > high1 ? b : high1;
        low2 = c < low2 ? c : low2;
        high2 = c > high2 ? c : high2;
        low3 = d < low3 ? d : low3;
        high3 = d > high3 ? d : high3;
      }
      for (int i = fours; i < values.length; i++) {
        low0 = values[i] < low0 ? values[i] : low0;
        high0 = values[i] > high0 ? values[i] : high0;
      }
      lowest[0] = low0;
      lowest[1] = low1;
      lowest[2] = low2;
      lowest[3] = low3;
      highest[0] = high0;
      highest[1] = high1;
      highest[2] = high2;
      highest[3] = high3;
    }

    private static void quantize(float[] values, float step, float offset) {
      for (int i = 0; i < values.length; i++) {
        float rounded = (values[i] / step + ROUND) - ROUND + offset;
        values[i] = Math.max(0, Math.min(255, rounded));
      }
    }
  }
}
