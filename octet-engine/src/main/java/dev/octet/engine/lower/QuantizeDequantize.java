package dev.octet.engine.lower;

import dev.octet.engine.plan.Coded;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Value;

/**
 * QuantizeLinear and DequantizeLinear as views: nothing is computed until a reader asks for the
 * result in memory, and a pair that cancels never is.
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
      to.define(output, Operand.dequantized(input, quantization));
      return;
    }
    if (input.type() != DataType.FLOAT) {
      throw new UnsupportedNodeException(node, "it quantizes " + input.type() + ", not FLOAT");
    }
    Operand integers = input.integers();
    to.define(
        output,
        integers != null && quantization.equals(input.quantization())
            ? integers
            : Operand.quantized(input, quantization));
  }
}
