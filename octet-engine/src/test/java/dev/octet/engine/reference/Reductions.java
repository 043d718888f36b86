package dev.octet.engine.reference;

import static dev.octet.engine.reference.Operator.single;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/** What makes one number of many along axes. */
final class Reductions {

  private Reductions() {}

  static void register(Map<String, Operator> operators) {
    put(operators, "ReduceSum", v -> DoubleStream.of(v).sum());
    put(operators, "ReduceMean", v -> DoubleStream.of(v).sum() / v.length);
    put(
        operators,
        "ReduceMax",
        v -> DoubleStream.of(v).reduce(Double.NEGATIVE_INFINITY, Math::max));
    put(
        operators,
        "ReduceMin",
        v -> DoubleStream.of(v).reduce(Double.POSITIVE_INFINITY, Math::min));
    put(operators, "ReduceProd", v -> DoubleStream.of(v).reduce(1, (a, b) -> a * b));
    put(operators, "ReduceL1", v -> DoubleStream.of(v).map(Math::abs).sum());
    put(operators, "ReduceL2", v -> Math.sqrt(DoubleStream.of(v).map(a -> a * a).sum()));
    put(operators, "ReduceSumSquare", v -> DoubleStream.of(v).map(a -> a * a).sum());
    put(operators, "ReduceLogSum", v -> Math.log(DoubleStream.of(v).sum()));
    put(operators, "ReduceLogSumExp", Reductions::logSumExp);
    operators.put("ArgMax", single(c -> best(c, 1)));
    operators.put("ArgMin", single(c -> best(c, -1)));
    operators.put("CumSum", single(Reductions::cumulativeSum));
    operators.put("TopK", Reductions::topK);
  }

  private static double logSumExp(double[] values) {
    double largest = DoubleStream.of(values).reduce(Double.NEGATIVE_INFINITY, Math::max);
    return Double.isInfinite(largest)
        ? largest
        : largest + Math.log(DoubleStream.of(values).map(v -> Math.exp(v - largest)).sum());
  }

  private static void put(
      Map<String, Operator> operators, String name, ToDoubleFunction<double[]> reduce) {
    operators.put(name, single(call -> reduce(call, reduce)));
  }

  private static Tensor reduce(Call call, ToDoubleFunction<double[]> reduce) {
    Array x = call.array(0);
    int[] axes = call.list(1, "axes");
    if (axes.length == 0) {
      if (call.flag("noop_with_empty_axes")) {
        return call.tensor(0);
      }
      axes = IntStream.range(0, x.rank()).toArray();
    }
    boolean[] gone = new boolean[x.rank()];
    for (int axis : axes) {
      gone[x.axis(axis)] = true;
    }
    int[] kept = IntStream.range(0, x.rank()).filter(a -> !gone[a]).toArray();
    int[] order =
        IntStream.concat(
                Arrays.stream(kept), IntStream.range(0, x.rank()).filter(axis -> gone[axis]))
            .toArray();
    Array turned = x.transpose(order);
    int count = turned.product(kept.length, x.rank());
    int[] shape =
        call.node().intAttribute("keepdims", 1) != 0
            ? IntStream.range(0, x.rank()).map(a -> gone[a] ? 1 : x.shape[a]).toArray()
            : Arrays.stream(kept).map(a -> x.shape[a]).toArray();
    Array y = Array.zeros(shape);
    Arrays.setAll(
        y.values,
        i -> reduce.applyAsDouble(Arrays.copyOfRange(turned.values, i * count, (i + 1) * count)));
    return y.to(call.type());
  }

  /** The place of the largest number times {@code sign}; the first or the last of equals. */
  private static Tensor best(Call call, int sign) {
    Array x = call.array(0);
    int axis = x.axis(call.integer("axis", 0));
    boolean last = call.flag("select_last_index");
    int inner = x.product(axis + 1, x.rank());
    int count = x.shape[axis];
    List<Integer> shape = new ArrayList<>(Arrays.stream(x.shape).boxed().toList());
    shape.set(axis, 1);
    if (call.node().intAttribute("keepdims", 1) == 0) {
      shape.remove(axis);
    }
    Array y = Array.zeros(shape.stream().mapToInt(s -> s).toArray());
    for (int i = 0; i < y.values.length; i++) {
      int first = i / inner * count * inner + i % inner;
      int found = 0;
      for (int k = 1; k < count; k++) {
        double difference = sign * (x.values[first + k * inner] - x.values[first + found * inner]);
        found = difference > 0 || (last && difference == 0) ? k : found;
      }
      y.values[i] = found;
    }
    return y.to(DataType.INT64);
  }

  private static Tensor cumulativeSum(Call call) {
    Array x = call.array(0);
    int axis = x.axis((long) call.array(1).scalar());
    boolean exclusive = call.flag("exclusive");
    boolean reverse = call.flag("reverse");
    int inner = x.product(axis + 1, x.rank());
    int count = x.shape[axis];
    double[] y = new double[x.values.length];
    for (int i = 0; i < y.length; i++) {
      int at = i / inner % count;
      int from = reverse ? at + (exclusive ? 1 : 0) : 0;
      int to = reverse ? count : at + (exclusive ? 0 : 1);
      for (int k = from; k < to; k++) {
        y[i] += x.values[i + (k - at) * inner];
      }
    }
    return new Array(x.shape, y).to(call.type());
  }

  /** The best first; among equals the one that stands first. */
  private static List<Tensor> topK(Call call) {
    Array x = call.array(0);
    int k = call.has(1) ? (int) call.array(1).scalar() : call.integer("k", 1);
    int axis = x.axis(call.integer("axis", -1));
    int sign = call.node().intAttribute("largest", 1) != 0 ? -1 : 1;
    int inner = x.product(axis + 1, x.rank());
    int[] shape = x.shape.clone();
    shape[axis] = k;
    Array values = Array.zeros(shape);
    Array places = Array.zeros(shape);
    for (int line = 0; line < x.values.length / x.shape[axis]; line++) {
      int first = line / inner * x.shape[axis] * inner + line % inner;
      List<Integer> order =
          IntStream.range(0, x.shape[axis])
              .boxed()
              .sorted(
                  (a, b) ->
                      Double.compare(
                          sign * x.values[first + a * inner], sign * x.values[first + b * inner]))
              .toList();
      for (int i = 0; i < k; i++) {
        int to = (line / inner * k + i) * inner + line % inner;
        values.values[to] = x.values[first + order.get(i) * inner];
        places.values[to] = order.get(i);
      }
    }
    return List.of(values.to(call.type()), places.to(DataType.INT64));
  }
}
