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
 * <p>Two reductions find the extremes, since the JIT vectorizes no such loop; a Java kernel makes
 * the integers as floats, and a reorder stores them as bytes.
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
    int elements = Math.toIntExact(input.elements());
    Layout row = Layout.rowMajor(DataType.FLOAT, 1, elements);
    Stored low = extreme(to, Primitives.Extreme.LEAST, from, row);
    Stored high = extreme(to, Primitives.Extreme.GREATEST, from, row);
    Stored whole = to.allocate(layout);
    Stored scale = to.allocate(Layout.rowMajor(DataType.FLOAT));
    Stored zero = to.allocate(Layout.rowMajor(DataType.UINT8));
    to.kernel(
        "quantize",
        (reads, writes) -> new Quantizer(elements, reads, writes),
        List.of(from, low, high),
        List.of(whole, scale, zero));
    Stored bytes = to.allocate(layout.withType(DataType.UINT8));
    // As one row, which has a kernel; for the dimensions as they are oneDNN may fall back to a
    // loop.
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

  private static Stored extreme(Compilation to, Primitives.Extreme which, Stored from, Layout row) {
    Stored found = to.allocate(Layout.rowMajor(DataType.FLOAT, 1, 1));
    to.primitive(
        Primitives.extreme(which, row, found.layout()),
        Map.of(Args.SRC, new Stored(from.buffer(), row), Args.DST, found));
    return found;
  }

  private static final class Quantizer implements Runnable {
    private final float[] values;
    private final FloatBuffer from;
    private final FloatBuffer low;
    private final FloatBuffer high;
    private final FloatBuffer whole;
    private final FloatBuffer scale;
    private final ByteBuffer zero;

    Quantizer(int elements, List<ByteBuffer> reads, List<ByteBuffer> writes) {
      this.values = new float[elements];
      this.from = reads.get(0).asFloatBuffer();
      this.low = reads.get(1).asFloatBuffer();
      this.high = reads.get(2).asFloatBuffer();
      this.whole = writes.get(0).asFloatBuffer();
      this.scale = writes.get(1).asFloatBuffer();
      this.zero = writes.get(2);
    }

    @Override
    public void run() {
      from.get(0, values);
      float least = Math.min(0, low.get(0));
      float greatest = Math.max(0, high.get(0));
      if (!Float.isFinite(greatest - least)) {
        // oneDNN does not say what it makes of NaN.
        least = least(values);
        greatest = greatest(values);
      }
      float step = least == greatest ? 1 : (greatest - least) / 255;
      float offset = (float) Math.rint(Math.max(0, Math.min(255, -least / step)));
      quantize(values, step, offset);
      this.whole.put(0, values);
      scale.put(0, step);
      zero.put(0, (byte) (int) offset);
    }

    /** The least of zero and the values that are numbers. */
    private static float least(float[] values) {
      float least = 0;
      for (float value : values) {
        least = value < least ? value : least;
      }
      return least;
    }

    private static float greatest(float[] values) {
      float greatest = 0;
      for (float value : values) {
        greatest = value > greatest ? value : greatest;
      }
      return greatest;
    }

    private static void quantize(float[] values, float step, float offset) {
      for (int i = 0; i < values.length; i++) {
        float rounded = (values[i] / step + ROUND) - ROUND + offset;
        values[i] = Math.max(0, Math.min(255, rounded));
      }
    }
  }
}
