package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Primitive;
import dev.octet.engine.dnnl.Primitives;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Concat. Operands that are integers of one scale are put together as they are; where their scales
 * differ and the result is quantized, each is brought to the result's scale first.
 */
final class Concatenation implements Lowering {

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    List<Operand> parts = new ArrayList<>();
    for (int i = 0; i < node.inputs().size(); i++) {
      parts.add(to.input(node, i));
    }
    Operand first = parts.get(0);
    int axis = Views.axis(node, node.intAttribute("axis", 0), first.rank(), false);
    long[] out = first.dims();
    out[axis] = 0;
    for (Operand part : parts) {
      long[] dims = part.dims();
      for (int i = 0; i < out.length; i++) {
        if (dims.length != out.length || (i != axis && dims[i] != out[i])) {
          throw new UnsupportedNodeException(node, "its inputs' dimensions differ beside its axis");
        }
      }
      if (part.type() != first.type()) {
        throw new UnsupportedNodeException(node, "its inputs' types differ");
      }
      out[axis] += dims[axis];
    }
    parts.removeIf(part -> part.elements() == 0);
    if (parts.size() < 2) {
      to.define(output, parts.isEmpty() ? Empties.of(first.type(), out) : parts.get(0));
      return;
    }
    Quantization q = common(parts);
    Compilation.Target target = to.target(output);
    Quantization wanted = target.quantization();
    Node quantize = target.value().producer();
    if (q == null && wanted != null && wanted.isByte() && quantize != null && allBytes(parts)) {
      List<Operand> requantized = new ArrayList<>();
      for (Operand part : parts) {
        Operand integers = part.integers();
        requantized.add(
            integers != null && wanted.equals(part.quantization())
                ? integers
                : Operand.quantized(part, wanted));
      }
      to.claim(quantize);
      to.define(target.value(), put(node, to, requantized, axis, out));
    } else if (q != null) {
      List<Operand> integers = new ArrayList<>();
      for (Operand part : parts) {
        Operand behind = part.integers();
        if (behind != null) {
          integers.add(behind);
        }
      }
      to.define(output, Operand.dequantized(Operand.stored(put(node, to, integers, axis, out)), q));
    } else {
      to.define(output, put(node, to, parts, axis, out));
    }
  }

  private static @Nullable Quantization common(List<Operand> parts) {
    Quantization q = parts.get(0).quantization();
    return q != null
            && q.isPerTensor()
            && q.isByte()
            && parts.stream().allMatch(part -> q.equals(part.quantization()))
        ? q
        : null;
  }

  private static boolean allBytes(List<Operand> parts) {
    return parts.stream()
        .map(Operand::quantization)
        .allMatch(q -> q != null && q.isPerTensor() && q.isByte());
  }

  private static Stored put(Node node, Compilation to, List<Operand> parts, int axis, long[] out) {
    DataType type = parts.get(0).type();
    Layout lead = to.natural(parts.get(0));
    if (!lead.isNative()) {
      return putInJava(node, to, parts, axis, out);
    }
    boolean last = out.length > 2 && lead.equals(Layout.channelsLast(type, lead.dims()));
    Layout destination = last ? Layout.channelsLast(type, out) : Layout.rowMajor(type, out);
    List<Stored> sources = new ArrayList<>();
    List<Layout> layouts = new ArrayList<>();
    for (Operand part : parts) {
      Stored source = to.stored(part);
      sources.add(source);
      layouts.add(source.layout());
    }
    Primitive primitive = Primitives.concat(destination, axis, layouts, new Attributes());
    Map<Integer, Stored> arguments = new LinkedHashMap<>();
    for (int i = 0; i < sources.size(); i++) {
      arguments.put(Args.multipleSource(i), sources.get(i));
    }
    Stored result = to.allocate(destination);
    arguments.put(Args.DST, result);
    to.primitive(primitive, arguments);
    return result;
  }

  /** For types that oneDNN does not know. */
  private static Stored putInJava(
      Node node, Compilation to, List<Operand> parts, int axis, long[] out) {
    Stored result = Copies.allocate(node, to, parts.get(0).type(), out);
    long[] strides = Walk.strides(out);
    long start = 0;
    for (Operand part : parts) {
      long[] dims = part.dims();
      Copies.copy(
          node,
          to,
          Copies.plain(node, to, part),
          new Copies.Side(0, Walk.strides(dims)),
          result,
          new Copies.Side(start, strides),
          dims);
      start += dims[axis] * strides[axis];
    }
    return result;
  }
}
