package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Kernel;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Operators that read elements at places which are data themselves. A place that is not there is an
 * {@link IllegalArgumentException} of the run.
 */
final class Gathers implements Lowering {
  static final String[] OPERATORS = {"Gather", "GatherElements", "GatherND", "OneHot"};

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    if (node.is("OneHot")) {
      to.define(output, oneHot(node, to));
      return;
    }
    Operand data = to.input(node, 0);
    Operand places = to.input(node, 1);
    if (node.is("Gather") && rowScales(data)) {
      to.define(output, dequantizedRows(node, to, data, places));
      return;
    }
    Copies.define(
        to,
        output,
        data,
        it ->
            switch (node.op()) {
              case "Gather" -> gather(node, to, it, places);
              case "GatherND" -> gatherBlocks(node, to, it, places);
              default -> gatherElements(node, to, it, places);
            });
  }

  /** Whole numbers that say where. */
  static Elements places(Node node, Operand operand) {
    if (operand.type() != DataType.INT64 && operand.type() != DataType.INT32) {
      throw new UnsupportedNodeException(node, "its indices are of " + operand.type());
    }
    return Elements.of(operand.type(), node);
  }

  /** {@code index} counted from the front. */
  static int place(String node, long index, int size) {
    long counted = index < 0 ? index + size : index;
    if (counted < 0 || counted >= size) {
      throw new IllegalArgumentException(
          "node '" + node + "' is given index " + index + ", but there are " + size + " elements");
    }
    return (int) counted;
  }

  // ---- Gather ----

  private static long[] gathered(Operand data, Operand places, int axis) {
    return LongStream.concat(
            Arrays.stream(data.dims(), 0, axis),
            LongStream.concat(
                Arrays.stream(places.dims()), Arrays.stream(data.dims(), axis + 1, data.rank())))
        .toArray();
  }

  private static Operand gather(Node node, Compilation to, Operand data, Operand places) {
    int axis = Views.axis(node, node.intAttribute("axis", 0), data.rank(), false);
    long[] dims = data.dims();
    int outer = Settings.product(dims, 0, axis);
    int size = (int) dims[axis];
    int bytes =
        Settings.product(dims, axis + 1, dims.length) * Elements.of(data.type(), node).width();
    int count = Math.toIntExact(places.elements());
    Elements type = places(node, places);
    String label = node.label();
    Stored from = Copies.plain(node, to, data);
    Stored where = Copies.plain(node, to, places);
    Stored result = Copies.allocate(node, to, data.type(), gathered(data, places, axis));
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer indices = reads.get(1);
          ByteBuffer out = writes.get(0);
          return () -> {
            for (int i = 0; i < count; i++) {
              int place = place(label, type.whole(indices, i), size);
              for (int row = 0; row < outer; row++) {
                out.put((row * count + i) * bytes, in, (row * size + place) * bytes, bytes);
              }
            }
          };
        };
    to.kernel("gather", kernel, List.of(from, where), List.of(result));
    return Operand.stored(result);
  }

  /** Whether it is a constant table of integers whose rows have scales of their own. */
  private static boolean rowScales(Operand data) {
    Quantization q = data.quantization();
    Operand integers = data.integers();
    return q != null
        && integers != null
        && integers.constant() != null
        && q.axis() == 0
        && q.isByte();
  }

  /** Rows of a table are converted as they are read; the table stays integers. */
  private static Operand dequantizedRows(Node node, Compilation to, Operand data, Operand places) {
    Quantization q = data.quantization();
    Operand integers = data.integers();
    if (q == null
        || integers == null
        || Views.axis(node, node.intAttribute("axis", 0), data.rank(), false) != 0) {
      return gather(node, to, data, places);
    }
    int size = (int) data.dim(0);
    int width = Settings.product(data.dims(), 1, data.rank());
    int count = Math.toIntExact(places.elements());
    Elements type = places(node, places);
    int mask = q.type() == DataType.UINT8 ? 0xFF : -1;
    float[] scales = q.scales();
    int[] zeros = q.zeroPoints();
    String label = node.label();
    Stored from = Copies.plain(node, to, integers);
    Stored where = Copies.plain(node, to, places);
    Stored result = Copies.allocate(node, to, DataType.FLOAT, gathered(data, places, 0));
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer indices = reads.get(1);
          ByteBuffer out = writes.get(0);
          return () -> {
            for (int i = 0; i < count; i++) {
              int row = place(label, type.whole(indices, i), size);
              float scale = scales[row];
              int zero = zeros[row];
              for (int c = 0; c < width; c++) {
                float real = ((in.get(row * width + c) & mask) - zero) * scale;
                out.putFloat((i * width + c) << 2, real);
              }
            }
          };
        };
    to.kernel("gather", kernel, List.of(from, where), List.of(result));
    return Operand.stored(result);
  }

  // ---- GatherElements, GatherND ----

  private static Operand gatherElements(Node node, Compilation to, Operand data, Operand places) {
    int axis = Views.axis(node, node.intAttribute("axis", 0), data.rank(), false);
    long[] dims = places.dims();
    if (dims.length != data.rank()) {
      throw new UnsupportedNodeException(node, "its indices have another rank than its data");
    }
    for (int i = 0; i < dims.length; i++) {
      if (i != axis && dims[i] > data.dim(i)) {
        throw new UnsupportedNodeException(node, "its indices reach beyond its data");
      }
    }
    int size = (int) data.dim(axis);
    long[] strides = Walk.strides(data.dims());
    int step = (int) strides[axis];
    strides[axis] = 0;
    Walk walk = Walk.over(dims, strides, Walk.strides(dims));
    Elements type = places(node, places);
    int width = Elements.of(data.type(), node).width();
    String label = node.label();
    Stored from = Copies.plain(node, to, data);
    Stored where = Copies.plain(node, to, places);
    Stored result = Copies.allocate(node, to, data.type(), dims);
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer indices = reads.get(1);
          ByteBuffer out = writes.get(0);
          Walk.Cursor cursor = walk.cursor();
          return () -> {
            cursor.reset();
            do {
              for (int i = 0; i < walk.length(); i++) {
                int at = cursor.at(1) + i * walk.stride(1);
                int place = place(label, type.whole(indices, at), size);
                int source = cursor.at(0) + i * walk.stride(0) + place * step;
                out.put(at * width, in, source * width, width);
              }
            } while (cursor.next());
          };
        };
    to.kernel("gather", kernel, List.of(from, where), List.of(result));
    return Operand.stored(result);
  }

  /** How GatherND and ScatterND read blocks of a tensor by tuples of indices. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Blocks(int batches, int perBatch, int tuples, int[] sizes, int[] steps, int block) {

    /** For {@code data} of these dimensions, where tuples follow {@code batch} shared ones. */
    static Blocks of(Node node, long[] data, long[] places, int batch) {
      int depth = places.length == 0 ? 0 : (int) places[places.length - 1];
      if (places.length <= batch
          || batch < 0
          || depth < 1
          || batch + depth > data.length
          || !Arrays.equals(Arrays.copyOf(places, batch), Arrays.copyOf(data, batch))) {
        throw new UnsupportedNodeException(
            node,
            "indices of "
                + Arrays.toString(places)
                + " do not lead into data of "
                + Arrays.toString(data));
      }
      int batches = Settings.product(places, 0, batch);
      int[] sizes = new int[depth];
      int[] steps = new int[depth];
      for (int i = 0; i < depth; i++) {
        sizes[i] = (int) data[batch + i];
        steps[i] = Settings.product(data, batch + i + 1, data.length);
      }
      return new Blocks(
          batches,
          Settings.product(data, batch, data.length),
          Settings.product(places, batch, places.length - 1),
          sizes,
          steps,
          Settings.product(data, batch + depth, data.length));
    }

    /** Where the block of tuple {@code tuple} begins, in elements. */
    int start(String node, Elements type, ByteBuffer indices, int tuple) {
      int start = tuple / tuples * perBatch;
      for (int i = 0; i < sizes.length; i++) {
        start += place(node, type.whole(indices, tuple * sizes.length + i), sizes[i]) * steps[i];
      }
      return start;
    }
  }

  private static Operand gatherBlocks(Node node, Compilation to, Operand data, Operand places) {
    long[] where = places.dims();
    Blocks blocks = Blocks.of(node, data.dims(), where, (int) node.intAttribute("batch_dims", 0));
    int batch = (int) node.intAttribute("batch_dims", 0);
    int depth = blocks.sizes().length;
    long[] dims =
        LongStream.concat(
                Arrays.stream(where, 0, where.length - 1),
                Arrays.stream(data.dims(), batch + depth, data.rank()))
            .toArray();
    Elements type = places(node, places);
    int bytes = blocks.block() * Elements.of(data.type(), node).width();
    int width = Elements.of(data.type(), node).width();
    String label = node.label();
    Stored from = Copies.plain(node, to, data);
    Stored tuples = Copies.plain(node, to, places);
    Stored result = Copies.allocate(node, to, data.type(), dims);
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer indices = reads.get(1);
          ByteBuffer out = writes.get(0);
          return () -> {
            for (int i = 0; i < blocks.batches() * blocks.tuples(); i++) {
              out.put(i * bytes, in, blocks.start(label, type, indices, i) * width, bytes);
            }
          };
        };
    to.kernel("gather", kernel, List.of(from, tuples), List.of(result));
    return Operand.stored(result);
  }

  // ---- OneHot ----

  private static Operand oneHot(Node node, Compilation to) {
    Operand places = to.input(node, 0);
    Operand values = to.input(node, 2);
    var given = to.constant(node, 1);
    if (given == null || given.elementCount() != 1) {
      throw new UnsupportedNodeException(node, "its depth is not one constant number");
    }
    int depth = (int) (given.type().isFloat() ? (long) given.toFloats()[0] : given.toLongs()[0]);
    if (depth < 1 || values.elements() != 2) {
      throw new UnsupportedNodeException(
          node, "its depth is " + depth + " and it has " + values.elements() + " values, not two");
    }
    long asked = node.intAttribute("axis", -1);
    int axis = Views.axis(node, asked, places.rank() + 1, false);
    long[] dims =
        LongStream.concat(
                LongStream.concat(Arrays.stream(places.dims(), 0, axis), LongStream.of(depth)),
                Arrays.stream(places.dims(), axis, places.rank()))
            .toArray();
    int inner = Settings.product(places.dims(), axis, places.rank());
    int count = Math.toIntExact(places.elements());
    Elements type = Elements.of(places.type(), node);
    int width = Elements.of(values.type(), node).width();
    Stored where = Copies.plain(node, to, places);
    Stored pair = Copies.plain(node, to, values);
    Stored result = Copies.allocate(node, to, values.type(), dims);
    Copies.fill(node, to, new Stored(pair.buffer(), Layout.rowMajor(values.type(), 2)), result);
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer indices = reads.get(0);
          ByteBuffer two = reads.get(1);
          ByteBuffer out = writes.get(0);
          return () -> {
            for (int i = 0; i < count; i++) {
              long index = type.whole(indices, i);
              long hot = index < 0 ? index + depth : index;
              if (hot >= 0 && hot < depth) {
                int at = (i / inner * depth + (int) hot) * inner + i % inner;
                out.put(at * width, two, width, width);
              }
            }
          };
        };
    to.kernel("one-hot", kernel, List.of(where, pair, result), List.of(result));
    return Operand.stored(result);
  }
}
