package dev.octet.torch.script;

import dev.octet.graph.DataType;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** Operators that pick elements. */
final class IndexOperators {

  private IndexOperators() {}

  static void register(Map<String, Operators.Rule> rules) {
    rules.put("slice", IndexOperators::slice);
    rules.put("select", IndexOperators::select);
    rules.put("narrow", IndexOperators::narrow);
    rules.put(
        "index_select",
        c ->
            c.returns(
                c.node(NodeSpec.of("Gather").reads(c.in(0), c.in(2)).with("axis", c.axis(1)))));
    rules.put(
        "gather",
        c ->
            c.returns(
                c.node(
                    NodeSpec.of("GatherElements")
                        .reads(c.in(0), c.in(2))
                        .with("axis", c.axis(1)))));
    rules.put("scatter", IndexOperators::scatter);
    rules.put("index", IndexOperators::index);
    rules.put("one_hot", IndexOperators::oneHot);
  }

  /** A tensor under another shape; a constant stays one. */
  static Value reshaped(Call c, TracedTensor tensor, long... shape) {
    if (!tensor.isConstant()) {
      return c.reshape(c.emit().value(tensor), shape);
    }
    String origin = tensor.origin();
    return c.emit()
        .value(
            new TracedTensor(
                tensor.nativeTensor().reshape(shape),
                origin.isEmpty() ? "" : origin + "/reshape",
                false));
  }

  private static void slice(Call c) {
    int axis = c.size() > 1 ? c.axis(1) : 0;
    long size = c.tensor(0).size(axis);
    long from = c.has(2) ? bound(c.integer(2), size) : 0;
    long to = c.has(3) ? bound(c.integer(3), size) : size;
    long step = c.has(4) ? c.integer(4) : 1;
    if (from == 0 && to == size && step == 1) {
      c.returns(c.in(0));
      return;
    }
    Emitter emit = c.emit();
    c.returns(
        c.node(
            "Slice",
            c.in(0),
            emit.longs(from),
            emit.longs(to),
            emit.longs(axis),
            emit.longs(step)));
  }

  private static long bound(long position, long size) {
    return Math.max(0, Math.min(size, position < 0 ? position + size : position));
  }

  private static void select(Call c) {
    int axis = c.axis(1);
    long at = c.integer(2);
    long index = at < 0 ? at + c.tensor(0).size(axis) : at;
    c.returns(
        c.node(
            NodeSpec.of("Gather")
                .reads(c.in(0), c.emit().scalar(DataType.INT64, index))
                .with("axis", axis)));
  }

  private static void narrow(Call c) {
    int axis = c.axis(1);
    long from = bound(c.integer(2), c.tensor(0).size(axis));
    Emitter emit = c.emit();
    c.returns(
        c.node(
            "Slice", c.in(0), emit.longs(from), emit.longs(from + c.integer(3)), emit.longs(axis)));
  }

  private static void scatter(Call c) {
    if (c.size() > 4) {
      throw c.refuse("combines what it scatters");
    }
    Value updates =
        c.isTensor(3)
            ? c.inAsOut(3)
            : c.node("Expand", c.scalar(c.number(3)), c.emit().longs(c.tensor(2).sizes()));
    c.returns(
        c.node(
            NodeSpec.of("ScatterElements")
                .reads(c.in(0), c.in(2), updates)
                .with("axis", c.axis(1))));
  }

  /**
   * x[..., indices, ...]: one tensor of positions anywhere, or several side by side, which are
   * broadcast against each other.
   */
  private static void index(Call c) {
    if (!(c.argument(1) instanceof List<?> given)) {
      throw c.refuse("has no list of indices");
    }
    List<TracedTensor> indices = new ArrayList<>();
    int first = -1;
    for (int i = 0; i < given.size(); i++) {
      if (given.get(i) instanceof TracedTensor index) {
        if (index.type() == DataType.BOOL || index.type() == DataType.UINT8) {
          throw c.refuse("picks elements by a mask, so the inputs' values decide how many");
        }
        first = first < 0 ? i : first;
        if (i != first + indices.size()) {
          throw c.refuse("has positions for dimensions that do not lie side by side");
        }
        indices.add(index);
      }
    }
    if (indices.size() == 1) {
      Value positions = c.emit().value(indices.get(0));
      c.returns(c.node(NodeSpec.of("Gather").reads(c.in(0), positions).with("axis", first)));
      return;
    }
    if (indices.isEmpty()) {
      c.returns(c.in(0));
      return;
    }
    gatherSeveral(c, first, indices);
  }

  /** GatherND wants the indexed dimensions first and the positions of an element side by side. */
  private static void gatherSeveral(Call c, int first, List<TracedTensor> indices) {
    int rank = c.tensor(0).rank();
    int count = indices.size();
    int positions = c.out().rank() - (rank - count);
    long[] shape = new long[positions];
    for (int i = 0; i < positions; i++) {
      shape[i] = c.out().size(first + i);
    }
    Value[] columns =
        indices.stream()
            .map(t -> c.emit().cast(c.emit().value(t), t.type(), DataType.INT64))
            .map(v -> c.node("Expand", v, c.emit().longs(shape)))
            .map(v -> c.node("Unsqueeze", v, c.emit().longs(-1)))
            .toArray(Value[]::new);
    Value where = c.node(NodeSpec.of("Concat").reads(columns).with("axis", -1));
    long[] order =
        LongStream.concat(
                LongStream.range(first, first + count),
                LongStream.concat(
                    LongStream.range(0, first), LongStream.range(first + count, rank)))
            .toArray();
    Value found = c.node("GatherND", c.transpose(c.in(0), order), where);
    // The result has the positions first; PyTorch puts them where the indexed dimensions were.
    int total = c.out().rank();
    long[] back =
        LongStream.concat(
                LongStream.range(positions, positions + first),
                LongStream.concat(
                    LongStream.range(0, positions), LongStream.range(positions + first, total)))
            .toArray();
    c.returns(c.transpose(found, back));
  }

  private static void oneHot(Call c) {
    if (c.number(1, -1) < 0) {
      throw c.refuse("has as many classes as the inputs' values say; give num_classes");
    }
    Value values = c.emit().constant(dev.octet.graph.Tensor.ofLongs(new long[] {0, 1}, 2));
    Value depth = c.emit().scalar(DataType.INT64, c.integer(1));
    c.returns(c.node(NodeSpec.of("OneHot").reads(c.in(0), depth, values).with("axis", -1)));
  }
}
