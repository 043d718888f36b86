package dev.octet.engine.reference;

import static dev.octet.engine.reference.Operator.single;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Pooling over windows, and over everything. */
final class Pools {

  private Pools() {}

  static void register(Map<String, Operator> operators) {
    operators.put("MaxPool", Pools::maxPool);
    operators.put("AveragePool", single(Pools::averagePool));
    operators.put("LpPool", single(Pools::lpPool));
    operators.put("GlobalAveragePool", global(plane -> Arrays.stream(plane).sum() / plane.length));
    operators.put(
        "GlobalMaxPool",
        global(plane -> Arrays.stream(plane).reduce(Double.NEGATIVE_INFINITY, Math::max)));
    operators.put("GlobalLpPool", single(Pools::globalLpPool));
  }

  private static Window window(Call call, Array x) {
    return Window.of(call, Arrays.copyOfRange(x.shape, 2, x.rank()), call.integers("kernel_shape"));
  }

  /** Zeros of the shape that {@code window} makes of {@code x}. */
  private static Array made(Array x, Window window) {
    int[] shape = x.shape.clone();
    System.arraycopy(window.out().toArray(), 0, shape, 2, shape.length - 2);
    return Array.zeros(shape);
  }

  /** The second output counts elements of the whole input, row-major unless storage_order is 1. */
  private static List<Tensor> maxPool(Call call) {
    Array x = call.array(0);
    Window window = window(call, x);
    int[][] reads = window.reads();
    Array y = made(x, window);
    Array places = made(x, window);
    int inner = window.in().product();
    for (int i = 0; i < y.values.length; i++) {
      int plane = i / reads.length * inner;
      double best = Double.NEGATIVE_INFINITY;
      int at = -1;
      for (int from : reads[i % reads.length]) {
        if (from >= 0 && (at < 0 || x.values[plane + from] > best)) {
          best = x.values[plane + from];
          at = from;
        }
      }
      y.values[i] = best;
      places.values[i] = plane + (call.flag("storage_order") ? columnMajor(at, window.in()) : at);
    }
    return List.of(y.to(call.type()), places.to(DataType.INT64));
  }

  private static int columnMajor(int index, Window.Axes axes) {
    int[] at = Array.coordinates(index, axes.toArray());
    int result = 0;
    for (int i = at.length - 1; i >= 0; i--) {
      result = result * axes.at(i) + at[i];
    }
    return result;
  }

  private static Tensor averagePool(Call call) {
    Array x = call.array(0);
    Window window = window(call, x);
    boolean padding = call.flag("count_include_pad");
    Array y = made(x, window);
    int inner = window.in().product();
    int positions = window.out().product();
    for (int i = 0; i < y.values.length; i++) {
      double sum = 0;
      int count = 0;
      for (int tap = 0; tap < window.kernel().product(); tap++) {
        int from = window.read(i % positions, tap);
        if (from >= 0) {
          sum += x.values[i / positions * inner + from];
          count++;
        } else if (padding && window.isPadded(i % positions, tap)) {
          count++;
        }
      }
      y.values[i] = sum / count;
    }
    return y.to(call.type());
  }

  private static Tensor lpPool(Call call) {
    Array x = call.array(0);
    Window window = window(call, x);
    int[][] reads = window.reads();
    int p = call.integer("p", 2);
    Array y = made(x, window);
    int inner = window.in().product();
    for (int i = 0; i < y.values.length; i++) {
      double sum = 0;
      for (int from : reads[i % reads.length]) {
        sum += from < 0 ? 0 : Math.pow(Math.abs(x.values[i / reads.length * inner + from]), p);
      }
      y.values[i] = Math.pow(sum, 1.0 / p);
    }
    return y.to(call.type());
  }

  private static Tensor globalLpPool(Call call) {
    int p = call.integer("p", 2);
    return overPlanes(
        call,
        plane -> Math.pow(Arrays.stream(plane).map(v -> Math.pow(Math.abs(v), p)).sum(), 1.0 / p));
  }

  private static Operator global(ToDoubleFunction<double[]> pool) {
    return single(call -> overPlanes(call, pool));
  }

  /** {@code pool} of all spatial elements of a channel. */
  private static Tensor overPlanes(Call call, ToDoubleFunction<double[]> pool) {
    Array x = call.array(0);
    int inner = x.product(2, x.rank());
    List<Double> pooled = new ArrayList<>();
    for (int at = 0; at < x.values.length; at += inner) {
      pooled.add(pool.applyAsDouble(Arrays.copyOfRange(x.values, at, at + inner)));
    }
    int[] shape = x.shape.clone();
    Arrays.fill(shape, 2, shape.length, 1);
    return new Array(shape, pooled.stream().mapToDouble(v -> v).toArray()).to(call.type());
  }
}
