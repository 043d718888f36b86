package dev.octet.torch.script;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** Operators that move elements without computing. */
final class ShapeOperators {

  private ShapeOperators() {}

  static void register(Map<String, Operators.Rule> rules) {
    for (String name :
        new String[] {
          "view",
          "reshape",
          "view_as",
          "reshape_as",
          "_unsafe_view",
          "unflatten",
          "squeeze",
          "unsqueeze",
          "_reshape_alias",
          "ravel"
        }) {
      rules.put(name, ShapeOperators::reshape);
    }
    rules.put("flatten", ShapeOperators::flatten);
    rules.put(
        "permute",
        c -> {
          int rank = c.tensor(0).rank();
          c.returns(
              c.transpose(
                  c.in(0), Arrays.stream(c.integers(1)).map(a -> Call.axis(a, rank)).toArray()));
        });
    rules.put("transpose", c -> c.returns(swap(c, c.axis(1), c.axis(2))));
    rules.put("swapaxes", rules.get("transpose"));
    rules.put("swapdims", rules.get("transpose"));
    rules.put("t", ShapeOperators::reverse);
    rules.put("numpy_T", ShapeOperators::reverse);
    rules.put("mT", c -> c.returns(swap(c, c.tensor(0).rank() - 2, c.tensor(0).rank() - 1)));
    rules.put("movedim", ShapeOperators::moveDimensions);
    rules.put("expand", ShapeOperators::expand);
    rules.put("expand_as", ShapeOperators::expand);
    rules.put("broadcast_to", ShapeOperators::expand);
    rules.put("repeat", ShapeOperators::repeat);
    rules.put("tile", ShapeOperators::repeat);
    rules.put("repeat_interleave", ShapeOperators::interleave);
    rules.put("cat", ShapeOperators::concatenate);
    rules.put("concat", rules.get("cat"));
    rules.put("stack", ShapeOperators::stack);
    for (String name :
        new String[] {
          "chunk",
          "split",
          "split_with_sizes",
          "tensor_split",
          "unsafe_chunk",
          "unsafe_split",
          "unsafe_split_with_sizes"
        }) {
      rules.put(name, c -> split(c, c.size() > 2 ? c.axis(2) : 0));
    }
    rules.put("unbind", ShapeOperators::unbind);
    rules.put("constant_pad_nd", c -> pad(c, "constant", c.number(2, 0)));
    for (int i = 1; i <= 3; i++) {
      rules.put("reflection_pad" + i + "d", c -> pad(c, "reflect", 0));
      rules.put("replication_pad" + i + "d", c -> pad(c, "edge", 0));
    }
    rules.put("pad", ShapeOperators::padByMode);
    rules.put("flip", ShapeOperators::flip);
    rules.put("roll", ShapeOperators::roll);
    rules.put("tril", c -> triangle(c, 0));
    rules.put("triu", c -> triangle(c, 1));
    rules.put(
        "pixel_shuffle",
        c ->
            c.returns(
                c.node(
                    NodeSpec.of("DepthToSpace")
                        .reads(c.in(0))
                        .with("blocksize", c.integer(1))
                        .with("mode", new Attribute.StringValue("CRD")))));
    rules.put("pixel_unshuffle", ShapeOperators::unshuffle);
    rules.put("channel_shuffle", ShapeOperators::channelShuffle);
  }

  /** Says 0, "as before", for a first dimension that stays: the batch, in most places. */
  private static void reshape(Call c) {
    c.returns(c.reshape(c.in(0), target(c)));
  }

  private static long[] target(Call c) {
    long[] shape = c.out().sizes();
    if (shape.length > 0 && c.tensor(0).rank() > 0 && c.tensor(0).size(0) == shape[0]) {
      shape[0] = 0;
    }
    return shape;
  }

  private static void flatten(Call c) {
    boolean all = c.tensor(0).rank() > 1 && c.out().rank() == 2 && c.integer(1) == 1;
    c.returns(
        all
            ? c.node(NodeSpec.of("Flatten").reads(c.in(0)).with("axis", 1))
            : c.reshape(c.in(0), target(c)));
  }

  private static Value swap(Call c, int a, int b) {
    long[] order = LongStream.range(0, c.tensor(0).rank()).toArray();
    if (order.length == 0) {
      return c.in(0);
    }
    order[a] = b;
    order[b] = a;
    return c.transpose(c.in(0), order);
  }

  private static void reverse(Call c) {
    int rank = c.tensor(0).rank();
    c.returns(c.transpose(c.in(0), LongStream.range(0, rank).map(i -> rank - 1 - i).toArray()));
  }

  private static void moveDimensions(Call c) {
    int rank = c.tensor(0).rank();
    List<Long> order = new ArrayList<>(java.util.Collections.nCopies(rank, -1L));
    List<Long> rest = new ArrayList<>(LongStream.range(0, rank).boxed().toList());
    long[] from = c.integers(1);
    long[] to = c.integers(2);
    for (int i = 0; i < from.length; i++) {
      long source = Call.axis(from[i], rank);
      order.set(Call.axis(to[i], rank), source);
      rest.remove(Long.valueOf(source));
    }
    order.replaceAll(axis -> axis >= 0 ? axis : rest.remove(0));
    c.returns(c.transpose(c.in(0), order.stream().mapToLong(Long::longValue).toArray()));
  }

  private static void expand(Call c) {
    if (c.out().shape().equals(c.tensor(0).shape())) {
      c.returns(c.in(0));
      return;
    }
    c.returns(c.node("Expand", c.in(0), c.emit().longs(c.out().sizes())));
  }

  private static void repeat(Call c) {
    long[] given = c.integers(1);
    int rank = c.out().rank();
    long[] times = new long[rank];
    Arrays.fill(times, 1);
    System.arraycopy(given, 0, times, rank - given.length, given.length);
    long[] padded = new long[rank];
    Arrays.fill(padded, 1);
    long[] shape = c.tensor(0).sizes();
    System.arraycopy(shape, 0, padded, rank - shape.length, shape.length);
    Value x = shape.length == rank ? c.in(0) : c.reshape(c.in(0), padded);
    c.returns(c.node("Tile", x, c.emit().longs(times)));
  }

  /** Each element several times in a row: a new dimension that is spread and merged. */
  private static void interleave(Call c) {
    if (!c.isNumber(1)) {
      throw c.refuse("repeats each element another number of times");
    }
    Value x = c.has(2) ? c.in(0) : c.reshape(c.in(0), -1);
    long[] shape = c.has(2) ? c.tensor(0).sizes() : new long[] {c.tensor(0).elements()};
    int axis = c.has(2) ? c.axis(2) : 0;
    long[] spread = new long[shape.length + 1];
    System.arraycopy(shape, 0, spread, 0, axis + 1);
    spread[axis + 1] = c.integer(1);
    System.arraycopy(shape, axis + 1, spread, axis + 2, shape.length - axis - 1);
    Value wide = c.node("Unsqueeze", x, c.emit().longs(axis + 1L));
    c.returns(c.reshape(c.node("Expand", wide, c.emit().longs(spread)), c.out().sizes()));
  }

  private static void concatenate(Call c) {
    int rank = c.out().rank();
    DataType type = c.out().type();
    Value[] parts =
        c.tensors(0).stream()
            .filter(t -> t.rank() == rank) // an empty vector may stand among tensors of any rank
            .map(t -> c.emit().cast(c.emit().value(t), t.type(), type))
            .toArray(Value[]::new);
    int axis = Call.axis(c.size() > 1 ? c.integer(1) : 0, rank);
    c.returns(c.node(NodeSpec.of("Concat").reads(parts).with("axis", axis)));
  }

  private static void stack(Call c) {
    int axis = Call.axis(c.size() > 1 ? c.integer(1) : 0, c.out().rank());
    DataType type = c.out().type();
    Value[] parts =
        c.tensors(0).stream()
            .map(t -> c.emit().cast(c.emit().value(t), t.type(), type))
            .map(v -> c.node("Unsqueeze", v, c.emit().longs(axis)))
            .toArray(Value[]::new);
    c.returns(c.node(NodeSpec.of("Concat").reads(parts).with("axis", axis)));
  }

  private static List<Value> parts(Call c, int axis) {
    long[] sizes = c.outs().stream().mapToLong(t -> t.size(axis)).toArray();
    return sizes.length == 1
        ? List.of(c.in(0))
        : c.emit()
            .nodes(
                NodeSpec.of("Split").reads(c.in(0), c.emit().longs(sizes)).with("axis", axis),
                sizes.length);
  }

  private static void split(Call c, int axis) {
    List<Value> parts = parts(c, axis);
    for (int i = 0; i < parts.size(); i++) {
      c.outs().get(i).bind(parts.get(i));
    }
  }

  private static void unbind(Call c) {
    int axis = c.size() > 1 ? c.axis(1) : 0;
    for (int i = 0; i < c.outs().size(); i++) {
      c.outs()
          .get(i)
          .bind(
              c.node(
                  NodeSpec.of("Gather")
                      .reads(c.in(0), c.emit().scalar(DataType.INT64, i))
                      .with("axis", axis)));
    }
  }

  private static void padByMode(Call c) {
    String mode = c.size() > 2 ? c.text(2) : "constant";
    switch (mode) {
      case "constant" -> pad(c, "constant", c.number(3, 0));
      case "reflect" -> pad(c, "reflect", 0);
      case "replicate" -> pad(c, "edge", 0);
      default -> throw c.refuse("pads by mode '" + mode + "'");
    }
  }

  /** PyTorch lists (before, after) from the last dimension backwards. */
  private static void pad(Call c, String mode, double value) {
    long[] given = c.integers(1);
    int rank = c.tensor(0).rank();
    long[] pads = new long[2 * rank];
    for (int i = 0; i < given.length / 2; i++) {
      pads[rank - 1 - i] = given[2 * i];
      pads[2 * rank - 1 - i] = given[2 * i + 1];
    }
    NodeSpec spec = NodeSpec.of("Pad").with("mode", new Attribute.StringValue(mode));
    Value sizes = c.emit().longs(pads);
    c.returns(
        c.node(
            mode.equals("constant")
                ? spec.reads(c.in(0), sizes, c.scalar(value))
                : spec.reads(c.in(0), sizes)));
  }

  private static void flip(Call c) {
    int rank = c.tensor(0).rank();
    long[] axes = Arrays.stream(c.integers(1)).map(a -> Call.axis(a, rank)).toArray();
    long[] from = new long[axes.length];
    long[] to = new long[axes.length];
    long[] steps = new long[axes.length];
    Arrays.fill(from, -1);
    Arrays.fill(to, Long.MIN_VALUE);
    Arrays.fill(steps, -1);
    c.returns(
        c.node(
            "Slice",
            c.in(0),
            c.emit().longs(from),
            c.emit().longs(to),
            c.emit().longs(axes),
            c.emit().longs(steps)));
  }

  private static void roll(Call c) {
    long[] shifts = c.integers(1);
    int rank = c.tensor(0).rank();
    boolean flat = !c.has(2) || c.integers(2).length == 0;
    long[] axes = flat ? new long[] {0} : c.integers(2);
    Value x = flat ? c.reshape(c.in(0), -1) : c.in(0);
    for (int i = 0; i < axes.length; i++) {
      int axis = Call.axis(axes[i], rank);
      long size = flat ? c.tensor(0).elements() : c.tensor(0).size(axis);
      long cut = Math.floorMod(-shifts[i], Math.max(size, 1));
      if (cut == 0) {
        continue;
      }
      Value head = slice(c, x, axis, 0, cut);
      Value tail = slice(c, x, axis, cut, size);
      x = c.node(NodeSpec.of("Concat").reads(tail, head).with("axis", axis));
    }
    c.returns(flat ? c.reshape(x, c.out().sizes()) : x);
  }

  private static Value slice(Call c, Value x, int axis, long from, long to) {
    Emitter emit = c.emit();
    return c.node("Slice", x, emit.longs(from), emit.longs(to), emit.longs(axis));
  }

  private static void triangle(Call c, int upper) {
    DataType type = c.out().type();
    boolean truth = type == DataType.BOOL; // ONNX Runtime has no kernel for it
    Value x = truth ? c.in(0, DataType.INT64) : c.in(0);
    Value offset = c.emit().scalar(DataType.INT64, c.number(1, 0));
    Value y = c.node(NodeSpec.of("Trilu").reads(x, offset).with("upper", upper));
    c.returns(truth ? c.emit().cast(y, DataType.INT64, type) : y);
  }

  private static void unshuffle(Call c) {
    TracedTensor x = c.tensor(0);
    if (x.rank() != 4) {
      throw c.refuse("takes a tensor of " + x.rank() + " dimensions; 4 are supported");
    }
    long r = c.integer(1);
    long rows = x.size(2) / r;
    long columns = x.size(3) / r;
    Value tiles = c.reshape(c.in(0), x.size(0), x.size(1), rows, r, columns, r);
    c.returns(c.reshape(c.transpose(tiles, 0, 1, 3, 5, 2, 4), c.out().sizes()));
  }

  private static void channelShuffle(Call c) {
    TracedTensor x = c.tensor(0);
    long groups = c.integer(1);
    Value grouped = c.reshape(c.in(0), x.size(0), groups, x.size(1) / groups, -1);
    c.returns(c.reshape(c.transpose(grouped, 0, 2, 1, 3), x.sizes()));
  }
}
