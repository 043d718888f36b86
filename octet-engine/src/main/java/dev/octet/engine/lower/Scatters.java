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
import java.util.stream.LongStream;

/** ScatterElements, Scatter and ScatterND: a copy of the data with some elements changed. */
final class Scatters implements Lowering {

  /** What becomes of an element at whose place an update arrives. */
  private enum Reduction {
    NONE,
    ADD,
    MUL,
    MAX,
    MIN;

    static Reduction of(Node node) {
      String name = node.stringAttribute("reduction", "none");
      return switch (name) {
        case "none" -> NONE;
        case "add" -> ADD;
        case "mul" -> MUL;
        case "max" -> MAX;
        case "min" -> MIN;
        default -> throw new UnsupportedNodeException(node, "reduction '" + name + "' is unknown");
      };
    }

    void apply(Elements type, ByteBuffer out, int at, ByteBuffer updates, int from) {
      if (type.isFloat()) {
        double old = type.real(out, at);
        double update = type.real(updates, from);
        type.put(
            out,
            at,
            switch (this) {
              case NONE -> update;
              case ADD -> old + update;
              case MUL -> old * update;
              case MAX -> Math.max(old, update);
              case MIN -> Math.min(old, update);
            });
      } else {
        long old = type.whole(out, at);
        long update = type.whole(updates, from);
        type.put(
            out,
            at,
            switch (this) {
              case NONE -> update;
              case ADD -> old + update;
              case MUL -> old * update;
              case MAX -> Math.max(old, update);
              case MIN -> Math.min(old, update);
            });
      }
    }
  }

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    Operand data = to.input(node, 0);
    Operand places = to.input(node, 1);
    Operand updates = to.input(node, 2);
    if (updates.type() != data.type()) {
      throw new UnsupportedNodeException(
          node, "its updates are " + updates.type() + ", its data " + data.type());
    }
    Elements indices = Gathers.places(node, places);
    Elements type = Elements.of(data.type(), node);
    Reduction reduction = Reduction.of(node);
    Kernel kernel =
        node.is("ScatterND")
            ? blocks(node, data, places, updates, indices, type, reduction)
            : elements(node, data, places, updates, indices, type, reduction);
    long[] whole = {data.elements()};
    Copies.Side side = new Copies.Side(0, new long[] {1});
    Stored where = Copies.plain(node, to, places);
    Stored changes = Copies.plain(node, to, updates);
    Stored from = Copies.plain(node, to, data);
    Stored result = Copies.allocate(node, to, data.type(), data.dims());
    Copies.copy(node, to, from, side, result, side, whole);
    to.kernel("scatter", kernel, List.of(where, changes, result), List.of(result));
    to.define(output, result);
  }

  private static Kernel blocks(
      Node node,
      Operand data,
      Operand places,
      Operand updates,
      Elements indices,
      Elements type,
      Reduction reduction) {
    long[] where = places.dims();
    Gathers.Blocks blocks = Gathers.Blocks.of(node, data.dims(), where, 0);
    long[] wanted =
        LongStream.concat(
                Arrays.stream(where, 0, where.length - 1),
                Arrays.stream(data.dims(), blocks.sizes().length, data.rank()))
            .toArray();
    if (!Arrays.equals(wanted, updates.dims())) {
      throw new UnsupportedNodeException(
          node,
          "its updates are "
              + Arrays.toString(updates.dims())
              + " instead of "
              + Arrays.toString(wanted));
    }
    String label = node.label();
    return (reads, writes) -> {
      ByteBuffer tuples = reads.get(0);
      ByteBuffer changes = reads.get(1);
      ByteBuffer out = writes.get(0);
      return () -> {
        for (int i = 0; i < blocks.tuples(); i++) {
          int start = blocks.start(label, indices, tuples, i);
          for (int e = 0; e < blocks.block(); e++) {
            reduction.apply(type, out, start + e, changes, i * blocks.block() + e);
          }
        }
      };
    };
  }

  private static Kernel elements(
      Node node,
      Operand data,
      Operand places,
      Operand updates,
      Elements indices,
      Elements type,
      Reduction reduction) {
    int axis = Views.axis(node, node.intAttribute("axis", 0), data.rank(), false);
    long[] dims = places.dims();
    boolean fits = dims.length == data.rank() && Arrays.equals(dims, updates.dims());
    for (int i = 0; fits && i < dims.length; i++) {
      fits = i == axis || dims[i] <= data.dim(i);
    }
    if (!fits) {
      throw new UnsupportedNodeException(
          node,
          "its data, indices and updates of "
              + Arrays.toString(data.dims())
              + Arrays.toString(dims)
              + Arrays.toString(updates.dims())
              + " do not fit");
    }
    int size = (int) data.dim(axis);
    long[] strides = Walk.strides(data.dims());
    int step = (int) strides[axis];
    strides[axis] = 0;
    Walk walk = Walk.over(dims, strides, Walk.strides(dims));
    String label = node.label();
    return (reads, writes) -> {
      ByteBuffer where = reads.get(0);
      ByteBuffer changes = reads.get(1);
      ByteBuffer out = writes.get(0);
      Walk.Cursor cursor = walk.cursor();
      return () -> {
        cursor.reset();
        do {
          for (int i = 0; i < walk.length(); i++) {
            int from = cursor.at(1) + i * walk.stride(1);
            int place = Gathers.place(label, indices.whole(where, from), size);
            int at = cursor.at(0) + i * walk.stride(0) + place * step;
            reduction.apply(type, out, at, changes, from);
          }
        } while (cursor.next());
      };
    };
  }
}
