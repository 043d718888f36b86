package dev.octet.torch.graph;

import static java.util.Map.entry;

import dev.octet.graph.Attribute;
import dev.octet.torch.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Operators that move, select and make values, and those that tell shapes. */
final class Movement {
  static final Map<String, Kernel> KERNELS =
      Map.<String, Kernel>ofEntries(
          entry("Reshape", Kernel.of(Movement::reshape)),
          entry("Flatten", Kernel.of(Movement::flatten)),
          entry("Transpose", Kernel.of(Movement::transpose)),
          entry("Squeeze", Kernel.of(Movement::squeeze)),
          entry("Unsqueeze", Kernel.of(Movement::unsqueeze)),
          entry("Expand", Kernel.of(c -> expand(c.in(0), c.longs(1)))),
          entry("Concat", Kernel.of(Movement::concat)),
          entry("Split", Kernel.several(Movement::split)),
          entry("Slice", Kernel.of(Movement::slice)),
          entry("Gather", Kernel.of(Movement::gather)),
          entry("GatherElements", Kernel.of(Movement::gatherElements)),
          entry("Pad", Kernel.of(Movement::pad)),
          entry("Tile", Kernel.of(c -> c.in(0).repeat(c.longs(1)))),
          entry("DepthToSpace", Kernel.of(Movement::depthToSpace)),
          entry("SpaceToDepth", Kernel.of(Movement::spaceToDepth)),
          entry("Trilu", Kernel.of(Movement::triangle)),
          entry("Constant", Kernel.onHost(Movement::constant)),
          entry("Shape", Kernel.onHost(Movement::shape)),
          entry("Size", Kernel.onHost(c -> longs(c.in(0).numel()))),
          entry("ConstantOfShape", Kernel.of(Movement::constantOfShape)),
          entry("Range", Kernel.of(Movement::range)));

  private Movement() {}

  private static dev.octet.graph.Tensor longs(long scalar) {
    return dev.octet.graph.Tensor.ofLongs(new long[] {scalar});
  }

  private static int rank(Tensor tensor) {
    return Tensors.shape(tensor).length;
  }

  private static Tensor reshape(Call c) {
    long[] from = Tensors.shape(c.in(0));
    long[] to = c.opset() < 5 ? c.integers("shape") : c.longs(1);
    if (to == null) {
      throw new IllegalArgumentException("the shape is missing");
    }
    long[] shape = to.clone();
    for (int i = 0; i < shape.length; i++) {
      if (shape[i] == 0 && c.integer("allowzero", 0) == 0) {
        if (i >= from.length) {
          throw new IllegalArgumentException(
              "shape " + Arrays.toString(to) + " copies a dimension that the input has not");
        }
        shape[i] = from[i];
      }
    }
    return c.in(0).reshape(shape);
  }

  private static Tensor flatten(Call c) {
    long[] shape = Tensors.shape(c.in(0));
    long named = c.integer("axis", 1);
    long axis = named < 0 ? named + shape.length : named;
    if (axis < 0 || axis > shape.length) {
      throw new IllegalArgumentException("axis " + named + " is not one of " + shape.length);
    }
    long rows = Arrays.stream(shape).limit(axis).reduce(1, Math::multiplyExact);
    long columns = Arrays.stream(shape).skip(axis).reduce(1, Math::multiplyExact);
    return c.in(0).reshape(rows, columns);
  }

  private static Tensor transpose(Call c) {
    long[] order = c.integers("perm");
    if (order == null) {
      int rank = rank(c.in(0));
      order = LongStream.range(0, rank).map(i -> rank - 1 - i).toArray();
    }
    return c.in(0).permute(order);
  }

  private static Tensor squeeze(Call c) {
    long[] axes = c.integers("axes", 1);
    if (axes == null) {
      return c.in(0).squeeze();
    }
    long[] shape = Tensors.shape(c.in(0));
    for (long axis : axes) {
      if (shape[Call.axis(axis, shape.length)] != 1) {
        throw new IllegalArgumentException(
            "axis " + axis + " of " + Tensors.describe(c.in(0)) + " cannot go: it is not 1");
      }
    }
    return c.in(0).squeeze(axes);
  }

  private static Tensor unsqueeze(Call c) {
    long[] axes = c.integers("axes", 1);
    if (axes == null) {
      throw new IllegalArgumentException("the axes are missing");
    }
    int rank = rank(c.in(0)) + axes.length;
    Tensor result = c.in(0);
    for (long axis : Arrays.stream(axes).map(a -> Call.axis(a, rank)).sorted().toArray()) {
      result = result.unsqueeze(axis);
    }
    return result;
  }

  /** To the shape that both have in common: where one has 1, the other's size holds. */
  private static Tensor expand(Tensor x, long[] wanted) {
    long[] have = Tensors.shape(x);
    long[] shape = new long[Math.max(have.length, wanted.length)];
    for (int i = 1; i <= shape.length; i++) {
      long mine = i <= have.length ? have[have.length - i] : 1;
      long its = i <= wanted.length ? wanted[wanted.length - i] : 1;
      shape[shape.length - i] = its == 1 ? mine : its;
    }
    return x.expand(shape);
  }

  private static Tensor concat(Call c) {
    Tensor[] parts = new Tensor[c.inputs().size()];
    Arrays.setAll(parts, c::in);
    return torch.cat(new TensorVector(parts), c.integer("axis", 1));
  }

  /** Into the lengths given, or into equal parts, the last of which may be shorter. */
  private static List<Tensor> split(Call c) {
    Tensor x = c.in(0);
    int axis = Call.axis(c.integer("axis", 0), rank(x));
    long[] lengths = c.integers("split", 1);
    long size = x.size(axis);
    if (lengths == null) {
      long parts = c.integer("num_outputs", c.node().outputs().size());
      long each = Windows.divideUp(size, Math.max(1, parts));
      lengths =
          LongStream.range(0, parts)
              .map(i -> Math.max(0, Math.min(each, size - i * each)))
              .toArray();
    }
    List<Tensor> parts = new ArrayList<>();
    long at = 0;
    for (long length : lengths) {
      parts.add(x.narrow(axis, at, length));
      at += length;
    }
    if (at != size) {
      throw new IllegalArgumentException(
          "lengths " + Arrays.toString(lengths) + " do not fill " + size);
    }
    return parts;
  }

  /** Attributes below operator set 10. */
  private static Tensor slice(Call c) {
    Tensor x = c.in(0);
    long[] starts = c.integers("starts", 1);
    long[] ends = c.integers("ends", 2);
    if (starts == null || ends == null || starts.length != ends.length) {
      throw new IllegalArgumentException("starts and ends are missing or differ in length");
    }
    long[] axes = c.integers("axes", 3);
    if (axes == null) {
      axes = LongStream.range(0, starts.length).toArray();
    }
    long[] steps = c.has(4) ? c.longs(4) : null;
    int rank = rank(x);
    for (int i = 0; i < starts.length; i++) {
      int axis = Call.axis(axes[i], rank);
      x = slice(x, axis, starts[i], ends[i], steps == null ? 1 : steps[i]);
    }
    return x;
  }

  /** A negative step runs from the end of the reversed axis. */
  private static Tensor slice(Tensor x, int axis, long start, long end, long step) {
    long size = x.size(axis);
    if (step == 0) {
      throw new IllegalArgumentException("a step is 0");
    }
    boolean back = step < 0;
    long low = back ? -1 : 0;
    long high = back ? size - 1 : size;
    long from = Math.max(back ? 0 : low, Math.min(high, start < 0 ? start + size : start));
    long to = Math.max(low, Math.min(high, end < 0 ? end + size : end));
    if (back && (start < 0 ? start + size : start) < 0) {
      to = from; // nothing lies before the first element
    }
    if (back) {
      x = x.flip(axis);
      from = size - 1 - from;
      to = size - 1 - to;
    }
    return torch.slice(
        x,
        axis,
        new LongOptional(from),
        new LongOptional(Math.max(from, to)),
        Math.abs(Math.max(step, -Long.MAX_VALUE)));
  }

  /** Rows of a table, too: ONNX has no other embedding. */
  private static Tensor gather(Call c) {
    Tensor x = c.in(0);
    int axis = Call.axis(c.integer("axis", 0), rank(x));
    long[] shape = Tensors.shape(c.in(1));
    Tensor flat = fromFirst(c.in(1), x.size(axis)).reshape(-1);
    Tensor picked = x.index_select(axis, flat);
    long[] from = Tensors.shape(x);
    long[] to =
        LongStream.concat(
                LongStream.concat(Arrays.stream(from).limit(axis), Arrays.stream(shape)),
                Arrays.stream(from).skip(axis + 1L))
            .toArray();
    return picked.reshape(to);
  }

  private static Tensor gatherElements(Call c) {
    int axis = Call.axis(c.integer("axis", 0), rank(c.in(0)));
    return c.in(0).gather(axis, fromFirst(c.in(1), c.in(0).size(axis)));
  }

  /** Indices as int64, those below zero counted from the end. */
  private static Tensor fromFirst(Tensor indices, long size) {
    Tensor wide = indices.to(ScalarType.Long);
    return torch.where(wide.lt(new Scalar(0L)), wide.add(new Scalar(size)), wide);
  }

  private static Tensor pad(Call c) {
    Tensor x = c.in(0);
    int rank = rank(x);
    long[] pads = c.opset() < 11 ? c.integers("pads") : c.longs(1);
    if (pads == null) {
      pads = c.integers("paddings");
    }
    long[] axes = c.has(3) ? c.longs(3) : LongStream.range(0, rank).toArray();
    if (pads == null || pads.length != 2 * axes.length) {
      throw new IllegalArgumentException("pads are missing or not two for each axis");
    }
    long[] begin = new long[rank];
    long[] end = new long[rank];
    for (int i = 0; i < axes.length; i++) {
      begin[Call.axis(axes[i], rank)] = pads[i];
      end[Call.axis(axes[i], rank)] = pads[i + axes.length];
    }
    String mode = c.text("mode", "constant");
    if (mode.equals("constant")) {
      return Windows.pad(x, begin, end, c.has(2) ? c.number(2) : c.real("value", 0));
    }
    return padByCopies(x, begin, end, mode);
  }

  /** LibTorch pads the last axes by copies only, so each axis picks its elements. */
  private static Tensor padByCopies(Tensor x, long[] begin, long[] end, String mode) {
    for (int axis = 0; axis < begin.length; axis++) {
      long size = x.size(axis);
      if (begin[axis] == 0 && end[axis] == 0) {
        continue;
      }
      long first = -begin[axis];
      long[] picks =
          LongStream.range(first, size + end[axis]).map(i -> inside(i, size, mode)).toArray();
      x = x.index_select(axis, Tensors.of(picks, picks.length));
    }
    return x;
  }

  private static long inside(long index, long size, String mode) {
    return switch (mode) {
      case "edge" -> Math.max(0, Math.min(size - 1, index));
      case "wrap" -> Math.floorMod(index, size);
      case "reflect" -> {
        long period = Math.max(1, 2 * (size - 1));
        long at = Math.floorMod(index, period);
        yield Math.min(at, period - at);
      }
      default -> throw new IllegalArgumentException("mode '" + mode + "' is not known");
    };
  }

  private static Tensor depthToSpace(Call c) {
    long[] s = Tensors.shape(c.in(0));
    long b = c.integer("blocksize", 1);
    return c.text("mode", "DCR").equals("CRD")
        ? c.in(0)
            .reshape(s[0], s[1] / (b * b), b, b, s[2], s[3])
            .permute(0, 1, 4, 2, 5, 3)
            .reshape(s[0], s[1] / (b * b), s[2] * b, s[3] * b)
        : c.in(0)
            .reshape(s[0], b, b, s[1] / (b * b), s[2], s[3])
            .permute(0, 3, 4, 1, 5, 2)
            .reshape(s[0], s[1] / (b * b), s[2] * b, s[3] * b);
  }

  private static Tensor spaceToDepth(Call c) {
    long[] s = Tensors.shape(c.in(0));
    long b = c.integer("blocksize", 1);
    return c.in(0)
        .reshape(s[0], s[1], s[2] / b, b, s[3] / b, b)
        .permute(0, 3, 5, 1, 2, 4)
        .reshape(s[0], s[1] * b * b, s[2] / b, s[3] / b);
  }

  private static Tensor triangle(Call c) {
    long diagonal = c.has(1) ? c.longs(1)[0] : 0;
    return c.integer("upper", 1) != 0 ? c.in(0).triu(diagonal) : c.in(0).tril(diagonal);
  }

  /** From operator set 15 on a range of dimensions, cut to those that there are. */
  private static dev.octet.graph.Tensor shape(Call c) {
    Datum data = c.datum(0);
    long[] shape = data.isHost() ? data.numbers().shape() : Tensors.shape(data.tensor());
    int start = bound(c.integer("start", 0), shape.length);
    int end = bound(c.integer("end", shape.length), shape.length);
    long[] part = Arrays.copyOfRange(shape, start, Math.max(start, end));
    return dev.octet.graph.Tensor.ofLongs(part, part.length);
  }

  private static int bound(long index, int rank) {
    return (int) Math.max(0, Math.min(rank, index < 0 ? index + rank : index));
  }

  private static dev.octet.graph.Tensor constant(Call c) {
    if (c.node().attribute("value") instanceof Attribute.TensorValue value) {
      return value.value();
    }
    throw new IllegalArgumentException("its value is not given as a tensor");
  }

  private static Tensor constantOfShape(Call c) {
    Tensor one =
        c.node().attribute("value") instanceof Attribute.TensorValue value
            ? Tensors.of(value.value())
            : Tensors.scalar(0);
    if (one.numel() != 1) {
      throw new IllegalArgumentException("attribute 'value' has not one element");
    }
    return one.reshape().expand(c.longs(0)).clone();
  }

  private static Tensor range(Call c) {
    Tensor start = c.in(0);
    double from = c.number(0);
    double step = c.number(2);
    long count = (long) Math.max(0, Math.ceil((c.number(1) - from) / step));
    if (!Elementwise.isFloat(start)) {
      long first = c.longs(0)[0];
      long by = c.longs(2)[0];
      return torch
          .arange(new Scalar(count))
          .mul(new Scalar(by))
          .add(new Scalar(first))
          .to(Tensors.type(start));
    }
    return torch
        .arange(new Scalar(count))
        .to(Tensors.type(start))
        .mul(new Scalar(step))
        .add(new Scalar(from));
  }
}
