package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.DnnlException;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Primitive;
import dev.octet.engine.dnnl.Primitives;
import dev.octet.engine.dnnl.Primitives.Pooling;
import dev.octet.engine.dnnl.Primitives.Window;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Maxima and means of windows and of whole planes. A maximum of integers is the integer of the
 * maximum. A mean of integers is rounded once: {@code rint(mean(q_x − z_x)·s_x/s_y) + z_y}.
 */
final class Poolings implements Lowering {

  @Override
  public void lower(Node node, Compilation to) {
    Operand input = to.input(node, 0);
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    int rank = input.rank();
    if (rank < 3 || rank > 5 || input.type() != DataType.FLOAT) {
      throw new UnsupportedNodeException(
          node, "its input is " + input.type() + Arrays.toString(input.dims()));
    }
    if (node.outputs().size() > 1 && node.outputs().get(1) != null) {
      throw new UnsupportedNodeException(node, "the positions of the maxima are not computed");
    }
    boolean max = node.op().endsWith("MaxPool");
    boolean global = node.op().startsWith("Global");
    long[] plane = Arrays.copyOfRange(input.dims(), 2, rank);
    Window window = global ? whole(plane) : Windows.of(node, input.dims(), plane);
    boolean counted = !max && node.intAttribute("count_include_pad", 0) != 0;
    long[] out = Windows.outputDims(window, input.dims(), input.dim(1));
    Pooling what = max ? Pooling.MAX : counted ? Pooling.AVERAGE_WITH_PADDING : Pooling.AVERAGE;
    float[] shares = counted ? shares(node, input.dims(), window, out) : null;
    if (shares != null) {
      to.define(output, weighted(to, to.stored(input), out, window, shares));
      return;
    }
    Quantization q = input.quantization();
    Operand integers = input.integers();
    if (q != null && integers != null && q.isPerTensor() && q.isByte()) {
      if (max) {
        Stored result = pool(to, what, to.stored(integers), q.type(), out, window, null);
        to.define(output, Operand.dequantized(Operand.stored(result), q));
        return;
      }
      if (!(counted && q.zeroPoint() != 0) && mean(to, what, integers, q, out, window, output)) {
        return;
      }
    }
    to.define(output, pool(to, what, to.stored(input), DataType.FLOAT, out, window, null));
  }

  private static Window whole(long[] plane) {
    long[] ones = new long[plane.length];
    Arrays.fill(ones, 1);
    return new Window(plane, ones, ones, new long[plane.length], new long[plane.length]);
  }

  /**
   * For a mean that counts padding: by how much each result must be multiplied because part of its
   * window lies behind the padding, where ceil_mode put it; null where none does.
   */
  private static float @Nullable [] shares(Node node, long[] dims, Window window, long[] out) {
    List<Long> pads = node.intsAttribute("pads", List.of());
    int spatial = dims.length - 2;
    if (node.intAttribute("ceil_mode", 0) == 0) {
      return null;
    }
    int count = 1;
    for (int i = 0; i < spatial; i++) {
      count *= Math.toIntExact(out[i + 2]);
    }
    float[] shares = new float[count];
    boolean any = false;
    for (int at = 0; at < count; at++) {
      float share = 1;
      int rest = at;
      for (int i = spatial - 1; i >= 0; i--) {
        long place = rest % out[i + 2];
        rest /= (int) out[i + 2];
        long end = pads.isEmpty() ? window.padEnd()[i] : pads.get(i + spatial);
        long limit = dims[i + 2] + end;
        long first = place * window.strides()[i] - window.padBegin()[i];
        long inside = 0;
        for (long k = 0; k < window.kernel()[i]; k++) {
          inside += first + k * window.dilations()[i] < limit ? 1 : 0;
        }
        share *= (float) window.kernel()[i] / inside;
        any |= inside < window.kernel()[i];
      }
      shares[at] = share;
    }
    return any ? shares : null;
  }

  private static Stored weighted(
      Compilation to, Stored from, long[] out, Window window, float[] shares) {
    long[] plane = out.clone();
    plane[0] = 1;
    plane[1] = 1;
    Stored factors = new Stored(to.floats(shares).buffer(), Layout.rowMajor(DataType.FLOAT, plane));
    Attributes attributes = new Attributes();
    Map<Integer, Stored> arguments = new LinkedHashMap<>();
    arguments.put(attributes.binary(Attributes.Binary.MUL, factors.layout()), factors);
    Primitive primitive =
        Primitives.pooling(
            Pooling.AVERAGE_WITH_PADDING,
            from.layout(),
            Layout.any(DataType.FLOAT, out),
            window,
            attributes);
    Stored result = to.allocate(primitive.layout(Args.DST));
    arguments.put(Args.SRC, from);
    arguments.put(Args.DST, result);
    to.primitive(primitive, arguments);
    return result;
  }

  private static boolean mean(
      Compilation to,
      Pooling what,
      Operand integers,
      Quantization in,
      long[] out,
      Window window,
      Value output) {
    Compilation.Target target = to.target(output);
    Quantization q = target.quantization();
    Node quantize = target.value().producer();
    if (q == null || quantize == null || !q.isByte()) {
      return false;
    }
    float factor = in.scale() / q.scale();
    Attributes attributes = new Attributes();
    float shift = q.zeroPoint() - factor * in.zeroPoint();
    if (factor != 1 || shift != 0) {
      attributes.eltwise(Attributes.Eltwise.LINEAR, factor, shift);
    }
    try {
      Stored result = pool(to, what, to.stored(integers), q.type(), out, window, attributes);
      to.claim(quantize);
      to.define(target.value(), result);
      return true;
    } catch (DnnlException noIntegers) {
      return false;
    }
  }

  private static Stored pool(
      Compilation to,
      Pooling what,
      Stored from,
      DataType type,
      long[] out,
      Window window,
      @Nullable Attributes attributes) {
    Primitive primitive =
        Primitives.pooling(
            what,
            from.layout(),
            Layout.any(type, out),
            window,
            attributes == null ? new Attributes() : attributes);
    Map<Integer, Stored> arguments = new LinkedHashMap<>();
    Stored result = to.allocate(primitive.layout(Args.DST));
    arguments.put(Args.SRC, from);
    arguments.put(Args.DST, result);
    to.primitive(primitive, arguments);
    return result;
  }
}
