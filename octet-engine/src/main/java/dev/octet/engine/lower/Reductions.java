package dev.octet.engine.lower;

import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Kernel;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleBinaryOperator;
import java.util.function.LongBinaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * ReduceSum and its kin over any axes. Reals are accumulated as doubles, whole numbers as 64-bit
 * integers.
 */
final class Reductions implements Lowering {
  static final String[] OPERATORS = {
    "ReduceSum",
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceSumSquare",
    "ReduceLogSum",
    "ReduceLogSumExp"
  };

  /** How elements are put together; {@code last} makes the result of what was put together. */
  private record Fold(
      double start,
      DoubleBinaryOperator real,
      long wholeStart,
      @Nullable LongBinaryOperator whole,
      Finish last) {}

  @FunctionalInterface
  private interface Finish {
    double of(double folded, int count);
  }

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    Operand input = to.input(node, 0);
    int rank = input.rank();
    int[] axes = Settings.axes(node, to, 1, rank);
    if (axes.length == 0) {
      if (node.intAttribute("noop_with_empty_axes", 0) != 0) {
        to.define(output, input);
        return;
      }
      axes = IntStream.range(0, rank).toArray();
    }
    boolean keep = node.intAttribute("keepdims", 1) != 0;
    long[] kept = input.dims();
    for (int axis : axes) {
      kept[axis] = 1;
    }
    int[] gone = axes;
    long[] dims =
        keep
            ? kept
            : IntStream.range(0, rank)
                .filter(i -> Arrays.binarySearch(gone, i) < 0)
                .mapToLong(i -> kept[i])
                .toArray();
    Elements type = Elements.of(input.type(), node);
    Walk walk =
        Walk.over(input.dims(), Walk.strides(input.dims()), Walk.broadcast(kept, input.dims()));
    Stored from = Copies.plain(node, to, input);
    Stored result = Copies.allocate(node, to, input.type(), dims);
    int results = Math.toIntExact(result.layout().elements());
    if (results == 0) {
      to.define(output, result);
      return;
    }
    int each = Math.toIntExact(input.elements() / results);
    Kernel kernel;
    if (type.isFloat()) {
      kernel = reals(type, walk, fold(node), node.is("ReduceLogSumExp"), results, each);
    } else {
      LongBinaryOperator whole = fold(node).whole;
      if (whole == null) {
        throw new UnsupportedNodeException(node, "it is not defined for " + input.type());
      }
      kernel = wholes(type, walk, fold(node), whole, results, node.is("ReduceMean") ? each : 1);
    }
    to.kernel("reduction", kernel, List.of(from), List.of(result));
    to.define(output, result);
  }

  private static Kernel reals(
      Elements type, Walk walk, Fold fold, boolean exponents, int results, int each) {
    return (reads, writes) -> {
      ByteBuffer in = reads.get(0);
      ByteBuffer out = writes.get(0);
      double[] folded = new double[results];
      double[] largest = new double[exponents ? results : 0];
      Walk.Cursor cursor = walk.cursor();
      return () -> {
        if (exponents) {
          // exp is taken of differences from the largest element: it cannot overflow then.
          Arrays.fill(largest, Double.NEGATIVE_INFINITY);
          fold(type, walk, cursor, in, largest, Math::max);
          for (int i = 0; i < results; i++) {
            largest[i] = Double.isInfinite(largest[i]) ? 0 : largest[i];
          }
          Arrays.fill(folded, 0);
          sumExponents(type, walk, cursor, in, folded, largest);
          for (int i = 0; i < results; i++) {
            type.put(out, i, Math.log(folded[i]) + largest[i]);
          }
          return;
        }
        Arrays.fill(folded, fold.start);
        fold(type, walk, cursor, in, folded, fold.real);
        for (int i = 0; i < results; i++) {
          type.put(out, i, fold.last.of(folded[i], each));
        }
      };
    };
  }

  private static void fold(
      Elements type,
      Walk walk,
      Walk.Cursor cursor,
      ByteBuffer in,
      double[] folded,
      DoubleBinaryOperator function) {
    cursor.reset();
    int length = walk.length();
    int stride = walk.stride(1);
    do {
      int from = cursor.at(0);
      int into = cursor.at(1);
      if (stride == 0) {
        double sum = folded[into];
        for (int i = 0; i < length; i++) {
          sum = function.applyAsDouble(sum, type.real(in, from + i));
        }
        folded[into] = sum;
      } else {
        for (int i = 0; i < length; i++) {
          int at = into + i * stride;
          folded[at] = function.applyAsDouble(folded[at], type.real(in, from + i));
        }
      }
    } while (cursor.next());
  }

  private static void sumExponents(
      Elements type,
      Walk walk,
      Walk.Cursor cursor,
      ByteBuffer in,
      double[] folded,
      double[] largest) {
    cursor.reset();
    do {
      for (int i = 0; i < walk.length(); i++) {
        int at = cursor.at(1) + i * walk.stride(1);
        folded[at] += Math.exp(type.real(in, cursor.at(0) + i) - largest[at]);
      }
    } while (cursor.next());
  }

  private static Kernel wholes(
      Elements type, Walk walk, Fold fold, LongBinaryOperator function, int results, int divisor) {
    return (reads, writes) -> {
      ByteBuffer in = reads.get(0);
      ByteBuffer out = writes.get(0);
      long[] folded = new long[results];
      Walk.Cursor cursor = walk.cursor();
      return () -> {
        Arrays.fill(folded, fold.wholeStart);
        cursor.reset();
        do {
          for (int i = 0; i < walk.length(); i++) {
            int at = cursor.at(1) + i * walk.stride(1);
            folded[at] = function.applyAsLong(folded[at], type.whole(in, cursor.at(0) + i));
          }
        } while (cursor.next());
        for (int i = 0; i < results; i++) {
          type.put(out, i, folded[i] / divisor);
        }
      };
    };
  }

  private static Fold fold(Node node) {
    Finish as = (folded, count) -> folded;
    return switch (node.op()) {
      case "ReduceSum" -> new Fold(0, Double::sum, 0, Long::sum, as);
      case "ReduceMean" -> new Fold(0, Double::sum, 0, Long::sum, (sum, count) -> sum / count);
      case "ReduceMax" ->
          new Fold(Double.NEGATIVE_INFINITY, Math::max, Long.MIN_VALUE, Math::max, as);
      case "ReduceMin" ->
          new Fold(Double.POSITIVE_INFINITY, Math::min, Long.MAX_VALUE, Math::min, as);
      case "ReduceProd" -> new Fold(1, (a, b) -> a * b, 1, (a, b) -> a * b, as);
      case "ReduceL1" -> new Fold(0, (a, b) -> a + Math.abs(b), 0, (a, b) -> a + Math.abs(b), as);
      case "ReduceL2" -> new Fold(0, (a, b) -> a + b * b, 0, null, (sum, n) -> Math.sqrt(sum));
      case "ReduceSumSquare" -> new Fold(0, (a, b) -> a + b * b, 0, (a, b) -> a + b * b, as);
      case "ReduceLogSum" -> new Fold(0, Double::sum, 0, null, (sum, n) -> Math.log(sum));
      default -> new Fold(0, Double::sum, 0, null, as);
    };
  }
}
