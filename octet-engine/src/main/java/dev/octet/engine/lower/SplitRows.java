package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Primitive;
import dev.octet.engine.dnnl.Primitives;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Stored;
import dev.octet.graph.DataType;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The product of a few rows of floats by 8-bit weights with one scale for each column, as a product
 * of integers.
 *
 * <p>Each float of a row becomes a whole number of 22 bits and a sign in a unit of the row's, and
 * that three signed bytes, {@code 65536 h + 256 m + l}. The product of three rows of bytes takes as
 * long as that of one, which is as long as reading the weights, and its sums are exact. What is
 * lost is 2^-22 of a row's largest number, as in sums of floats; a row with NaN or an infinity
 * becomes NaN.
 */
final class SplitRows {
  private static final int DIGITS = 3;
  private static final int BITS = 21;

  /** Beyond, sums of products might not fit in 32 bits. */
  static final int DEEPEST = 1 << 16;

  private final int rows;
  private final int depth;
  private final int width;
  private final float[] scales;
  private final float[] offsets;
  private final float[] bias;

  /**
   * A product of {@code rows} rows.
   *
   * @param scales one for each column
   * @param offsets of each column: what to add for each unit in the sum of a row
   * @param bias one for each column
   */
  SplitRows(int rows, int depth, float[] scales, float[] offsets, float[] bias) {
    this.rows = rows;
    this.depth = depth;
    this.width = scales.length;
    this.scales = scales;
    this.offsets = offsets;
    this.bias = bias;
  }

  /**
   * Emits the product.
   *
   * @param weights gives signed bytes {@code [depth, columns]} in a layout
   */
  void emit(Compilation to, Stored input, Function<Layout, Stored> weights, Stored result) {
    Stored digits = to.allocate(Layout.rowMajor(DataType.INT8, DIGITS * (long) rows, depth));
    Stored units = to.allocate(Layout.rowMajor(DataType.FLOAT, rows, 2));
    Stored sums = to.allocate(Layout.rowMajor(DataType.FLOAT, DIGITS * (long) rows, width));
    Primitive primitive =
        Primitives.matmul(
            digits.layout(),
            Layout.any(DataType.INT8, depth, width),
            null,
            sums.layout(),
            new Attributes());
    Map<Integer, Stored> arguments = new LinkedHashMap<>();
    try {
      arguments.put(Args.WEIGHTS, weights.apply(primitive.layout(Args.WEIGHTS)));
    } catch (RuntimeException failed) {
      primitive.close();
      throw failed;
    }
    arguments.put(Args.SRC, digits);
    arguments.put(Args.DST, sums);
    to.kernel(
        "split",
        (reads, writes) -> split(reads.get(0), writes.get(0), writes.get(1)),
        List.of(input),
        List.of(digits, units));
    to.primitive(primitive, arguments);
    to.kernel(
        "join",
        (reads, writes) -> join(reads.get(0), reads.get(1), writes.get(0)),
        List.of(sums, units),
        List.of(result));
  }

  private Runnable split(ByteBuffer from, ByteBuffer digits, ByteBuffer units) {
    FloatBuffer input = from.asFloatBuffer();
    float[] x = new float[depth];
    byte[][] bytes = new byte[DIGITS][depth];
    return () -> {
      for (int row = 0; row < rows; row++) {
        input.get(row * depth, x, 0, depth);
        float largest = 0;
        double total = 0;
        for (float v : x) {
          largest = Math.max(largest, Math.abs(v));
          total += v;
        }
        boolean finite = Float.isFinite(largest);
        int exponent = finite ? Math.getExponent(largest) : 0;
        double factor = Math.scalb(1.0, BITS - exponent);
        for (int k = 0; k < depth; k++) {
          int q = (int) Math.rint(x[k] * factor);
          byte low = (byte) q;
          q = (q - low) >> 8;
          byte middle = (byte) q;
          bytes[0][k] = low;
          bytes[1][k] = middle;
          bytes[2][k] = (byte) ((q - middle) >> 8);
        }
        for (int d = 0; d < DIGITS; d++) {
          digits.put((row * DIGITS + d) * depth, bytes[d]);
        }
        units.putFloat(row << 3, finite ? (float) (1 / factor) : Float.NaN);
        units.putFloat((row << 3) + 4, (float) total);
      }
    };
  }

  private Runnable join(ByteBuffer sums, ByteBuffer units, ByteBuffer into) {
    FloatBuffer products = sums.asFloatBuffer();
    FloatBuffer output = into.asFloatBuffer();
    float[] low = new float[width];
    float[] middle = new float[width];
    float[] high = new float[width];
    return () -> {
      for (int row = 0; row < rows; row++) {
        products.get(row * DIGITS * width, low);
        products.get((row * DIGITS + 1) * width, middle);
        products.get((row * DIGITS + 2) * width, high);
        float unit = units.getFloat(row << 3);
        float total = units.getFloat((row << 3) + 4);
        for (int n = 0; n < width; n++) {
          float sum = (high[n] * 65536 + middle[n] * 256 + low[n]) * unit;
          low[n] = sum * scales[n] + total * offsets[n] + bias[n];
        }
        output.put(row * width, low);
      }
    };
  }
}
