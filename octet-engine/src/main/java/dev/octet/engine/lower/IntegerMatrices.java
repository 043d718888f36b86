package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * MatMulInteger in Java, for every form that it has: computed operands, batches that broadcast,
 * vectors, a zero point for each row of the first and each column of the second operand.
 */
final class IntegerMatrices {
  private IntegerMatrices() {}

  /** The dimensions of the result, as numpy's matmul has them. */
  static long[] dims(Node node, Operand a, Operand b) {
    long[] left = a.rank() == 1 ? new long[] {1, a.dim(0)} : a.dims();
    long[] right = b.rank() == 1 ? new long[] {b.dim(0), 1} : b.dims();
    if (left.length < 2 || right.length < 2 || left[left.length - 1] != right[right.length - 2]) {
      throw misfit(node, a, b);
    }
    int rank = Math.max(left.length, right.length);
    long[] x = Arithmetic.spread(left, rank);
    long[] y = Arithmetic.spread(right, rank);
    List<Long> out = new ArrayList<>();
    for (int i = 0; i < rank - 2; i++) {
      if (x[i] != y[i] && x[i] != 1 && y[i] != 1) {
        throw misfit(node, a, b);
      }
      out.add(x[i] == 1 ? y[i] : x[i]);
    }
    if (a.rank() > 1) {
      out.add(x[rank - 2]);
    }
    if (b.rank() > 1) {
      out.add(y[rank - 1]);
    }
    return out.stream().mapToLong(Long::longValue).toArray();
  }

  private static UnsupportedNodeException misfit(Node node, Operand a, Operand b) {
    return new UnsupportedNodeException(
        node,
        "matrices of "
            + Arrays.toString(a.dims())
            + " and "
            + Arrays.toString(b.dims())
            + " do not fit");
  }

  static void inJava(
      Node node,
      Compilation to,
      Operand a,
      Operand b,
      @Nullable Operand zeroA,
      @Nullable Operand zeroB,
      long[] out) {
    long[] left = a.rank() == 1 ? new long[] {1, a.dim(0)} : a.dims();
    long[] right = b.rank() == 1 ? new long[] {b.dim(0), 1} : b.dims();
    int rows = (int) left[left.length - 2];
    int depth = (int) left[left.length - 1];
    int columns = (int) right[right.length - 1];
    checkZero(node, zeroA, rows);
    checkZero(node, zeroB, columns);
    int rank = Math.max(left.length, right.length);
    int[][] starts = starts(Arithmetic.spread(left, rank), Arithmetic.spread(right, rank));
    List<Stored> reads = new ArrayList<>(List.of(to.rowMajor(a), to.rowMajor(b)));
    int atA = zeroA == null ? -1 : reads.size();
    if (zeroA != null) {
      reads.add(to.rowMajor(zeroA));
    }
    int atB = zeroB == null ? -1 : reads.size();
    if (zeroB != null) {
      reads.add(to.rowMajor(zeroB));
    }
    boolean signedA = a.type() == DataType.INT8;
    boolean signedB = b.type() == DataType.INT8;
    Stored result = to.allocate(Layout.rowMajor(DataType.INT32, out));
    to.kernel(
        "integer matmul",
        (from, into) ->
            () -> {
              IntBuffer sums = into.get(0).asIntBuffer();
              for (int m = 0; m < starts.length; m++) {
                for (int r = 0; r < rows; r++) {
                  int zero = atA < 0 ? 0 : zero(from.get(atA), r, signedA);
                  int row = (starts[m][0] * rows + r) * depth;
                  for (int c = 0; c < columns; c++) {
                    int shift = atB < 0 ? 0 : zero(from.get(atB), c, signedB);
                    int sum = 0;
                    for (int k = 0; k < depth; k++) {
                      int x = integer(from.get(0), row + k, signedA) - zero;
                      int at = (starts[m][1] * depth + k) * columns + c;
                      sum += x * (integer(from.get(1), at, signedB) - shift);
                    }
                    sums.put((m * rows + r) * columns + c, sum);
                  }
                }
              }
            },
        reads,
        List.of(result));
    to.define(node.output(), result);
  }

  private static void checkZero(Node node, @Nullable Operand zero, int count) {
    if (zero != null && zero.elements() != 1 && zero.elements() != count) {
      throw new UnsupportedNodeException(
          node, "it has " + zero.elements() + " zero points for " + count + " rows or columns");
    }
  }

  private static int zero(ByteBuffer zeros, int index, boolean signed) {
    return integer(zeros, zeros.capacity() == 1 ? 0 : index, signed);
  }

  private static int integer(ByteBuffer from, int index, boolean signed) {
    byte value = from.get(index);
    return signed ? value : value & 0xFF;
  }

  /** For each matrix of the result, which matrices of both operands it is the product of. */
  private static int[][] starts(long[] left, long[] right) {
    int batch = left.length - 2;
    int count = 1;
    for (int i = 0; i < batch; i++) {
      count *= (int) Math.max(left[i], right[i]);
    }
    int[][] starts = new int[count][2];
    for (int m = 0; m < count; m++) {
      int rest = m;
      int[] step = {1, 1};
      for (int i = batch - 1; i >= 0; i--) {
        int size = (int) Math.max(left[i], right[i]);
        int index = rest % size;
        rest /= size;
        starts[m][0] += left[i] == 1 ? 0 : index * step[0];
        starts[m][1] += right[i] == 1 ? 0 : index * step[1];
        step[0] *= (int) left[i];
        step[1] *= (int) right[i];
      }
    }
    return starts;
  }
}
