package dev.octet.engine.lower;

import dev.octet.engine.plan.Coded;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Kernel;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * QuantizeLinear and DequantizeLinear as views: nothing is computed until a reader asks for the
 * result in memory, and a pair that cancels never is. Those of 16 bits, which oneDNN has not, are
 * computed in Java.
 */
final class QuantizeDequantize implements Lowering {
  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    Coded coded = CodedWeights.of(node, to);
    if (coded != null) {
      to.define(output, Operand.coded(coded));
      return;
    }
    Quantization quantization = to.quantizationOf(node);
    if (quantization == null) {
      throw new UnsupportedNodeException(
          node, "its scale and zero point are not constant 8- to 32-bit parameters");
    }
    Operand input = to.input(node, 0);
    if (node.is("DequantizeLinear")) {
      if (input.type() != quantization.type()) {
        throw new UnsupportedNodeException(
            node, "its input is " + input.type() + " and its zero point " + quantization.type());
      }
      if (isWide(quantization) && input.constant() == null) {
        to.define(output, inJava(node, to, input, quantization, DataType.FLOAT));
      } else {
        to.define(output, Operand.dequantized(input, quantization));
      }
      return;
    }
    if (input.type() != DataType.FLOAT) {
      throw new UnsupportedNodeException(node, "it quantizes " + input.type() + ", not FLOAT");
    }
    if (isWide(quantization)) {
      to.define(output, inJava(node, to, input, quantization, quantization.type()));
      return;
    }
    Operand integers = input.integers();
    to.define(
        output,
        integers != null && quantization.equals(input.quantization())
            ? integers
            : Operand.quantized(input, quantization));
  }

  private static boolean isWide(Quantization quantization) {
    return quantization.type() == DataType.INT16 || quantization.type() == DataType.UINT16;
  }

  private static Stored inJava(
      Node node, Compilation to, Operand input, Quantization q, DataType made) {
    long[] dims = input.dims();
    int inner = q.isPerTensor() ? 1 : Settings.product(dims, q.axis() + 1, dims.length);
    int count = Math.toIntExact(input.elements());
    boolean back = made == DataType.FLOAT;
    Elements integers = Elements.of(q.type(), node);
    Stored from = Copies.plain(node, to, input);
    Stored result = Copies.allocate(node, to, made, dims);
    float[] scales = q.scales();
    int[] zeros = q.zeroPoints();
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer out = writes.get(0);
          return () -> {
            for (int i = 0; i < count; i++) {
              int c = q.isPerTensor() ? 0 : i / inner % scales.length;
              if (back) {
                out.putFloat(i << 2, (float) (integers.whole(in, i) - zeros[c]) * scales[c]);
              } else {
                double rounded = Math.rint(in.getFloat(i << 2) / scales[c]) + zeros[c];
                integers.put(out, i, (long) Math.max(q.lowest(), Math.min(q.highest(), rounded)));
              }
            }
          };
        };
    to.kernel(back ? "dequantize" : "quantize", kernel, List.of(from), List.of(result));
    return result;
  }
}
