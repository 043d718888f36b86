package dev.octet.engine.lower;

import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/**
 * Stands before lowerings to primitives, which have no code for tensors without elements: what has
 * no elements is a constant. Lowerings to Java kernels need no such care, their loops just end.
 *
 * @param others lowers all other nodes
 */
record Empties(Lowering others) implements Lowering {
  private static final Set<String> LIKE_FIRST = new HashSet<>(Set.of("Softmax", "LogSoftmax"));
  private static final Set<String> BROADCAST = Set.of(Arithmetic.OPERATORS);

  static {
    LIKE_FIRST.addAll(Arrays.asList(Activations.OPERATORS));
    LIKE_FIRST.addAll(Arrays.asList(Normalizations.OPERATORS));
  }

  /** A tensor of no elements. */
  static Operand of(DataType type, long... dims) {
    return Operand.constant(Tensor.wrap(type, dims, ByteBuffer.allocate(0)));
  }

  @Override
  public void lower(Node node, Compilation to) {
    Operand empty = null;
    for (Value input : node.inputs()) {
      Operand operand = input == null ? null : to.operand(input);
      empty = operand != null && operand.elements() == 0 ? operand : empty;
    }
    Value output = node.outputs().get(0);
    if (empty == null || node.input(0) == null || output == null) {
      others.lower(node, to);
      return;
    }
    Operand first = to.input(node, 0);
    if (LIKE_FIRST.contains(node.op()) && first.elements() == 0) {
      to.define(output, of(first.type(), first.dims()));
    } else if (BROADCAST.contains(node.op())) {
      long[] dims = first.dims();
      for (int i = 1; i < node.inputs().size(); i++) {
        dims = Settings.broadcast(node, dims, to.input(node, i).dims());
      }
      to.define(output, of(first.type(), dims));
    } else if (node.is("MatMul") && first.rank() > 1 && to.input(node, 1).rank() > 1) {
      to.define(output, product(node, first, to.input(node, 1)));
    } else if (empty != first && node.is("Resize")) {
      others.lower(node, to); // its region of interest or its scales may be left open so
    } else {
      throw new UnsupportedNodeException(
          node, "its input of " + Arrays.toString(empty.dims()) + " has no elements");
    }
  }

  /** Zeros, as sums of nothing, if not nothing. */
  private static Operand product(Node node, Operand a, Operand b) {
    int m = a.rank() - 2;
    int n = b.rank() - 1;
    if (a.dim(m + 1) != b.dim(n - 1)) {
      throw new UnsupportedNodeException(
          node, Arrays.toString(a.dims()) + " and " + Arrays.toString(b.dims()) + " do not fit");
    }
    long[] outer =
        Settings.broadcast(node, Arrays.copyOf(a.dims(), m), Arrays.copyOf(b.dims(), n - 1));
    long[] dims = Arrays.copyOf(outer, outer.length + 2);
    dims[outer.length] = a.dim(m);
    dims[outer.length + 1] = b.dim(n);
    Copies.check(node, a.type(), dims);
    int bytes = Settings.product(dims, 0, dims.length) * Elements.of(a.type(), node).width();
    return Operand.constant(Tensor.ofRaw(a.type(), new byte[bytes], dims));
  }
}
