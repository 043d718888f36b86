package dev.octet.engine.lower;

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
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Operators that go along one axis and compare or add up: ArgMax, ArgMin, Hardmax, TopK, CumSum. Of
 * equal elements the first counts, unless the node says otherwise; NaN counts as largest.
 */
final class Orders implements Lowering {
  static final String[] OPERATORS = {"ArgMax", "ArgMin", "Hardmax", "TopK", "CumSum"};

  /** The lanes along one axis of a row-major tensor. */
  private record Lanes(int outer, int size, int inner) {

    static Lanes of(Operand operand, int axis) {
      long[] dims = operand.dims();
      return new Lanes(
          Settings.product(dims, 0, axis),
          (int) dims[axis],
          Settings.product(dims, axis + 1, dims.length));
    }

    int count() {
      return outer * inner;
    }

    /** The first element of lane {@code lane} in a tensor with {@code length} along the axis. */
    int start(int lane, int length) {
      return lane / inner * length * inner + lane % inner;
    }
  }

  @Override
  public void lower(Node node, Compilation to) {
    Operand input = to.input(node, 0);
    Value output = node.outputs().get(0);
    switch (node.op()) {
      case "TopK" -> largest(node, to, input);
      case "CumSum" -> {
        if (output != null) {
          to.define(output, sums(node, to, input));
        }
      }
      case "Hardmax" -> {
        if (output != null) {
          to.define(output, hardmax(node, to, input));
        }
      }
      default -> {
        if (output != null) {
          to.define(output, extremes(node, to, input));
        }
      }
    }
  }

  /** Compares as reals or as whole numbers. */
  private static int compare(Elements type, ByteBuffer in, int a, int b) {
    return type.isFloat()
        ? Double.compare(type.real(in, a) + 0.0, type.real(in, b) + 0.0)
        : Long.compare(type.whole(in, a), type.whole(in, b));
  }

  /** The integers behind {@code operand} where they are ordered as the reals are. */
  private static Operand ordered(Operand operand) {
    Quantization q = operand.quantization();
    Operand integers = operand.integers();
    return q != null && integers != null && q.isPerTensor() && integers.type().bits() >= 8
        ? integers
        : operand;
  }

  private static Operand extremes(Node node, Compilation to, Operand given) {
    Operand input = ordered(given);
    int axis = Views.axis(node, node.intAttribute("axis", 0), input.rank(), false);
    boolean last = node.intAttribute("select_last_index", 0) != 0;
    int sign = node.is("ArgMax") ? 1 : -1;
    Lanes lanes = Lanes.of(input, axis);
    long[] dims = input.dims();
    dims[axis] = 1;
    if (node.intAttribute("keepdims", 1) == 0) {
      dims = IntStream.range(0, dims.length).filter(i -> i != axis).mapToLong(input::dim).toArray();
    }
    Elements type = Elements.of(input.type(), node);
    Stored from = Copies.plain(node, to, input);
    Stored result = Copies.allocate(node, to, DataType.INT64, dims);
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer out = writes.get(0);
          return () -> {
            for (int lane = 0; lane < lanes.count(); lane++) {
              out.putLong(lane << 3, extreme(type, in, lanes, lane, sign, last));
            }
          };
        };
    to.kernel("extreme", kernel, List.of(from), List.of(result));
    return Operand.stored(result);
  }

  private static int extreme(
      Elements type, ByteBuffer in, Lanes lanes, int lane, int sign, boolean last) {
    int start = lanes.start(lane, lanes.size);
    int best = 0;
    for (int i = 1; i < lanes.size; i++) {
      int order = sign * compare(type, in, start + i * lanes.inner, start + best * lanes.inner);
      if (order > 0 || (last && order == 0)) {
        best = i;
      }
    }
    return best;
  }

  private static Operand hardmax(Node node, Compilation to, Operand input) {
    int axis = Views.axis(node, node.intAttribute("axis", -1), input.rank(), false);
    Lanes lanes = Lanes.of(input, axis);
    Elements type = Elements.of(input.type(), node);
    Stored from = Copies.plain(node, to, input);
    Stored result = Copies.allocate(node, to, input.type(), input.dims());
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer out = writes.get(0);
          return () -> {
            for (int lane = 0; lane < lanes.count(); lane++) {
              int best = extreme(type, in, lanes, lane, 1, false);
              int start = lanes.start(lane, lanes.size);
              for (int i = 0; i < lanes.size; i++) {
                type.put(out, start + i * lanes.inner, i == best ? 1L : 0L);
              }
            }
          };
        };
    to.kernel("hardmax", kernel, List.of(from), List.of(result));
    return Operand.stored(result);
  }

  // ---- TopK ----

  private static void largest(Node node, Compilation to, Operand given) {
    Quantization q = given.quantization();
    Operand input = ordered(given);
    int axis = Views.axis(node, node.intAttribute("axis", -1), input.rank(), false);
    long k = Settings.number(node, to, 1, "k");
    Lanes lanes = Lanes.of(input, axis);
    if (k < 1 || k > lanes.size) {
      throw new UnsupportedNodeException(node, "k is " + k + " of " + lanes.size + " elements");
    }
    int sign = node.intAttribute("largest", 1) != 0 ? 1 : -1;
    long[] dims = input.dims();
    dims[axis] = k;
    Elements type = Elements.of(input.type(), node);
    Stored from = Copies.plain(node, to, input);
    Stored values = Copies.allocate(node, to, input.type(), dims);
    Stored places = Copies.allocate(node, to, DataType.INT64, dims);
    int kept = (int) k;
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer best = writes.get(0);
          ByteBuffer where = writes.get(1);
          int[] chosen = new int[kept];
          return () -> {
            for (int lane = 0; lane < lanes.count(); lane++) {
              choose(type, in, lanes, lane, sign, chosen);
              int start = lanes.start(lane, lanes.size);
              int into = lanes.start(lane, kept);
              for (int i = 0; i < kept; i++) {
                int at = into + i * lanes.inner;
                int source = (start + chosen[i] * lanes.inner) * type.width();
                best.put(at * type.width(), in, source, type.width());
                where.putLong(at << 3, chosen[i]);
              }
            }
          };
        };
    to.kernel("top-k", kernel, List.of(from), List.of(values, places));
    define(to, node, 0, input == given ? Operand.stored(values) : dequantized(values, q));
    define(to, node, 1, Operand.stored(places));
  }

  private static Operand dequantized(Stored stored, @Nullable Quantization q) {
    Operand integers = Operand.stored(stored);
    return q == null ? integers : Operand.dequantized(integers, q);
  }

  private static void define(Compilation to, Node node, int index, Operand operand) {
    Value output = index < node.outputs().size() ? node.outputs().get(index) : null;
    if (output != null) {
      to.define(output, operand);
    }
  }

  /** Fills {@code chosen} with the places of the best elements of a lane, best first. */
  private static void choose(
      Elements type, ByteBuffer in, Lanes lanes, int lane, int sign, int[] chosen) {
    int start = lanes.start(lane, lanes.size);
    int found = 0;
    for (int i = 0; i < lanes.size; i++) {
      int at = start + i * lanes.inner;
      if (found == chosen.length
          && sign * compare(type, in, at, start + chosen[found - 1] * lanes.inner) <= 0) {
        continue;
      }
      int low = 0;
      int high = found;
      while (low < high) {
        int middle = (low + high) / 2;
        if (sign * compare(type, in, at, start + chosen[middle] * lanes.inner) > 0) {
          high = middle;
        } else {
          low = middle + 1;
        }
      }
      found = Math.min(found + 1, chosen.length);
      System.arraycopy(chosen, low, chosen, low + 1, found - 1 - low);
      chosen[low] = i;
    }
  }

  // ---- CumSum ----

  private static Operand sums(Node node, Compilation to, Operand input) {
    long asked = Settings.number(node, to, 1, "axis");
    int axis = Views.axis(node, asked, input.rank(), false);
    boolean exclusive = node.intAttribute("exclusive", 0) != 0;
    boolean backwards = node.intAttribute("reverse", 0) != 0;
    Lanes lanes = Lanes.of(input, axis);
    Elements type = Elements.of(input.type(), node);
    Stored from = Copies.plain(node, to, input);
    Stored result = Copies.allocate(node, to, input.type(), input.dims());
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer out = writes.get(0);
          return () -> {
            for (int lane = 0; lane < lanes.count(); lane++) {
              int start = lanes.start(lane, lanes.size);
              double real = 0;
              long whole = 0;
              for (int i = 0; i < lanes.size; i++) {
                int at = start + (backwards ? lanes.size - 1 - i : i) * lanes.inner;
                double realBefore = real;
                long wholeBefore = whole;
                if (type.isFloat()) {
                  real += type.real(in, at);
                  type.put(out, at, exclusive ? realBefore : real);
                } else {
                  whole += type.whole(in, at);
                  type.put(out, at, exclusive ? wholeBefore : whole);
                }
              }
            }
          };
        };
    to.kernel("cumulative sum", kernel, List.of(from), List.of(result));
    return Operand.stored(result);
  }
}
