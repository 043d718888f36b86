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
    to.primitive(
        Primitives.reorder(layout, bytes.layout(), new Attributes()),
        Map.of(Args.SRC, whole, Args.DST, bytes));
    List<Stored> made = List.of(bytes, scale, zero);
    for (int i = 0; i < node.outputs().size() && i < made.size(); i++) {
      Value output = node.outputs().get(i);
      if (output != null) {
        to.define(output, made.get(i));
      }
    }
  }

  private static final class Quantizer implements Runnable {
    private static final int LANES = 64;

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
      java.util.Arrays.fill(lowest, 0);
      java.util.Arrays.fill(highest, 0);
      int whole64 = values.length / LANES * LANES;
      float low = 0;
      float high = 0;
      for (int i = whole64; i < values.length; i++) {
        low = Math.min(low, values[i]);
        high = Math.max(high, values[i]);
      }
      extremes(values, whole64, lowest, highest);
      for (int i = 0; i < LANES; i++) {
        low = Math.min(low, lowest[i]);
        high = Math.max(high, highest[i]);
      }
      float step = low == high ? 1 : (high - low) / 255;
      float offset = (float) Math.rint(Math.max(0, Math.min(255, -low / step)));
      quantize(values, step, offset);
      this.whole.put(0, values);
      scale.put(0, step);
      zero.put(0, (byte) (int) offset);
    }

    private static void extremes(float[] values, int count, float[] lowest, float[] highest) {
      for (int i = 0; i < count; i += LANES) {
        for (int j = 0; j < LANES; j++) {
          lowest[j] = Math.min(lowest[j], values[i + j]);
        }
        for (int j = 0; j < LANES; j++) {
          highest[j] = Math.max(highest[j], values[i + j]);
        }
      }
    }

    private static void quantize(float[] values, float step, float offset) {
      for (int i = 0; i < values.length; i++) {
        float rounded = (values[i] / step + ROUND) - ROUND + offset;
        values[i] = Math.max(0, Math.min(255, rounded));
      }
    }
  }
}
