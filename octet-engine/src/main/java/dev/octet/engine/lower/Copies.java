package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Kernel;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** Steps that move elements of any type of whole bytes, and the checks that they share. */
final class Copies {
  private Copies() {}

  /**
   * One side of a copy: the element at which it begins, and a stride for each dimension, in
   * elements of a row-major tensor.
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Side(long offset, long[] strides) {}

  /**
   * Memory for a row-major result.
   *
   * @throws UnsupportedNodeException if it would have more bytes than a kernel in Java can address
   */
  static Stored allocate(Node node, Compilation to, DataType type, long... dims) {
    check(node, type, dims);
    return to.allocate(Layout.rowMajor(type, dims));
  }

  /** The check of {@link #allocate} alone. */
  static void check(Node node, DataType type, long... dims) {
    long bytes = Elements.of(type, node).width();
    for (long dim : dims) {
      if (dim < 0) {
        throw new UnsupportedNodeException(node, "its result would be of " + Arrays.toString(dims));
      }
      if (dim > 0 && bytes > Integer.MAX_VALUE / dim) {
        throw new UnsupportedNodeException(
            node, "its result of " + Arrays.toString(dims) + " takes more than 2 GiB");
      }
      bytes *= dim;
    }
  }

  /** {@code operand} in row-major order, small enough for kernels in Java. */
  static Stored plain(Node node, Compilation to, Operand operand) {
    Stored stored = to.rowMajor(operand);
    if (stored.layout().sizeBytes() > Integer.MAX_VALUE) {
      throw new UnsupportedNodeException(
          node, "its input of " + Arrays.toString(operand.dims()) + " takes more than 2 GiB");
    }
    return stored;
  }

  /**
   * {@code operand} without gaps between its elements, in whatever order of dimensions it lies:
   * what a step that can go through it in any order need not turn round. Small enough for kernels
   * in Java.
   */
  static Stored dense(Node node, Compilation to, Operand operand) {
    Stored stored = to.stored(operand);
    Layout layout = stored.layout();
    return layout.isBlocked()
            || layout.sizeBytes() != layout.type().sizeBytes(layout.elements())
            || layout.sizeBytes() > Integer.MAX_VALUE
        ? plain(node, to, operand)
        : stored;
  }

  /** {@code dims} without gaps, in the order in memory of {@code like}'s dimensions. */
  static Layout inOrderOf(Layout like, long... dims) {
    long[] theirs = like.strides();
    long[] strides = new long[dims.length];
    long step = 1;
    List<Integer> order = outermostFirst(theirs);
    for (int i = dims.length - 1; i >= 0; i--) {
      int axis = order.get(i);
      strides[axis] = step;
      step *= Math.max(dims[axis], 1);
    }
    return Layout.strided(like.type(), dims, strides);
  }

  private static List<Integer> outermostFirst(long[] strides) {
    return IntStream.range(0, strides.length)
        .boxed()
        .sorted((a, b) -> Long.compare(strides[b], strides[a]))
        .toList();
  }

  private static long[] pick(long[] values, List<Integer> order) {
    return order.stream().mapToLong(i -> values[i]).toArray();
  }

  /** Defines {@code output} as {@code move} of the input, or of the integers that hold it. */
  static void define(Compilation to, Value output, Operand input, UnaryOperator<Operand> move) {
    Quantization q = input.quantization();
    Operand integers = input.integers();
    if (q != null && integers != null && q.isPerTensor() && integers.type().bits() >= 8) {
      to.define(output, Operand.dequantized(move.apply(integers), q));
    } else {
      to.define(output, move.apply(input));
    }
  }

  /** Copies {@code dims} elements from one side to another; {@code result} may be part written. */
  static void copy(
      Node node,
      Compilation to,
      Stored from,
      Side source,
      Stored result,
      Side target,
      long... dims) {
    int width = Elements.of(from.layout().type(), node).width();
    // What is written is gone through in its order in memory.
    List<Integer> order = outermostFirst(target.strides());
    Walk walk =
        Walk.over(pick(dims, order), pick(source.strides(), order), pick(target.strides(), order));
    int first = Math.toIntExact(source.offset());
    int start = Math.toIntExact(target.offset());
    Kernel kernel =
        (reads, writes) -> {
          Walk.Cursor cursor = walk.cursor();
          ByteBuffer in = reads.get(0);
          ByteBuffer out = writes.get(0);
          return () -> {
            cursor.reset();
            do {
              row(walk, in, first + cursor.at(0), out, start + cursor.at(1), width);
            } while (cursor.next());
          };
        };
    to.kernel("copy", kernel, List.of(from), List.of(result));
  }

  private static void row(Walk walk, ByteBuffer in, int from, ByteBuffer out, int into, int width) {
    int length = walk.length();
    int step = walk.stride(0);
    int stride = walk.stride(1);
    if (step == 1 && stride == 1) {
      out.put(into * width, in, from * width, length * width);
      return;
    }
    if (step == 0 && stride == 1) {
      // One element, then copies of what is there already, each time twice as much.
      out.put(into * width, in, from * width, width);
      for (int done = 1; done < length; done *= 2) {
        int more = Math.min(done, length - done);
        out.put((into + done) * width, out, into * width, more * width);
      }
      return;
    }
    switch (width) {
      case 1 -> {
        for (int i = 0; i < length; i++) {
          out.put(into + i * stride, in.get(from + i * step));
        }
      }
      case 2 -> {
        for (int i = 0; i < length; i++) {
          out.putShort((into + i * stride) << 1, in.getShort((from + i * step) << 1));
        }
      }
      case 4 -> {
        for (int i = 0; i < length; i++) {
          out.putInt((into + i * stride) << 2, in.getInt((from + i * step) << 2));
        }
      }
      default -> {
        for (int i = 0; i < length; i++) {
          out.putLong((into + i * stride) << 3, in.getLong((from + i * step) << 3));
        }
      }
    }
  }

  /** Sets every element of {@code result} to the first of {@code value}. */
  static void fill(Node node, Compilation to, Stored value, Stored result) {
    long[] dims = result.layout().dims();
    Side whole = new Side(0, result.layout().strides());
    copy(node, to, value, new Side(0, new long[dims.length]), result, whole, dims);
  }

  /**
   * Copies by lists: element {@code [i, j, ...]} of the result is the one at {@code from[0][i] +
   * from[1][j] + ...} of {@code source}.
   */
  static Stored pick(Node node, Compilation to, Stored source, int[][] from) {
    long[] dims = Arrays.stream(from).mapToLong(list -> list.length).toArray();
    DataType type = source.layout().type();
    Stored result = allocate(node, to, type, dims);
    int width = Elements.of(type, node).width();
    int rank = Math.max(1, dims.length);
    int[][] lists = dims.length == 0 ? new int[][] {{0}} : from;
    int[] last = lists[rank - 1];
    boolean whole = last.length > 0;
    for (int i = 0; i < last.length; i++) {
      whole &= last[i] == last[0] + i;
    }
    boolean inOne = whole;
    long[] outer = Arrays.copyOf(dims, rank - 1);
    int rows = (int) Arrays.stream(outer).reduce(1, (a, b) -> a * b);
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer out = writes.get(0);
          int[] index = new int[rank];
          return () -> {
            Arrays.fill(index, 0);
            for (int row = 0; row < rows; row++) {
              int base = 0;
              for (int d = 0; d < rank - 1; d++) {
                base += lists[d][index[d]];
              }
              int into = row * last.length;
              if (inOne) {
                out.put(into * width, in, (base + last[0]) * width, last.length * width);
              } else {
                row(in, base, last, out, into, width);
              }
              for (int d = rank - 2; d >= 0 && ++index[d] == lists[d].length; d--) {
                index[d] = 0;
              }
            }
          };
        };
    to.kernel("pick", kernel, List.of(source), List.of(result));
    return result;
  }

  private static void row(
      ByteBuffer in, int base, int[] list, ByteBuffer out, int into, int width) {
    switch (width) {
      case 1 -> {
        for (int i = 0; i < list.length; i++) {
          out.put(into + i, in.get(base + list[i]));
        }
      }
      case 2 -> {
        for (int i = 0; i < list.length; i++) {
          out.putShort((into + i) << 1, in.getShort((base + list[i]) << 1));
        }
      }
      case 4 -> {
        for (int i = 0; i < list.length; i++) {
          out.putInt((into + i) << 2, in.getInt((base + list[i]) << 2));
        }
      }
      default -> {
        for (int i = 0; i < list.length; i++) {
          out.putLong((into + i) << 3, in.getLong((base + list[i]) << 3));
        }
      }
    }
  }
}
