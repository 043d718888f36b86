package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Kernel;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.Stored;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A function of one number between DequantizeLinear and QuantizeLinear of bytes: a table of 256
 * results, each rounded as ONNX says.
 *
 * <p>A look-up takes 0.5 to 0.6 ns, as the JIT makes no vector code of it. oneDNN's code for such a
 * step takes 1.7 us at least, then 0.2 ns a number for functions without an exponential and 0.9 ns
 * for others, and has more than one thread; so tables are for short tensors, and for functions that
 * oneDNN has not, which take tens of nanoseconds.
 */
final class ByteTables {
  /** Up to so many elements a table is faster than oneDNN's call. */
  static final long SHORT = 2048;

  private ByteTables() {}

  /** How a byte tensor becomes another; null unless the node lies between such two. */
  record Ends(
      Node node, Operand integers, Quantization in, Compilation.Target target, Quantization out) {
    static @Nullable Ends of(Node node, Compilation to, Value output) {
      Operand input = to.input(node, 0);
      Quantization in = input.quantization();
      Operand integers = input.integers();
      Compilation.Target target = to.target(output);
      Quantization out = target.quantization();
      return in != null
              && integers != null
              && in.isPerTensor()
              && in.isByte()
              && out != null
              && out.isByte()
          ? new Ends(node, integers, in, target, out)
          : null;
    }

    /** Takes over the QuantizeLinear, whose result lies in {@code made}. */
    void finish(Compilation to, Stored made) {
      Node quantize = target.value().producer();
      if (quantize != null) {
        to.claim(quantize);
      }
      to.define(target.value(), made);
    }
  }

  /** Emits {@code function} as a table. */
  static void lower(Ends ends, Compilation to, DoubleUnaryOperator function) {
    byte[] table = table(ends.in, ends.out, function);
    Stored from = Copies.dense(ends.node, to, ends.integers);
    Layout made = from.layout().withType(ends.out.type());
    Stored into = made.equals(from.layout()) && to.overwritable(from) ? from : to.allocate(made);
    int count = Math.toIntExact(made.sizeBytes());
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer out = writes.get(0);
          return () -> look(table, in, out, count);
        };
    to.kernel("table", kernel, List.of(from), List.of(into));
    ends.finish(to, into);
  }

  private static void look(byte[] table, ByteBuffer in, ByteBuffer out, int count) {
    for (int i = 0; i < count; i++) {
      out.put(i, table[in.get(i) & 0xFF]);
    }
  }

  private static byte[] table(Quantization in, Quantization out, DoubleUnaryOperator function) {
    byte[] table = new byte[256];
    for (int bits = 0; bits < table.length; bits++) {
      int integer = in.lowest() < 0 ? (byte) bits : bits;
      float x = in.scale() * (integer - in.zeroPoint());
      float y = (float) function.applyAsDouble(x);
      double rounded = Math.rint(y / out.scale()) + out.zeroPoint();
      table[bits] = (byte) (int) Math.max(out.lowest(), Math.min(out.highest(), rounded));
    }
    return table;
  }
}
