package dev.octet.engine.reference;

import static dev.octet.engine.reference.Operator.single;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleBinaryOperator;
import java.util.stream.IntStream;

/** What reads or writes elements at places that are data. */
final class Indexing {

  private Indexing() {}

  static void register(Map<String, Operator> operators) {
    operators.put("Gather", single(Indexing::gather));
    operators.put("GatherElements", single(Indexing::gatherElements));
    operators.put("GatherND", single(Indexing::gatherNd));
    operators.put("ScatterElements", single(Indexing::scatterElements));
    operators.put("ScatterND", single(Indexing::scatterNd));
    operators.put("OneHot", single(Indexing::oneHot));
    operators.put("Trilu", single(Indexing::trilu));
    operators.put("EyeLike", single(Indexing::eyeLike));
    operators.put("NonZero", single(Indexing::nonZero));
    operators.put("Compress", single(Indexing::compress));
    operators.put("ReverseSequence", single(Indexing::reverseSequence));
  }

  /** An index from the end where it is negative. */
  private static int counted(double index, int length) {
    int at = (int) (index < 0 ? index + length : index);
    if (at < 0 || at >= length) {
      throw new IllegalArgumentException("index " + index + " is not one of " + length);
    }
    return at;
  }

  private static Tensor gather(Call call) {
    int[] in = Movements.shapeOf(call.tensor(0));
    Array indices = call.array(1);
    int axis = Array.axis(call.integer("axis", 0), in.length);
    int inner = Array.size(Arrays.copyOfRange(in, axis + 1, in.length));
    int[] shape =
        IntStream.concat(
                IntStream.concat(Arrays.stream(in, 0, axis), Arrays.stream(indices.shape)),
                Arrays.stream(in, axis + 1, in.length))
            .toArray();
    int count = indices.values.length;
    return Movements.pick(
        call.tensor(0),
        shape,
        i ->
            (i / inner / count * in[axis] + counted(indices.values[i / inner % count], in[axis]))
                    * inner
                + i % inner,
        null);
  }

  private static Tensor gatherElements(Call call) {
    int[] in = Movements.shapeOf(call.tensor(0));
    Array indices = call.array(1);
    int axis = Array.axis(call.integer("axis", 0), in.length);
    return Movements.pick(call.tensor(0), indices.shape, i -> element(indices, i, in, axis), null);
  }

  /** The element at the coordinates of index number {@code i}, but for {@code axis}. */
  private static int element(Array indices, int i, int[] in, int axis) {
    int[] at = Array.coordinates(i, indices.shape);
    at[axis] = counted(indices.values[i], in[axis]);
    return flat(at, in);
  }

  private static int flat(int[] at, int[] shape) {
    int index = 0;
    for (int axis = 0; axis < shape.length; axis++) {
      index = index * shape[axis] + at[axis];
    }
    return index;
  }

  private static Tensor gatherNd(Call call) {
    int[] in = Movements.shapeOf(call.tensor(0));
    Array indices = call.array(1);
    int batch = call.integer("batch_dims", 0);
    int depth = indices.shape[indices.rank() - 1];
    int[] outer = Arrays.copyOf(indices.shape, indices.rank() - 1);
    int[] shape =
        IntStream.concat(Arrays.stream(outer), Arrays.stream(in, batch + depth, in.length))
            .toArray();
    int inner = Array.size(Arrays.copyOfRange(in, batch + depth, in.length));
    return Movements.pick(
        call.tensor(0), shape, i -> slice(indices, i / inner, in, batch) * inner + i % inner, null);
  }

  /** The number of the slice that index tuple number {@code tuple} names. */
  private static int slice(Array indices, int tuple, int[] in, int batch) {
    int[] outer = Arrays.copyOf(indices.shape, indices.rank() - 1);
    int[] at = Array.coordinates(tuple, outer);
    int depth = indices.shape[indices.rank() - 1];
    int number = 0;
    for (int axis = 0; axis < batch + depth; axis++) {
      int place =
          axis < batch ? at[axis] : counted(indices.values[tuple * depth + axis - batch], in[axis]);
      number = number * in[axis] + place;
    }
    return number;
  }

  private static Tensor scatterElements(Call call) {
    Array y = call.array(0);
    Array indices = call.array(1);
    Array updates = call.array(2);
    int axis = y.axis(call.integer("axis", 0));
    DoubleBinaryOperator join = join(call);
    for (int i = 0; i < updates.values.length; i++) {
      int to = element(indices, i, y.shape, axis);
      y.values[to] = join.applyAsDouble(y.values[to], updates.values[i]);
    }
    return y.to(call.type());
  }

  private static Tensor scatterNd(Call call) {
    Array y = call.array(0);
    Array indices = call.array(1);
    Array updates = call.array(2);
    DoubleBinaryOperator join = join(call);
    int inner = y.product(indices.shape[indices.rank() - 1], y.rank());
    for (int i = 0; i < updates.values.length; i++) {
      int to = slice(indices, i / inner, y.shape, 0) * inner + i % inner;
      y.values[to] = join.applyAsDouble(y.values[to], updates.values[i]);
    }
    return y.to(call.type());
  }

  private static DoubleBinaryOperator join(Call call) {
    return switch (call.text("reduction", "none")) {
      case "none" -> (old, update) -> update;
      case "add" -> Double::sum;
      case "mul" -> (old, update) -> old * update;
      case "max" -> Math::max;
      case "min" -> Math::min;
      default -> throw new IllegalArgumentException("unknown reduction");
    };
  }

  private static Tensor oneHot(Call call) {
    Array indices = call.array(0);
    int depth = (int) call.array(1).scalar();
    Array offOn = call.array(2);
    int axis = Array.axis(call.integer("axis", -1), indices.rank() + 1);
    List<Integer> shape = new ArrayList<>(Arrays.stream(indices.shape).boxed().toList());
    shape.add(axis, depth);
    Array y = Array.zeros(shape.stream().mapToInt(s -> s).toArray());
    int inner = y.product(axis + 1, y.rank());
    for (int i = 0; i < y.values.length; i++) {
      double index = indices.values[i / inner / depth * inner + i % inner];
      boolean on = (index < 0 ? index + depth : index) == i / inner % depth;
      y.values[i] = offOn.values[on ? 1 : 0];
    }
    return y.to(call.tensor(2).type());
  }

  private static Tensor trilu(Call call) {
    int[] in = Movements.shapeOf(call.tensor(0));
    int shift = (int) call.scalar(1, 0);
    boolean upper = call.node().intAttribute("upper", 1) != 0;
    int columns = in[in.length - 1];
    int rows = in[in.length - 2];
    return Movements.pick(
        call.tensor(0),
        in,
        i -> {
          int above = i % columns - i / columns % rows - shift;
          return (upper ? above >= 0 : above <= 0) ? i : -1;
        },
        null);
  }

  private static Tensor eyeLike(Call call) {
    Array y = Array.zeros(Movements.shapeOf(call.tensor(0)));
    int shift = call.integer("k", 0);
    DataType named = DataType.ofCode(call.integer("dtype", 0));
    Arrays.setAll(y.values, i -> i % y.shape[1] - i / y.shape[1] == shift ? 1 : 0);
    return y.to(named == null ? call.type() : named);
  }

  private static Tensor nonZero(Call call) {
    Array x = call.array(0);
    int[] found = IntStream.range(0, x.values.length).filter(i -> x.values[i] != 0).toArray();
    Array y = Array.zeros(x.rank(), found.length);
    for (int i = 0; i < found.length; i++) {
      int[] at = Array.coordinates(found[i], x.shape);
      for (int axis = 0; axis < at.length; axis++) {
        y.values[axis * found.length + i] = at[axis];
      }
    }
    return y.to(DataType.INT64);
  }

  private static Tensor compress(Call call) {
    boolean flat = !call.isSet("axis");
    int[] in =
        flat ? new int[] {(int) call.tensor(0).elementCount()} : Movements.shapeOf(call.tensor(0));
    int axis = Array.axis(call.node().intAttribute("axis", 0), in.length);
    Array wanted = call.array(1);
    int[] kept =
        IntStream.range(0, wanted.values.length).filter(i -> wanted.values[i] != 0).toArray();
    int[] out = in.clone();
    out[axis] = kept.length;
    int inner = Array.size(Arrays.copyOfRange(in, axis + 1, in.length));
    return Movements.pick(
        call.tensor(0),
        out,
        i ->
            (i / inner / kept.length * in[axis] + kept[i / inner % kept.length]) * inner
                + i % inner,
        null);
  }

  private static Tensor reverseSequence(Call call) {
    int[] in = Movements.shapeOf(call.tensor(0));
    Array lengths = call.array(1);
    int time = call.integer("time_axis", 0);
    int batch = call.integer("batch_axis", 1);
    return Movements.pick(
        call.tensor(0),
        in,
        i -> {
          int[] at = Array.coordinates(i, in);
          int length = (int) lengths.values[at[batch]];
          at[time] = at[time] < length ? length - 1 - at[time] : at[time];
          return flat(at, in);
        },
        null);
  }
}
