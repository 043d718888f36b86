package dev.octet.engine.lower;

import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Pad and CenterCropPad: a tensor in the midst of another, or a part of it. */
final class Pads implements Lowering {
  static final String[] OPERATORS = {"Pad", "CenterCropPad"};

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    Operand input = to.input(node, 0);
    if (node.is("Pad")) {
      pad(node, to, input, output);
      return;
    }
    long[] shape = Settings.longs(node, to, 1, "shape");
    List<Long> all = LongStream.range(0, input.rank()).boxed().toList();
    List<Long> axes = node.intsAttribute("axes", all);
    if (axes.size() != shape.length) {
      throw new UnsupportedNodeException(
          node, "it has " + shape.length + " sizes for " + axes.size() + " axes");
    }
    long[] before = new long[input.rank()];
    long[] after = new long[input.rank()];
    for (int i = 0; i < shape.length; i++) {
      int axis = Views.axis(node, axes.get(i), input.rank(), false);
      long more = shape[i] - input.dim(axis);
      before[axis] = more / 2;
      after[axis] = more - before[axis];
    }
    pad(node, to, input, output, null, before, after);
  }

  private static void pad(Node node, Compilation to, Operand input, Value output) {
    String mode = node.stringAttribute("mode", "constant");
    int rank = input.rank();
    long[] given = Settings.longs(node, to, 1, "pads");
    long[] axes = Settings.longs(node, to, 3, "axes", LongStream.range(0, rank).toArray());
    if (given.length != 2 * axes.length) {
      throw new UnsupportedNodeException(
          node, "it has " + given.length + " pads for " + axes.length + " axes");
    }
    long[] before = new long[rank];
    long[] after = new long[rank];
    for (int i = 0; i < axes.length; i++) {
      int axis = Views.axis(node, axes[i], rank, false);
      before[axis] = given[i];
      after[axis] = given[i + axes.length];
    }
    if (!mode.equals("constant")) {
      Copies.define(to, output, input, it -> continued(node, to, it, mode, before, after));
      return;
    }
    pad(node, to, input, output, node.input(2), before, after);
  }

  /** With {@code value}, 0 where that is null. */
  private static void pad(
      Node node,
      Compilation to,
      Operand input,
      Value output,
      @Nullable Value value,
      long[] before,
      long[] after) {
    Quantization q = input.quantization();
    Operand integers = input.integers();
    Tensor known = value == null ? null : to.operand(value).real();
    if (value != null && to.operand(value).elements() != 1) {
      throw new UnsupportedNodeException(node, "its value is not one number");
    }
    if (q != null && integers != null && q.isPerTensor() && (value == null || known != null)) {
      double real = known == null ? 0 : known.toFloats()[0];
      double integer = Math.rint(real / q.scale()) + q.zeroPoint();
      boolean exact = (float) (q.scale() * (integer - q.zeroPoint())) == real;
      if (exact && integer >= q.lowest() && integer <= q.highest()) {
        Stored fill = one(node, to, integers.type(), (long) integer);
        Operand padded = padded(node, to, integers, fill, before, after);
        to.define(output, Operand.dequantized(padded, q));
        return;
      }
    }
    if (value != null && to.operand(value).type() != input.type()) {
      throw new UnsupportedNodeException(
          node, "its value is " + to.operand(value).type() + ", its data " + input.type());
    }
    Stored fill =
        value == null ? one(node, to, input.type(), 0) : Copies.plain(node, to, to.operand(value));
    to.define(output, padded(node, to, input, fill, before, after));
  }

  /** One number as a constant of {@code type}. */
  private static Stored one(Node node, Compilation to, DataType type, long number) {
    Elements elements = Elements.of(type, node);
    byte[] bytes = new byte[elements.width()];
    elements.put(ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN), 0, number);
    return to.stored(Operand.constant(Tensor.ofRaw(type, bytes, 1)));
  }

  /** Negative padding takes elements away. */
  private static Operand padded(
      Node node, Compilation to, Operand input, Stored fill, long[] before, long[] after) {
    int rank = input.rank();
    long[] dims = new long[rank];
    long[] kept = new long[rank];
    Stored from = Copies.dense(node, to, input);
    long[] inner = from.layout().strides();
    long first = 0;
    for (int i = 0; i < rank; i++) {
      dims[i] = input.dim(i) + before[i] + after[i];
      kept[i] = input.dim(i) + Math.min(0, before[i]) + Math.min(0, after[i]);
      first += Math.max(0, -before[i]) * inner[i];
    }
    Copies.check(node, input.type(), dims);
    Stored result = to.allocate(Copies.inOrderOf(from.layout(), dims));
    long[] strides = result.layout().strides();
    long start = 0;
    for (int i = 0; i < rank; i++) {
      start += Math.max(0, before[i]) * strides[i];
    }
    Copies.fill(node, to, fill, result);
    if (Arrays.stream(kept).allMatch(k -> k > 0)) {
      Copies.copy(
          node,
          to,
          from,
          new Copies.Side(first, inner),
          result,
          new Copies.Side(start, strides),
          kept);
    }
    return Operand.stored(result);
  }

  private static Operand continued(
      Node node, Compilation to, Operand input, String mode, long[] before, long[] after) {
    long[] plain = Walk.strides(input.dims());
    long[] dims = input.dims();
    for (int d = 0; d < dims.length; d++) {
      dims[d] += before[d] + after[d];
    }
    Copies.check(node, input.type(), dims);
    if (input.elements() == 0) {
      throw new UnsupportedNodeException(node, "there is no element to continue its input with");
    }
    int[][] from = new int[input.rank()][];
    for (int d = 0; d < from.length; d++) {
      int size = (int) input.dim(d);
      from[d] = new int[Math.toIntExact(dims[d])];
      for (int i = 0; i < from[d].length; i++) {
        from[d][i] = (int) (inside(node, mode, i - before[d], size) * plain[d]);
      }
    }
    return Operand.stored(Copies.pick(node, to, Copies.plain(node, to, input), from));
  }

  private static long inside(Node node, String mode, long index, int size) {
    return switch (mode) {
      case "edge" -> Math.max(0, Math.min(size - 1, index));
      case "wrap" -> Math.floorMod(index, (long) size);
      case "reflect" -> {
        long period = Math.max(1, 2L * (size - 1));
        long within = Math.floorMod(index, period);
        yield within < size ? within : period - within;
      }
      default -> throw new UnsupportedNodeException(node, "mode '" + mode + "' is unknown");
    };
  }
}
