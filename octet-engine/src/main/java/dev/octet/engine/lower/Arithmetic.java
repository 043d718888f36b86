package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.Attributes.Binary;
import dev.octet.engine.dnnl.DnnlException;
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
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Functions of two float tensors with numpy's broadcasting. Sums and products of integers with
 * scales work on the integers: {@code rint((s_a·(q_a − z_a) ∘ s_b·(q_b − z_b)) / s_y) + z_y};
 * products only where a factor has no zero point.
 */
final class Arithmetic implements Lowering {
  static final String[] OPERATORS = {"Add", "Sub", "Mul", "Div", "Max", "Min"};

  /** For other types, for more than two operands, and for scalars alone. */
  private static final Lowering IN_JAVA = new Pairs();

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    if (node.inputs().size() != 2
        || to.input(node, 0).type() != DataType.FLOAT
        || to.input(node, 1).type() != DataType.FLOAT
        || to.input(node, 0).rank() + to.input(node, 1).rank() == 0) {
      IN_JAVA.lower(node, to);
      return;
    }
    Operand a = to.input(node, 0);
    Operand b = to.input(node, 1);
    int rank = Math.max(1, Math.max(a.rank(), b.rank()));
    long[] left = spread(a.dims(), rank);
    long[] right = spread(b.dims(), rank);
    long[] dims = new long[rank];
    for (int i = 0; i < rank; i++) {
      if (left[i] != right[i] && left[i] != 1 && right[i] != 1) {
        throw new UnsupportedNodeException(
            node,
            Arrays.toString(a.dims()) + " and " + Arrays.toString(b.dims()) + " do not broadcast");
      }
      dims[i] = left[i] == 1 ? right[i] : left[i];
    }
    Binary function = Binary.valueOf(node.op().toUpperCase(java.util.Locale.ROOT));
    boolean whole = a.rank() == rank && Arrays.equals(dims, a.dims());
    if (whole && integers(to, function, a, b, right, output)) {
      return;
    }
    boolean commutes = function != Binary.SUB && function != Binary.DIV;
    if (!whole && commutes && b.rank() == rank && Arrays.equals(dims, b.dims())) {
      floats(to, function, b, a, left, dims, output);
    } else {
      floats(to, function, a, b, right, dims, output);
    }
  }

  private static void floats(
      Compilation to,
      Binary function,
      Operand a,
      Operand b,
      long[] right,
      long[] dims,
      Value output) {
    boolean whole = Arrays.equals(a.dims(), dims);
    Epilogue epilogue = Epilogue.after(output, dims, to, true, false);
    Stored first =
        whole
            ? unblocked(to, a, epilogue.type())
            : new Stored(
                to.rowMajor(a).buffer(),
                Layout.rowMajor(DataType.FLOAT, spread(a.dims(), dims.length)));
    Layout layout = whole ? first.layout() : Layout.rowMajor(DataType.FLOAT, dims);
    Stored second = beside(to, b, right, layout);
    Attributes attributes = new Attributes();
    Map<Integer, Stored> arguments = new LinkedHashMap<>();
    epilogue.applyWithoutScale(attributes, 1);
    Stored into =
        whole && epilogue.written() == null && to.overwritable(first)
            ? first
            : to.allocate(layout.withType(epilogue.type()));
    boolean inAnyOrder =
        whole
            && b.elements() == 1
            && !layout.isRowMajor()
            && !layout.isBlocked()
            && layout.sizeBytes() == layout.elements() * Float.BYTES;
    if (inAnyOrder) {
      // One number beside dimensions in another order has but reference code in oneDNN.
      arguments.put(Args.SRC, flat(first));
      arguments.put(Args.SRC_1, flat(second));
      arguments.put(Args.DST, flat(into));
    } else {
      arguments.put(Args.SRC, first);
      arguments.put(Args.SRC_1, second);
      arguments.put(Args.DST, into);
    }
    to.primitive(
        Primitives.binary(
            function,
            layoutOf(arguments, Args.SRC),
            layoutOf(arguments, Args.SRC_1),
            layoutOf(arguments, Args.DST),
            attributes),
        arguments);
    epilogue.finish(into);
  }

  private static Layout layoutOf(Map<Integer, Stored> arguments, int index) {
    return Objects.requireNonNull(arguments.get(index)).layout();
  }

  /** The same memory as one row. */
  private static Stored flat(Stored dense) {
    Layout layout = dense.layout();
    return new Stored(dense.buffer(), Layout.rowMajor(layout.type(), layout.elements()));
  }

  private static boolean integers(
      Compilation to, Binary function, Operand a, Operand b, long[] right, Value output) {
    Quantization qa = a.quantization();
    Quantization qb = b.quantization();
    Operand ia = a.integers();
    Operand ib = b.integers();
    if ((function != Binary.ADD && function != Binary.MUL)
        || qa == null
        || qb == null
        || ia == null
        || ib == null
        || !qa.isPerTensor()
        || !qb.isPerTensor()
        || !qa.isByte()
        || !qb.isByte()) {
      return false;
    }
    boolean add = function == Binary.ADD;
    if (!add && qb.zeroPoint() != 0) {
      // A product takes its factors' zero points before it, which the primitive cannot.
      boolean other = qa.zeroPoint() == 0 && Arrays.equals(a.dims(), b.dims());
      return other && integers(to, function, b, a, right, output);
    }
    boolean shifted = !add && qa.zeroPoint() != 0; // (a − z) · b as a sum with a product behind it
    Epilogue epilogue = Epilogue.after(output, a.dims(), to, true, false);
    Quantization written = epilogue.written();
    float unit = add && written != null && epilogue.isHomogeneous() ? written.scale() : 1;
    Attributes attributes = new Attributes();
    Map<Integer, Stored> arguments = new LinkedHashMap<>();
    Stored first = unblocked(to, ia, epilogue.type());
    Stored second = beside(to, ib, right, first.layout());
    attributes.scale(Args.SRC, 0);
    arguments.put(Args.scale(Args.SRC), to.floats(qa.scale() / unit));
    if (shifted) {
      arguments.put(attributes.binary(Binary.MUL, second.layout()), second);
      attributes.eltwise(Attributes.Eltwise.LINEAR, qb.scale(), 0);
      Stored zero = to.floats(-qa.scale() * qa.zeroPoint());
      long[] ones = new long[a.rank()];
      Arrays.fill(ones, 1);
      second = new Stored(zero.buffer(), Layout.rowMajor(DataType.FLOAT, ones));
    } else {
      attributes.scale(Args.SRC_1, 0);
      arguments.put(Args.scale(Args.SRC_1), to.floats(qb.scale() / unit));
      float offset = -(qa.scale() * qa.zeroPoint() + qb.scale() * qb.zeroPoint()) / unit;
      if (offset != 0) {
        attributes.eltwise(Attributes.Eltwise.LINEAR, 1, offset);
      }
    }
    epilogue.applyWithoutScale(attributes, unit);
    Stored into =
        first.layout().type() == epilogue.type() && to.overwritable(first)
            ? first
            : to.allocate(first.layout().withType(epilogue.type()));
    Primitive primitive;
    try {
      primitive =
          Primitives.binary(
              shifted ? Binary.ADD : function,
              first.layout(),
              second.layout(),
              into.layout(),
              attributes);
    } catch (DnnlException noIntegers) {
      return false;
    }
    if (shifted && primitive.implementation().startsWith("ref")) {
      primitive.close();
      return false;
    }
    arguments.put(Args.SRC, first);
    arguments.put(Args.SRC_1, second);
    arguments.put(Args.DST, into);
    to.primitive(primitive, arguments);
    epilogue.finish(into);
    return true;
  }

  /** {@code operand} in a layout that a result of {@code type} can have, too. */
  static Stored unblocked(Compilation to, Operand operand, DataType type) {
    Stored stored = to.stored(operand);
    return stored.layout().isBlocked() && type != operand.type() ? to.rowMajor(operand) : stored;
  }

  /** {@code operand} as the second argument beside a tensor of {@code layout}. */
  private static Stored beside(Compilation to, Operand operand, long[] spread, Layout layout) {
    if (Arrays.equals(operand.dims(), layout.dims())) {
      return to.stored(operand, layout.withType(operand.type()));
    }
    return new Stored(to.rowMajor(operand).buffer(), Layout.rowMajor(operand.type(), spread));
  }

  /** {@code dims} with leading ones to {@code rank}. */
  static long[] spread(long[] dims, int rank) {
    long[] result = new long[rank];
    Arrays.fill(result, 1);
    System.arraycopy(dims, 0, result, rank - dims.length, dims.length);
    return result;
  }
}
