package dev.octet.engine.reference;

import static dev.octet.engine.reference.Operator.single;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.fold.Evaluator;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What moves whole blocks of elements without looking at them. */
final class Movements {

  private Movements() {}

  static void register(Map<String, Operator> operators) {
    operators.put("Constant", single(Movements::constant));
    operators.put("Dropout", Movements::dropout);
    operators.put("Shape", single(Movements::shape));
    operators.put("Size", single(c -> Tensor.ofLongs(new long[] {c.tensor(0).elementCount()})));
    operators.put("Flatten", single(Movements::flatten));
    operators.put("Transpose", single(Movements::transpose));
    operators.put("Expand", single(Movements::expand));
    operators.put("Tile", single(Movements::tile));
    operators.put("Pad", single(Movements::pad));
    operators.put("Split", Movements::split);
    operators.put("DepthToSpace", single(Movements::depthToSpace));
    operators.put("SpaceToDepth", single(Movements::spaceToDepth));
    operators.put("Cast", single(Movements::cast));
    operators.put("CastLike", single(c -> c.array(0).to(c.tensor(1).type())));
  }

  /**
   * A tensor whose element i is element {@code from(i)} of {@code source}, or that of {@code fill}
   * where {@code from} says -1.
   */
  static Tensor pick(Tensor source, int[] shape, IntUnaryOperator from, @Nullable Tensor fill) {
    DataType type = source.type();
    if (type.bits() < 8) {
      Array codes = Array.of(source);
      double other = fill == null ? 0 : Array.of(fill).scalar();
      double[] picked =
          IntStream.range(0, Array.size(shape))
              .map(from)
              .mapToDouble(i -> i < 0 ? other : codes.values[i])
              .toArray();
      return new Array(shape, picked).to(type);
    }
    int width = type.bits() / 8;
    ByteBuffer in = source.data();
    ByteBuffer out = ByteBuffer.allocate(Array.size(shape) * width);
    for (int i = 0; i < out.capacity() / width; i++) {
      int at = from.applyAsInt(i);
      if (at >= 0) {
        out.put(i * width, in, at * width, width);
      } else if (fill != null) {
        out.put(i * width, fill.data(), 0, width);
      }
    }
    return Tensor.wrap(type, Arrays.stream(shape).asLongStream().toArray(), out);
  }

  static int[] shapeOf(Tensor tensor) {
    return Arrays.stream(tensor.shape()).mapToInt(Math::toIntExact).toArray();
  }

  private static Tensor constant(Call call) {
    Node node = call.node();
    Attribute only = node.attributes().values().iterator().next();
    if (only instanceof Attribute.TensorValue given) {
      return given.value();
    }
    if (only instanceof Attribute.IntValue given) {
      return Tensor.ofLongs(new long[] {given.value()});
    }
    if (only instanceof Attribute.FloatValue given) {
      return Tensor.ofFloats(new float[] {given.value()});
    }
    if (only instanceof Attribute.IntList given) {
      long[] values = given.values().stream().mapToLong(v -> v).toArray();
      return Tensor.ofLongs(values, values.length);
    }
    throw new IllegalArgumentException("a constant of kind " + only.kind());
  }

  /** For inference: everything is kept. */
  private static List<Tensor> dropout(Call call) {
    Array x = call.array(0);
    double[] ones = new double[x.values.length];
    Arrays.fill(ones, 1);
    return List.of(call.tensor(0), new Array(x.shape, ones).to(DataType.BOOL));
  }

  private static Tensor shape(Call call) {
    long[] shape = call.tensor(0).shape();
    int start = bound(call.integer("start", 0), shape.length);
    int end = bound(call.integer("end", shape.length), shape.length);
    long[] part = Arrays.copyOfRange(shape, start, Math.max(start, end));
    return Tensor.ofLongs(part, part.length);
  }

  private static int bound(int index, int rank) {
    return Math.max(0, Math.min(rank, index < 0 ? index + rank : index));
  }

  private static Tensor flatten(Call call) {
    Tensor x = call.tensor(0);
    int given = call.integer("axis", 1);
    int axis = given < 0 ? given + x.rank() : given;
    int[] shape = shapeOf(x);
    return x.reshape(
        Array.size(Arrays.copyOf(shape, axis)),
        Array.size(Arrays.copyOfRange(shape, axis, shape.length)));
  }

  private static Tensor transpose(Call call) {
    int[] shape = shapeOf(call.tensor(0));
    int[] reversed = IntStream.range(0, shape.length).map(i -> shape.length - 1 - i).toArray();
    Array from = places(shape).transpose(call.integers("perm", reversed));
    return pick(call.tensor(0), from.shape, i -> (int) from.values[i], null);
  }

  /** The number of each element. */
  private static Array places(int[] shape) {
    Array places = Array.zeros(shape);
    Arrays.setAll(places.values, i -> i);
    return places;
  }

  private static Tensor expand(Call call) {
    Array places = places(shapeOf(call.tensor(0)));
    Array from = places.broadcast(Array.broadcast(places.shape, call.list(1, "")));
    return pick(call.tensor(0), from.shape, i -> (int) from.values[i], null);
  }

  private static Tensor tile(Call call) {
    int[] in = shapeOf(call.tensor(0));
    int[] repeats = call.list(1, "");
    int[] out = IntStream.range(0, in.length).map(i -> in[i] * repeats[i]).toArray();
    Array places = places(in);
    return pick(
        call.tensor(0),
        out,
        i -> {
          int[] at = Array.coordinates(i, out);
          Arrays.setAll(at, axis -> at[axis] % in[axis]);
          return places.index(at);
        },
        null);
  }

  /** Concat of real numbers; octet-graph's evaluator has that of every type. */
  static Tensor concat(Call call) {
    Array first = call.array(0);
    int axis = first.axis(call.integer("axis", 0));
    int[] shape = first.shape.clone();
    List<Array> parts = new ArrayList<>();
    for (int i = 0; i < call.inputs().size(); i++) {
      parts.add(call.array(i));
    }
    shape[axis] = parts.stream().mapToInt(part -> part.shape[axis]).sum();
    int inner = first.product(axis + 1, first.rank());
    Array y = Array.zeros(shape);
    int start = 0;
    for (Array part : parts) {
      int row = part.shape[axis] * inner;
      for (int i = 0; i < part.values.length; i++) {
        y.values[i / row * shape[axis] * inner + start + i % row] = part.values[i];
      }
      start += row;
    }
    return y.to(call.type());
  }

  private static Tensor pad(Call call) {
    Tensor x = call.tensor(0);
    int[] in = shapeOf(x);
    int[] pads = call.list(1, "pads");
    int[] axes = call.list(3, "", IntStream.range(0, in.length).toArray());
    String mode = call.text("mode", "constant");
    int[] begin = new int[in.length];
    int[] out = in.clone();
    for (int i = 0; i < axes.length; i++) {
      int axis = Array.axis(axes[i], in.length);
      begin[axis] = pads[i];
      out[axis] += pads[i] + pads[axes.length + i];
    }
    Tensor fill = call.optionalTensor(2);
    if (fill == null && call.isSet("value")) {
      fill = Tensor.ofFloats(new float[] {(float) call.real("value", 0)});
    }
    return pick(
        x,
        out,
        i -> {
          int[] at = Array.coordinates(i, out);
          int index = 0;
          for (int axis = 0; axis < in.length; axis++) {
            int source = padded(at[axis] - begin[axis], in[axis], mode);
            if (source < 0) {
              return -1;
            }
            index = index * in[axis] + source;
          }
          return index;
        },
        fill);
  }

  /** What a coordinate outside of {@code length} reads; -1 for the constant. */
  private static int padded(int at, int length, String mode) {
    if (at >= 0 && at < length) {
      return at;
    }
    return switch (mode) {
      case "edge" -> Math.max(0, Math.min(length - 1, at));
      case "wrap" -> Math.floorMod(at, length);
      case "reflect" -> {
        int period = Math.max(1, 2 * (length - 1));
        int folded = Math.floorMod(at, period);
        yield Math.min(folded, period - folded) % length;
      }
      default -> -1;
    };
  }

  private static List<Tensor> split(Call call) {
    Tensor x = call.tensor(0);
    int[] in = shapeOf(x);
    int axis = Array.axis(call.integer("axis", 0), in.length);
    int parts = call.node().outputs().size();
    int size = (in[axis] + parts - 1) / parts;
    int[] even = new int[parts];
    Arrays.setAll(even, i -> Math.min(size, in[axis] - i * size));
    int inner = Array.size(Arrays.copyOfRange(in, axis + 1, in.length));
    List<Tensor> made = new ArrayList<>();
    int first = 0;
    for (int length : call.list(1, "split", even)) {
      int[] out = in.clone();
      out[axis] = length;
      int start = first * inner;
      made.add(
          pick(
              x,
              out,
              i -> i / (length * inner) * in[axis] * inner + start + i % (length * inner),
              null));
      first += length;
    }
    return made;
  }

  private static Tensor depthToSpace(Call call) {
    int b = call.integer("blocksize", 1);
    int[] s = shapeOf(call.tensor(0));
    int c = s[1] / (b * b);
    boolean columns = call.text("mode", "DCR").equals("CRD");
    Array split =
        columns
            ? places(s).reshape(s[0], c, b, b, s[2], s[3]).transpose(0, 1, 4, 2, 5, 3)
            : places(s).reshape(s[0], b, b, c, s[2], s[3]).transpose(0, 3, 4, 1, 5, 2);
    int[] out = {s[0], c, s[2] * b, s[3] * b};
    return pick(call.tensor(0), out, i -> (int) split.values[i], null);
  }

  private static Tensor spaceToDepth(Call call) {
    int b = call.integer("blocksize", 1);
    int[] s = shapeOf(call.tensor(0));
    Array split =
        places(s).reshape(s[0], s[1], s[2] / b, b, s[3] / b, b).transpose(0, 3, 5, 1, 2, 4);
    int[] out = {s[0], s[1] * b * b, s[2] / b, s[3] / b};
    return pick(call.tensor(0), out, i -> (int) split.values[i], null);
  }

  /** As octet-graph's evaluator where it knows both types; floats of 16 bits besides. */
  private static Tensor cast(Call call) {
    DataType to = DataType.ofCode(call.integer("to", 0));
    if (to == null) {
      throw new IllegalArgumentException("it casts to an unknown type");
    }
    boolean here =
        List.of(call.type(), to).stream()
            .anyMatch(
                type ->
                    switch (type) {
                      case FLOAT16, BFLOAT16, INT16, UINT16, INT4, UINT4 -> true;
                      default -> false;
                    });
    return here ? call.array(0).to(to) : Evaluator.evaluate(call.node(), call.inputs());
  }
}
