package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.DnnlException;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Primitive;
import dev.octet.engine.dnnl.Primitives;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Softmax and LogSoftmax along any axis. A Softmax whose result is quantized without a zero point
 * writes the integers itself.
 */
final class Softmaxes implements Lowering {

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    Operand input = to.input(node, 0);
    int axis = Views.axis(node, node.intAttribute("axis", -1), input.rank(), false);
    boolean logarithm = node.is("LogSoftmax");
    if (input.type() != DataType.FLOAT) {
      to.define(output, inJava(node, to, input, axis, logarithm));
      return;
    }
    Stored from = to.stored(input);
    Layout layout = from.layout();
    Compilation.Target target = to.target(output);
    Quantization q = target.quantization();
    Node quantize = target.value().producer();
    if (q != null && quantize != null && q.isByte() && q.isSymmetric()) {
      Attributes attributes = new Attributes().scale(Args.DST, 0);
      Layout bytes = layout.withType(q.type());
      try {
        Primitive primitive = Primitives.softmax(logarithm, layout, bytes, axis, attributes);
        Stored result = to.allocate(bytes);
        Map<Integer, Stored> arguments = new LinkedHashMap<>();
        arguments.put(Args.SRC, from);
        arguments.put(Args.DST, result);
        arguments.put(Args.scale(Args.DST), to.floats(q.scale()));
        to.primitive(primitive, arguments);
        to.claim(quantize);
        to.define(target.value(), result);
        return;
      } catch (DnnlException noIntegers) {
        // In floats, then.
      }
    }
    Stored result = to.overwritable(from) ? from : to.allocate(layout);
    Primitive primitive = Primitives.softmax(logarithm, layout, layout, axis, new Attributes());
    to.primitive(primitive, Map.of(Args.SRC, from, Args.DST, result));
    to.define(output, result);
  }

  /** For types that oneDNN does not compute with. */
  private static Operand inJava(
      Node node, Compilation to, Operand input, int axis, boolean logarithm) {
    Elements type = Elements.of(input.type(), node);
    if (!type.isFloat()) {
      throw new UnsupportedNodeException(node, "it is not defined for " + input.type());
    }
    long[] dims = input.dims();
    int outer = Settings.product(dims, 0, axis);
    int size = (int) dims[axis];
    int inner = Settings.product(dims, axis + 1, dims.length);
    Stored from = Copies.plain(node, to, input);
    Stored result = Copies.allocate(node, to, input.type(), dims);
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer out = writes.get(0);
          return () -> {
            for (int lane = 0; lane < outer * inner; lane++) {
              int start = lane / inner * size * inner + lane % inner;
              double largest = Double.NEGATIVE_INFINITY;
              for (int i = 0; i < size; i++) {
                largest = Math.max(largest, type.real(in, start + i * inner));
              }
              double sum = 0;
              for (int i = 0; i < size; i++) {
                sum += Math.exp(type.real(in, start + i * inner) - largest);
              }
              double log = Math.log(sum) + largest;
              for (int i = 0; i < size; i++) {
                double share = type.real(in, start + i * inner) - log;
                type.put(out, start + i * inner, logarithm ? share : Math.exp(share));
              }
            }
          };
        };
    to.kernel("softmax", kernel, List.of(from), List.of(result));
    return Operand.stored(result);
  }
}
