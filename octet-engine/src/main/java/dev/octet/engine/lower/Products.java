package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.Attributes.Binary;
import dev.octet.engine.dnnl.Attributes.Eltwise;
import dev.octet.engine.dnnl.DnnlException;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Primitive;
import dev.octet.engine.dnnl.Primitives;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Kernel;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Gemm and MatMul of any two operands, in floats or, where both are integers of one scale each, in
 * integers. Operands are read in the order in which they lie, transposed ones too; a constant
 * factor, a sum with a tensor that broadcasts, and a QuantizeLinear that follow are fused, and
 * where a Transpose comes next the result is written so that the Transpose has nothing to move.
 */
final class Products {
  private final Node node;
  private final Compilation to;
  private final boolean gemm;

  /** What is fused, in order: the factor first, then the sum, then the integers. */
  private final List<Node> fused = new ArrayList<>();

  private Value last;
  private double factor = 1;
  private @Nullable Operand added;
  private float addedTimes = 1;
  private @Nullable Quantization written;

  private Products(Node node, Compilation to, Value output) {
    this.node = node;
    this.to = to;
    this.gemm = node.is("Gemm");
    this.last = output;
  }

  static void lower(Node node, Compilation to, Value output) {
    new Products(node, to, output).lower(output);
  }

  private void lower(Value output) {
    Operand a = to.input(node, 0);
    Operand b = to.input(node, 1);
    if (a.type() != b.type()) {
      throw new UnsupportedNodeException(node, "its operands are " + a.type() + " and " + b.type());
    }
    if (a.rank() < 1 || b.rank() < 1 || (gemm && (a.rank() != 2 || b.rank() != 2))) {
      throw misfit(a, b);
    }
    long[] left = matrix(a.dims(), gemm && node.intAttribute("transA", 0) != 0, true);
    long[] right = matrix(b.dims(), gemm && node.intAttribute("transB", 0) != 0, false);
    int rank = Math.max(left.length, right.length);
    left = Arithmetic.spread(left, rank);
    right = Arithmetic.spread(right, rank);
    long[] dims = new long[rank];
    for (int i = 0; i < rank - 2; i++) {
      if (left[i] != right[i] && left[i] != 1 && right[i] != 1) {
        throw misfit(a, b);
      }
      dims[i] = left[i] == 1 ? right[i] : left[i];
    }
    dims[rank - 2] = left[rank - 2];
    dims[rank - 1] = right[rank - 1];
    if (left[rank - 1] != right[rank - 2]) {
      throw misfit(a, b);
    }
    factor = gemm ? node.floatAttribute("alpha", 1) : 1;
    // A vector operand's dimension is not part of the result.
    long[] named =
        IntStream.range(0, rank)
            .filter(i -> !(i == rank - 2 && a.rank() == 1) && !(i == rank - 1 && b.rank() == 1))
            .mapToLong(i -> dims[i])
            .toArray();
    if (a.type() != DataType.FLOAT) {
      to.define(output, inJava(a, b, left, right, dims, named));
      return;
    }
    if (gemm && node.input(2) != null && node.floatAttribute("beta", 1) != 0) {
      added = to.input(node, 2);
      addedTimes = node.floatAttribute("beta", 1);
      checkAdded(added, named);
    }
    follow(named);
    Quantization qa = bytes(a);
    Quantization qb = bytes(b);
    if (qa != null && qb != null && emit(a, qa, b, qb, dims, named)) {
      return;
    }
    if (!emit(a, null, b, null, dims, named)) {
      throw new UnsupportedNodeException(node, "oneDNN has no product for it");
    }
  }

  private UnsupportedNodeException misfit(Operand a, Operand b) {
    return new UnsupportedNodeException(
        node,
        "matrices of "
            + Arrays.toString(a.dims())
            + " and "
            + Arrays.toString(b.dims())
            + " do not fit");
  }

  /** As a matrix: a vector is a row on the left and a column on the right. */
  private static long[] matrix(long[] dims, boolean transposed, boolean left) {
    if (dims.length == 1) {
      return left ? new long[] {1, dims[0]} : new long[] {dims[0], 1};
    }
    return transposed ? new long[] {dims[1], dims[0]} : dims;
  }

  private static @Nullable Quantization bytes(Operand operand) {
    Quantization q = operand.quantization();
    return q != null && operand.integers() != null && q.isPerTensor() && q.isByte() ? q : null;
  }

  private void checkAdded(Operand operand, long[] named) {
    if (operand.type() != DataType.FLOAT
        || !Arrays.equals(Settings.broadcast(node, named, operand.dims()), named)) {
      throw new UnsupportedNodeException(
          node,
          "its C of "
              + operand.type()
              + Arrays.toString(operand.dims())
              + " does not broadcast to "
              + Arrays.toString(named));
    }
  }

  // ---- what follows ----

  private void follow(long[] dims) {
    boolean more = true;
    while (more) {
      Node reader = written == null && !last.isOutput() ? to.onlyReader(last) : null;
      Value made = reader == null || reader.outputs().isEmpty() ? null : reader.outputs().get(0);
      more = reader != null && made != null && reader.domain().isEmpty() && take(reader, dims);
      if (more && reader != null && made != null) {
        fused.add(reader);
        last = made;
      }
    }
  }

  private boolean take(Node reader, long[] dims) {
    switch (reader.op()) {
      case "Mul" -> {
        Tensor scalar = scalar(reader, reader.input(0) == last ? 1 : 0, dims);
        return scalar != null && multiply(scalar.toFloats()[0]);
      }
      case "Div" -> {
        Tensor scalar = reader.input(0) == last ? scalar(reader, 1, dims) : null;
        return scalar != null && multiply(1.0 / scalar.toFloats()[0]);
      }
      case "Add" -> {
        Value other = reader.input(0) == last ? reader.input(1) : reader.input(0);
        Operand operand = other == null || other == last ? null : to.known(other);
        if (added != null
            || operand == null
            || operand.type() != DataType.FLOAT
            || operand.rank() > dims.length
            || !broadcasts(operand.dims(), dims)) {
          return false;
        }
        added = operand;
        return true;
      }
      case "QuantizeLinear" -> {
        Quantization q = to.quantizationOf(reader);
        if (q == null || !q.isPerTensor() || !q.isByte() || reader.input(0) != last) {
          return false;
        }
        written = q;
        return true;
      }
      default -> {
        return false;
      }
    }
  }

  private boolean multiply(double by) {
    if (added != null || !Double.isFinite(by) || by == 0) {
      return false;
    }
    factor *= by;
    return true;
  }

  private @Nullable Tensor scalar(Node reader, int index, long[] dims) {
    Tensor tensor = to.constant(reader, index);
    return tensor != null
            && tensor.type() == DataType.FLOAT
            && tensor.elementCount() == 1
            && tensor.rank() <= dims.length
        ? tensor
        : null;
  }

  private static boolean broadcasts(long[] own, long[] dims) {
    for (int i = 0; i < own.length; i++) {
      if (own[i] != 1 && own[i] != dims[dims.length - own.length + i]) {
        return false;
      }
    }
    return true;
  }

  // ---- the primitive ----

  private boolean emit(
      Operand a,
      @Nullable Quantization qa,
      Operand b,
      @Nullable Quantization qb,
      long[] dims,
      long[] named) {
    Operand integersA = a.integers();
    Operand integersB = b.integers();
    boolean whole = qa != null && qb != null && integersA != null && integersB != null;
    int rank = dims.length;
    Stored left = operand(whole && integersA != null ? integersA : a, rank, true);
    Stored right = operand(whole && integersB != null ? integersB : b, rank, false);
    Attributes attributes = new Attributes();
    Map<Integer, Stored> arguments = new LinkedHashMap<>();
    float inner = (float) (factor / addedTimes);
    if (whole && qa != null && qb != null) {
      attributes.scale(Args.SRC, 0).scale(Args.WEIGHTS, 0);
      arguments.put(Args.scale(Args.SRC), to.floats(qa.scale() * inner));
      arguments.put(Args.scale(Args.WEIGHTS), to.floats(qb.scale()));
      zeroPoint(attributes, arguments, Args.SRC, qa);
      zeroPoint(attributes, arguments, Args.WEIGHTS, qb);
    } else if (inner != 1) {
      attributes.eltwise(Eltwise.LINEAR, inner, 0);
    }
    Operand sum = added;
    if (sum != null) {
      // A vector result has a dimension of one here that it has not in the graph.
      long[] spread = spread(sum.dims(), a.rank() == 1, b.rank() == 1, rank);
      Stored term = new Stored(to.rowMajor(sum).buffer(), Layout.rowMajor(DataType.FLOAT, spread));
      arguments.put(attributes.binary(Binary.ADD, term.layout()), term);
      if (addedTimes != 1) {
        attributes.eltwise(Eltwise.LINEAR, addedTimes, 0);
      }
    }
    Quantization q = written;
    if (q != null) {
      attributes.scale(Args.DST, 0);
      arguments.put(Args.scale(Args.DST), to.floats(q.scale()));
      zeroPoint(attributes, arguments, Args.DST, q);
    }
    DataType type = q == null ? DataType.FLOAT : q.type();
    Layout plain = Layout.rowMajor(type, dims);
    Layout wanted = rank == named.length ? towardsTranspose(type, dims) : null;
    for (Layout layout : wanted == null ? List.of(plain) : List.of(wanted, plain)) {
      Primitive primitive = attempt(left.layout(), right.layout(), layout, attributes, whole);
      if (primitive != null) {
        Stored result = to.allocate(layout);
        arguments.put(Args.SRC, left);
        arguments.put(Args.WEIGHTS, right);
        arguments.put(Args.DST, result);
        to.primitive(primitive, arguments);
        fused.forEach(to::claim);
        to.define(
            last,
            rank == named.length
                ? result
                : new Stored(result.buffer(), Layout.rowMajor(type, named)));
        return true;
      }
    }
    if (q != null && !whole) {
      return unquantized(a, b, dims, named);
    }
    return false;
  }

  /** Without writing integers, which products of floats may not be able to. */
  private boolean unquantized(Operand a, Operand b, long[] dims, long[] named) {
    Value real = fused.get(fused.size() - 1).input(0);
    if (real == null) {
      return false;
    }
    fused.remove(fused.size() - 1);
    last = real;
    written = null;
    return emit(a, null, b, null, dims, named);
  }

  private @Nullable Primitive attempt(
      Layout left, Layout right, Layout result, Attributes attributes, boolean whole) {
    try {
      Primitive primitive = Primitives.matmul(left, right, null, result, attributes);
      if (whole && primitive.implementation().startsWith("ref")) {
        primitive.close();
        return null;
      }
      return primitive;
    } catch (DnnlException none) {
      return null;
    }
  }

  private void zeroPoint(
      Attributes attributes, Map<Integer, Stored> arguments, int argument, Quantization q) {
    if (!q.isSymmetric()) {
      attributes.zeroPoint(argument, 0);
      arguments.put(Args.zeroPoint(argument), to.ints(q.zeroPoint()));
    }
  }

  private static long[] spread(long[] own, boolean row, boolean column, int rank) {
    LongStream dims = Arrays.stream(own);
    if (column) {
      dims = LongStream.concat(dims, LongStream.of(1));
    }
    long[] full = dims.toArray();
    if (row && full.length > 1) {
      long lastDim = full[full.length - 1];
      full[full.length - 1] = 1;
      full = LongStream.concat(Arrays.stream(full), LongStream.of(lastDim)).toArray();
    }
    return Arithmetic.spread(full, rank);
  }

  /** {@code operand} as a matrix of {@code rank} dimensions, in the order in which it lies. */
  private Stored operand(Operand operand, int rank, boolean left) {
    boolean transposed = gemm && node.intAttribute(left ? "transA" : "transB", 0) != 0;
    Stored stored = to.stored(operand);
    long[] own = operand.dims();
    long[] strides = stored.layout().isBlocked() ? null : stored.layout().strides();
    if (strides == null
        || strides.length != own.length
        || (own.length > 1 && !hasUnitStride(own, strides))) {
      stored = to.rowMajor(operand);
      strides = Walk.strides(own);
    }
    if (own.length == 1) {
      long[] dims = matrix(own, false, left);
      long step = strides[0];
      long[] both = left ? new long[] {own[0] * step, step} : new long[] {step, 1};
      return spread(stored, operand.type(), dims, both, rank);
    }
    if (transposed) {
      own = new long[] {own[1], own[0]};
      strides = new long[] {strides[1], strides[0]};
    }
    return spread(stored, operand.type(), own, strides, rank);
  }

  private static boolean hasUnitStride(long[] dims, long[] strides) {
    int n = dims.length;
    return (strides[n - 1] == 1 && strides[n - 2] >= dims[n - 1])
        || (strides[n - 2] == 1 && strides[n - 1] >= dims[n - 2]);
  }

  private static Stored spread(
      Stored stored, DataType type, long[] dims, long[] strides, int rank) {
    long[] all = Arithmetic.spread(dims, rank);
    long[] steps = new long[rank];
    // A leading dimension of one may have any stride; the whole size is what oneDNN expects.
    long size = 1;
    for (int i = 0; i < dims.length; i++) {
      size = Math.max(size, dims[i] * strides[i]);
    }
    Arrays.fill(steps, size);
    System.arraycopy(strides, 0, steps, rank - dims.length, dims.length);
    return new Stored(stored.buffer(), Layout.strided(type, all, steps));
  }

  /**
   * The layout in which the result is row-major once the Transpose that reads it has turned it;
   * null where none does, or where it moves the last dimension.
   */
  private @Nullable Layout towardsTranspose(DataType type, long[] dims) {
    Value value = last;
    Node reader = value.isOutput() ? null : to.onlyReader(value);
    if (reader != null && reader.is("DequantizeLinear")) {
      Value real = reader.outputs().get(0);
      reader = real == null || real.isOutput() ? null : to.onlyReader(real);
    }
    int rank = dims.length;
    List<Long> perm =
        reader == null || !reader.is("Transpose")
            ? List.of()
            : reader.intsAttribute("perm", List.of());
    if (perm.size() != rank || perm.get(rank - 1) != rank - 1) {
      return null;
    }
    long[] strides = new long[rank];
    long step = 1;
    for (int i = rank - 1; i >= 0; i--) {
      int axis = perm.get(i).intValue();
      if (axis < 0 || axis >= rank || strides[axis] != 0) {
        return null;
      }
      strides[axis] = step;
      step *= dims[axis];
    }
    return Layout.strided(type, dims, strides);
  }

  // ---- other types ----

  private Operand inJava(
      Operand a, Operand b, long[] left, long[] right, long[] dims, long[] named) {
    Elements type = Elements.of(a.type(), node);
    if (gemm) {
      throw new UnsupportedNodeException(node, "it works on FLOAT here, not " + a.type());
    }
    int rank = dims.length;
    int depth = (int) left[rank - 1];
    long[] stepsA = Walk.broadcast(left, left);
    long[] stepsB = Walk.broadcast(right, right);
    // Along the result's columns the left side stays, along its rows the right side does.
    stepsA[rank - 1] = 0;
    stepsB[rank - 2] = 0;
    int along = (int) right[rank - 1];
    Walk walk = Walk.over(dims, stepsA, stepsB);
    Stored first = Copies.plain(node, to, a);
    Stored second = Copies.plain(node, to, b);
    Stored result = Copies.allocate(node, to, a.type(), named);
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer x = reads.get(0);
          ByteBuffer y = reads.get(1);
          ByteBuffer out = writes.get(0);
          Walk.Cursor cursor = walk.cursor();
          return () -> {
            cursor.reset();
            int at = 0;
            do {
              for (int i = 0; i < walk.length(); i++, at++) {
                int from = cursor.at(0) + i * walk.stride(0);
                int with = cursor.at(1) + i * walk.stride(1);
                double real = 0;
                long whole = 0;
                for (int k = 0; k < depth; k++) {
                  if (type.isFloat()) {
                    real += type.real(x, from + k) * type.real(y, with + k * along);
                  } else {
                    whole += type.whole(x, from + k) * type.whole(y, with + k * along);
                  }
                }
                if (type.isFloat()) {
                  type.put(out, at, real);
                } else {
                  type.put(out, at, whole);
                }
              }
            } while (cursor.next());
          };
        };
    to.kernel("product", kernel, List.of(first, second), List.of(result));
    return Operand.stored(result);
  }
}
