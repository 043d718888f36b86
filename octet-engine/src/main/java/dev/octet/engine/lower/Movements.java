package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Operators that put elements elsewhere. Integers that hold real numbers are moved as they are; a
 * transposed tensor is the same memory read in another order.
 */
final class Movements implements Lowering {
  static final String[] OPERATORS = {
    "Transpose",
    "Slice",
    "Split",
    "Expand",
    "Tile",
    "DepthToSpace",
    "SpaceToDepth",
    "ReverseSequence",
    "Trilu"
  };

  @Override
  public void lower(Node node, Compilation to) {
    Operand input = to.input(node, 0);
    if (node.is("Split")) {
      split(node, to, input);
      return;
    }
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    switch (node.op()) {
      case "Transpose" -> transpose(node, to, input, output);
      case "Trilu" -> to.define(output, triangle(node, to, input));
      default -> Copies.define(to, output, input, it -> moved(node, to, it));
    }
  }

  private static Operand moved(Node node, Compilation to, Operand input) {
    return switch (node.op()) {
      case "Slice" -> slice(node, to, input);
      case "Expand" -> {
        long[] shape = Settings.longs(node, to, 1, "shape");
        long[] dims = Settings.broadcast(node, input.dims(), shape);
        yield gathered(node, to, input, 0, Walk.broadcast(input.dims(), dims), dims, dims);
      }
      case "Tile" -> tile(node, to, input);
      case "DepthToSpace" -> blocks(node, to, input, true);
      case "SpaceToDepth" -> blocks(node, to, input, false);
      default -> reversed(node, to, input);
    };
  }

  /**
   * The tensor of {@code dims} whose elements lie at {@code offset} and {@code strides} in the
   * row-major input; {@code walked} are the dimensions that the strides are of.
   */
  private static Operand gathered(
      Node node,
      Compilation to,
      Operand input,
      long offset,
      long[] strides,
      long[] walked,
      long[] dims) {
    Stored result = Copies.allocate(node, to, input.type(), dims);
    Copies.copy(
        node,
        to,
        Copies.plain(node, to, input),
        new Copies.Side(offset, strides),
        result,
        new Copies.Side(0, Walk.strides(walked)),
        walked);
    return Operand.stored(result);
  }

  // ---- Transpose ----

  private static void transpose(Node node, Compilation to, Operand input, Value output) {
    int rank = input.rank();
    List<Long> backwards = LongStream.range(0, rank).map(i -> rank - 1 - i).boxed().toList();
    List<Long> perm = node.intsAttribute("perm", backwards);
    if (!perm.stream().sorted().toList().equals(LongStream.range(0, rank).boxed().toList())) {
      throw new UnsupportedNodeException(
          node, "its perm " + perm + " does not order " + rank + " dimensions");
    }
    int[] order = perm.stream().mapToInt(Long::intValue).toArray();
    Quantization q = input.quantization();
    Operand integers = input.integers();
    if (q != null && integers != null && integers.type().bits() >= 8) {
      int axis = q.axis();
      int turned =
          axis < 0
              ? -1
              : IntStream.range(0, rank).filter(i -> order[i] == axis).findFirst().orElse(0);
      to.define(
          output,
          Operand.dequantized(
              transposed(node, to, integers, order),
              new Quantization(q.type(), q.scales(), q.zeroPoints(), turned)));
    } else {
      to.define(output, transposed(node, to, input, order));
    }
  }

  private static Operand transposed(Node node, Compilation to, Operand input, int[] order) {
    long[] dims = Arrays.stream(order).mapToLong(input::dim).toArray();
    if (input.elements() == 0) {
      return Empties.of(input.type(), dims);
    }
    Stored stored = to.stored(input);
    Layout turned = input.rank() == 0 ? stored.layout() : stored.layout().permuted(order);
    if (turned != null) {
      return Operand.stored(new Stored(stored.buffer(), tidy(turned)));
    }
    long[] plain = Walk.strides(input.dims());
    long[] strides = Arrays.stream(order).mapToLong(i -> plain[i]).toArray();
    return gathered(node, to, input, 0, strides, dims, dims);
  }

  /**
   * Row-major order by its usual strides, if {@code layout} is that: those of ones do not count.
   */
  private static Layout tidy(Layout layout) {
    Layout plain = Layout.rowMajor(layout.type(), layout.dims());
    if (layout.sizeBytes() != plain.sizeBytes() || layout.isBlocked()) {
      return layout;
    }
    long[] own = layout.strides();
    long[] usual = plain.strides();
    for (int i = 0; i < own.length; i++) {
      if (layout.dim(i) > 1 && own[i] != usual[i]) {
        return layout;
      }
    }
    return plain;
  }

  // ---- Slice, Split ----

  private static Operand slice(Node node, Compilation to, Operand input) {
    long[] starts = Settings.longs(node, to, 1, "starts");
    long[] ends = Settings.longs(node, to, 2, "ends");
    long[] axes = Settings.longs(node, to, 3, "axes", LongStream.range(0, starts.length).toArray());
    long[] ones = new long[starts.length];
    Arrays.fill(ones, 1);
    long[] steps = Settings.longs(node, to, 4, "steps", ones);
    if (ends.length != starts.length
        || axes.length != starts.length
        || steps.length != starts.length) {
      throw new UnsupportedNodeException(
          node, "its starts, ends, axes and steps are not equally many");
    }
    long[] dims = input.dims();
    Stored from = Copies.dense(node, to, input);
    long[] strides = from.layout().strides();
    long offset = 0;
    boolean[] seen = new boolean[dims.length];
    for (int i = 0; i < starts.length; i++) {
      int axis = Views.axis(node, axes[i], dims.length, false);
      long size = dims[axis];
      if (steps[i] == 0 || seen[axis]) {
        throw new UnsupportedNodeException(node, "a step is 0 or an axis is there twice");
      }
      seen[axis] = true;
      boolean forwards = steps[i] > 0;
      long start = counted(starts[i], size, 0, forwards ? size : size - 1);
      long end = counted(ends[i], size, forwards ? 0 : -1, forwards ? size : size - 1);
      long distance = forwards ? end - start : start - end;
      long step = Math.abs(steps[i]);
      dims[axis] = distance > 0 ? (distance - 1) / step + 1 : 0;
      offset += start * strides[axis];
      strides[axis] *= dims[axis] > 1 ? steps[i] : 1;
    }
    return Arrays.equals(dims, input.dims()) && offset == 0
        ? input
        : part(node, to, from, offset, strides, dims);
  }

  /** The elements at {@code offset} and {@code strides}, in the order that they have. */
  private static Operand part(
      Node node, Compilation to, Stored from, long offset, long[] strides, long[] dims) {
    Copies.check(node, from.layout().type(), dims);
    Stored result = to.allocate(Copies.inOrderOf(from.layout(), dims));
    Copies.Side target = new Copies.Side(0, result.layout().strides());
    Copies.copy(node, to, from, new Copies.Side(offset, strides), result, target, dims);
    return Operand.stored(result);
  }

  private static long counted(long index, long size, long low, long high) {
    return Math.max(low, Math.min(high, index < 0 ? index + size : index));
  }

  private static void split(Node node, Compilation to, Operand input) {
    int axis = Views.axis(node, node.intAttribute("axis", 0), input.rank(), false);
    int parts = node.outputs().size();
    long[] sizes = new long[parts];
    if (node.input(1) != null) {
      sizes = Settings.longs(node, to, 1, "split");
    } else {
      long each = (input.dim(axis) + parts - 1) / parts;
      Arrays.fill(sizes, each);
      sizes[parts - 1] = input.dim(axis) - each * (parts - 1);
    }
    if (sizes.length != parts || Arrays.stream(sizes).sum() != input.dim(axis)) {
      throw new UnsupportedNodeException(
          node, "its parts " + Arrays.toString(sizes) + " do not make up " + input.dim(axis));
    }
    long start = 0;
    for (int i = 0; i < parts; i++) {
      Value output = node.outputs().get(i);
      long[] dims = input.dims();
      dims[axis] = sizes[i];
      long first = start;
      if (output != null) {
        Copies.define(
            to,
            output,
            input,
            it -> {
              Stored from = Copies.dense(node, to, it);
              long[] strides = from.layout().strides();
              return part(node, to, from, first * strides[axis], strides, dims);
            });
      }
      start += sizes[i];
    }
  }

  // ---- Tile, blocks, reversed sequences ----

  private static Operand tile(Node node, Compilation to, Operand input) {
    long[] repeats = Settings.longs(node, to, 1, "repeats");
    int rank = input.rank();
    if (repeats.length != rank) {
      throw new UnsupportedNodeException(
          node, "it has " + repeats.length + " repeats for " + rank + " dimensions");
    }
    long[] dims = new long[rank];
    long[] walked = new long[2 * rank];
    long[] strides = new long[2 * rank];
    long[] plain = Walk.strides(input.dims());
    for (int i = 0; i < rank; i++) {
      dims[i] = input.dim(i) * repeats[i];
      walked[2 * i] = repeats[i];
      walked[2 * i + 1] = input.dim(i);
      strides[2 * i + 1] = plain[i];
    }
    return gathered(node, to, input, 0, strides, walked, dims);
  }

  private static Operand blocks(Node node, Compilation to, Operand input, boolean apart) {
    long size = node.intAttribute("blocksize", 0);
    if (input.rank() != 4
        || size < 1
        || (apart && input.dim(1) % (size * size) != 0)
        || (!apart && (input.dim(2) % size != 0 || input.dim(3) % size != 0))) {
      throw new UnsupportedNodeException(
          node, Arrays.toString(input.dims()) + " has no blocks of " + size + " by " + size);
    }
    long n = input.dim(0);
    long c = input.dim(1);
    long h = input.dim(2);
    long w = input.dim(3);
    if (!apart) {
      long[] plain = Walk.strides(n, c, h / size, size, w / size, size);
      long[] strides = {plain[0], plain[3], plain[5], plain[1], plain[2], plain[4]};
      long[] walked = {n, size, size, c, h / size, w / size};
      long[] dims = {n, c * size * size, h / size, w / size};
      return gathered(node, to, input, 0, strides, walked, dims);
    }
    long left = c / (size * size);
    String mode = node.stringAttribute("mode", "DCR");
    long[] plain;
    long[] strides;
    if (mode.equals("CRD")) {
      plain = Walk.strides(n, left, size, size, h, w);
      strides = new long[] {plain[0], plain[1], plain[4], plain[2], plain[5], plain[3]};
    } else if (mode.equals("DCR")) {
      plain = Walk.strides(n, size, size, left, h, w);
      strides = new long[] {plain[0], plain[3], plain[4], plain[1], plain[5], plain[2]};
    } else {
      throw new UnsupportedNodeException(node, "mode '" + mode + "' is unknown");
    }
    long[] walked = {n, left, h, size, w, size};
    long[] dims = {n, left, h * size, w * size};
    return gathered(node, to, input, 0, strides, walked, dims);
  }

  private static Operand reversed(Node node, Compilation to, Operand input) {
    long[] lengths = Settings.longs(node, to, 1, "sequence_lens");
    int batch = (int) node.intAttribute("batch_axis", 1);
    int time = (int) node.intAttribute("time_axis", 0);
    if (input.rank() < 2
        || batch + time != 1
        || Math.min(batch, time) != 0
        || lengths.length != input.dim(batch)) {
      throw new UnsupportedNodeException(
          node, "its axes are not the first two, or its lengths are not one for each sequence");
    }
    long[] dims = input.dims();
    int inner = Settings.product(dims, 2, dims.length);
    int[] from = new int[(int) (dims[0] * dims[1])];
    for (int i = 0; i < dims[0]; i++) {
      for (int j = 0; j < dims[1]; j++) {
        int b = batch == 0 ? i : j;
        int t = batch == 0 ? j : i;
        if (lengths[b] < 0 || lengths[b] > dims[time]) {
          throw new UnsupportedNodeException(
              node, "a sequence of " + lengths[b] + " steps is longer than " + dims[time]);
        }
        int turned = t < lengths[b] ? (int) lengths[b] - 1 - t : t;
        long place = batch == 0 ? b * dims[1] + turned : turned * dims[1] + b;
        from[(int) (i * dims[1] + j)] = (int) place * inner;
      }
    }
    Stored picked =
        Copies.pick(
            node,
            to,
            Copies.plain(node, to, input),
            new int[][] {from, IntStream.range(0, inner).toArray()});
    return Operand.stored(new Stored(picked.buffer(), Layout.rowMajor(input.type(), dims)));
  }

  // ---- Trilu ----

  private static Operand triangle(Node node, Compilation to, Operand input) {
    if (input.rank() < 2) {
      throw new UnsupportedNodeException(node, "its input is not a matrix");
    }
    if (input.elements() == 0) {
      return input;
    }
    boolean upper = node.intAttribute("upper", 1) != 0;
    long k = node.input(1) == null ? 0 : Settings.number(node, to, 1, "k");
    int rows = (int) input.dim(-2 + input.rank());
    int columns = (int) input.dim(-1 + input.rank());
    int matrices = Math.toIntExact(input.elements() / rows / columns);
    int width = Elements.of(input.type(), node).width();
    Stored from = Copies.plain(node, to, input);
    Stored result = Copies.allocate(node, to, input.type(), input.dims());
    byte[] zeros = new byte[columns * width];
    to.kernel(
        "triangle",
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer out = writes.get(0);
          return () -> {
            for (int row = 0; row < matrices * rows; row++) {
              // Columns from here on are kept of the upper triangle, those before of the lower.
              long edge = row % rows + k + (upper ? 0 : 1);
              int split = (int) Math.max(0, Math.min(columns, edge)) * width;
              int at = row * columns * width;
              int rest = columns * width - split;
              if (upper) {
                out.put(at, zeros, 0, split);
                out.put(at + split, in, at + split, rest);
              } else {
                out.put(at, in, at, split);
                out.put(at + split, zeros, 0, rest);
              }
            }
          };
        },
        List.of(from),
        List.of(result));
    return Operand.stored(result);
  }
}
