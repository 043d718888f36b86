package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.Attributes.Binary;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Primitive;
import dev.octet.engine.dnnl.Primitives;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Kernel;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** What centres and scales groups of elements, in floats. */
final class Normalizations implements Lowering {
  static final String[] OPERATORS = {
    "LayerNormalization",
    "RMSNormalization",
    "InstanceNormalization",
    "GroupNormalization",
    "BatchNormalization",
    "LRN",
    "LpNormalization",
    "MeanVarianceNormalization"
  };

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (node.outputs().stream().skip(1).anyMatch(more -> more != null)) {
      throw new UnsupportedNodeException(node, "its statistics are asked for as outputs");
    }
    Operand input = to.input(node, 0);
    if (input.type() != DataType.FLOAT) {
      throw new UnsupportedNodeException(node, "it works on FLOAT here, not " + input.type());
    }
    if (output == null) {
      return;
    }
    switch (node.op()) {
      case "LayerNormalization" -> layers(node, to, input, output, true);
      case "RMSNormalization" -> layers(node, to, input, output, false);
      case "InstanceNormalization" -> groups(node, to, input, output, channels(node, input));
      case "GroupNormalization" ->
          groups(node, to, input, output, node.intAttribute("num_groups", 0));
      case "BatchNormalization" -> batch(node, to, input, output);
      case "LRN" -> responses(node, to, input, output);
      case "LpNormalization" -> to.define(output, lengths(node, to, input));
      default -> to.define(output, standardized(node, to, input));
    }
  }

  private static long channels(Node node, Operand input) {
    if (input.rank() < 3) {
      throw new UnsupportedNodeException(
          node, Arrays.toString(input.dims()) + " has no channels with positions");
    }
    return input.dim(1);
  }

  // ---- LayerNormalization ----

  private static void layers(
      Node node, Compilation to, Operand input, Value output, boolean centred) {
    int axis = Views.axis(node, node.intAttribute("axis", -1), input.rank(), false);
    long[] dims = input.dims();
    int inner = Settings.product(dims, axis, dims.length);
    int outer = Settings.product(dims, 0, axis);
    float epsilon = node.floatAttribute("epsilon", 1e-5f);
    Stored from = to.rowMajor(input);
    Layout rows = Layout.rowMajor(DataType.FLOAT, outer, inner);
    Stored scale = vector(node, to, 1, dims, axis, inner);
    boolean shifted = node.input(2) != null;
    Primitive primitive =
        Primitives.layerNormalization(
            rows, rows, epsilon, centred, true, shifted, new Attributes());
    Stored result =
        to.overwritable(from) ? from : to.allocate(Layout.rowMajor(DataType.FLOAT, dims));
    Map<Integer, Stored> arguments = new LinkedHashMap<>();
    arguments.put(Args.SRC, new Stored(from.buffer(), rows));
    arguments.put(Args.SCALE, scale);
    if (shifted) {
      arguments.put(Args.SHIFT, vector(node, to, 2, dims, axis, inner));
    }
    arguments.put(Args.DST, new Stored(result.buffer(), rows));
    to.primitive(primitive, arguments);
    to.define(output, result);
  }

  /** Input number {@code index}, one element for each of the normalized dimensions. */
  private static Stored vector(
      Node node, Compilation to, int index, long[] dims, int axis, int inner) {
    Operand operand = to.input(node, index);
    long[] part = Arrays.copyOfRange(dims, axis, dims.length);
    if (operand.type() != DataType.FLOAT
        || !Arrays.equals(Settings.broadcast(node, part, operand.dims()), part)) {
      throw new UnsupportedNodeException(
          node,
          "its input number "
              + index
              + " of "
              + Arrays.toString(operand.dims())
              + " does not fit "
              + Arrays.toString(part));
    }
    Stored plain = to.rowMajor(operand);
    if (operand.elements() != inner) {
      Stored spread = Copies.allocate(node, to, DataType.FLOAT, part);
      Copies.copy(
          node,
          to,
          plain,
          new Copies.Side(0, Walk.broadcast(operand.dims(), part)),
          spread,
          new Copies.Side(0, Walk.strides(part)),
          part);
      plain = spread;
    }
    return new Stored(plain.buffer(), Layout.rowMajor(DataType.FLOAT, inner));
  }

  // ---- InstanceNormalization, GroupNormalization ----

  private static void groups(Node node, Compilation to, Operand input, Value output, long groups) {
    long channels = channels(node, input);
    if (groups < 1 || channels % groups != 0) {
      throw new UnsupportedNodeException(
          node, channels + " channels do not make " + groups + " groups");
    }
    Stored from = to.stored(input);
    Layout layout = from.layout();
    Primitive primitive =
        Primitives.groupNormalization(
            layout, layout, groups, node.floatAttribute("epsilon", 1e-5f), new Attributes());
    Stored result = to.allocate(layout);
    Map<Integer, Stored> arguments = new LinkedHashMap<>();
    arguments.put(Args.SRC, from);
    arguments.put(Args.SCALE, perChannel(node, to, 1, channels));
    arguments.put(Args.SHIFT, perChannel(node, to, 2, channels));
    arguments.put(Args.DST, result);
    to.primitive(primitive, arguments);
    to.define(output, result);
  }

  private static Stored perChannel(Node node, Compilation to, int index, long channels) {
    Operand operand = to.input(node, index);
    if (operand.type() != DataType.FLOAT || operand.elements() != channels) {
      throw new UnsupportedNodeException(
          node, "its input number " + index + " is not one FLOAT for each channel");
    }
    return new Stored(to.rowMajor(operand).buffer(), Layout.rowMajor(DataType.FLOAT, channels));
  }

  // ---- BatchNormalization ----

  private static void batch(Node node, Compilation to, Operand input, Value output) {
    if (node.intAttribute("training_mode", 0) != 0) {
      throw new UnsupportedNodeException(node, "it is training");
    }
    long channels = input.rank() > 1 ? input.dim(1) : 1;
    float[][] given = new float[4][];
    for (int i = 0; i < 4; i++) {
      Tensor tensor = to.constant(node, i + 1);
      if (tensor == null || tensor.type() != DataType.FLOAT || tensor.elementCount() != channels) {
        throw new UnsupportedNodeException(
            node, "its input number " + (i + 1) + " is not a constant FLOAT for each channel");
      }
      given[i] = tensor.toFloats();
    }
    float epsilon = node.floatAttribute("epsilon", 1e-5f);
    float[] factors = new float[(int) channels];
    float[] shifts = new float[factors.length];
    for (int c = 0; c < factors.length; c++) {
      double factor = given[0][c] / Math.sqrt((double) given[3][c] + epsilon);
      factors[c] = (float) factor;
      shifts[c] = (float) (given[1][c] - given[2][c] * factor);
    }
    long[] spread = new long[input.rank()];
    Arrays.fill(spread, 1);
    if (spread.length > 1) {
      spread[1] = channels;
    }
    Stored from = to.stored(input);
    Layout row = Layout.rowMajor(DataType.FLOAT, spread);
    Stored result = to.overwritable(from) ? from : to.allocate(from.layout());
    Attributes attributes = new Attributes();
    Map<Integer, Stored> arguments = new LinkedHashMap<>();
    arguments.put(Args.SRC, from);
    arguments.put(Args.SRC_1, new Stored(to.floats(factors).buffer(), row));
    arguments.put(attributes.binary(Binary.ADD, row), new Stored(to.floats(shifts).buffer(), row));
    arguments.put(Args.DST, result);
    to.primitive(
        Primitives.binary(Binary.MUL, from.layout(), row, from.layout(), attributes), arguments);
    to.define(output, result);
  }

  // ---- LRN ----

  private static void responses(Node node, Compilation to, Operand input, Value output) {
    long size = node.intAttribute("size", 1);
    float alpha = node.floatAttribute("alpha", 1e-4f);
    float beta = node.floatAttribute("beta", 0.75f);
    float bias = node.floatAttribute("bias", 1);
    if (size < 1 || size % 2 == 0 || channels(node, input) < 1) {
      throw new UnsupportedNodeException(node, "its size is " + size + ", not an odd number");
    }
    Stored from = to.stored(input);
    Layout layout = from.layout();
    Primitive primitive = Primitives.localResponse(layout, layout, size, alpha, beta, bias);
    Stored result = to.allocate(layout);
    to.primitive(primitive, Map.of(Args.SRC, from, Args.DST, result));
    to.define(output, result);
  }

  // ---- LpNormalization, MeanVarianceNormalization ----

  private static Operand lengths(Node node, Compilation to, Operand input) {
    int axis = Views.axis(node, node.intAttribute("axis", -1), input.rank(), false);
    long p = node.intAttribute("p", 2);
    if (p != 1 && p != 2) {
      throw new UnsupportedNodeException(node, "p is " + p + ", not 1 or 2");
    }
    return grouped(
        node,
        to,
        input,
        new int[] {axis},
        (in, out, from, sums) -> {
          for (int i = 0; i < from.length; i++) {
            double x = in.getFloat(i << 2);
            sums[0][from[i]] += p == 1 ? Math.abs(x) : x * x;
          }
          for (int i = 0; i < from.length; i++) {
            double sum = sums[0][from[i]];
            double length = p == 1 ? sum : Math.sqrt(sum);
            out.putFloat(i << 2, length == 0 ? 0 : (float) (in.getFloat(i << 2) / length));
          }
        });
  }

  private static Operand standardized(Node node, Compilation to, Operand input) {
    List<Long> given = node.intsAttribute("axes", List.of(0L, 2L, 3L));
    int[] axes =
        given.stream().mapToInt(a -> Views.axis(node, a, input.rank(), false)).sorted().toArray();
    double each = Arrays.stream(axes).mapToLong(input::dim).reduce(1, (a, b) -> a * b);
    return grouped(
        node,
        to,
        input,
        axes,
        (in, out, from, sums) -> {
          for (int i = 0; i < from.length; i++) {
            sums[0][from[i]] += in.getFloat(i << 2) / each;
          }
          for (int i = 0; i < from.length; i++) {
            double distance = in.getFloat(i << 2) - sums[0][from[i]];
            sums[1][from[i]] += distance * distance / each;
          }
          for (int i = 0; i < from.length; i++) {
            double distance = in.getFloat(i << 2) - sums[0][from[i]];
            out.putFloat(i << 2, (float) (distance / (Math.sqrt(sums[1][from[i]]) + 1e-9)));
          }
        });
  }

  /**
   * Computes with elements {@code in}, where element {@code i} belongs to group {@code from[i]}.
   */
  @FunctionalInterface
  private interface Grouped {
    void run(ByteBuffer in, ByteBuffer out, int[] from, double[][] sums);
  }

  /** Groups are the elements that agree in all dimensions but {@code axes}. */
  private static Operand grouped(
      Node node, Compilation to, Operand input, int[] axes, Grouped function) {
    long[] kept = input.dims();
    Arrays.stream(axes).forEach(axis -> kept[axis] = 1);
    long[] strides = Walk.broadcast(kept, input.dims());
    long[] plain = Walk.strides(input.dims());
    int[] groups =
        IntStream.range(0, Math.toIntExact(input.elements()))
            .map(
                i -> {
                  long group = 0;
                  for (int d = 0; d < plain.length; d++) {
                    group += i / plain[d] % input.dim(d) * strides[d];
                  }
                  return (int) group;
                })
            .toArray();
    int count = Settings.product(kept, 0, kept.length);
    Stored from = Copies.plain(node, to, input);
    Stored result = Copies.allocate(node, to, DataType.FLOAT, input.dims());
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer out = writes.get(0);
          double[][] sums = new double[2][count];
          return () -> {
            Arrays.fill(sums[0], 0);
            Arrays.fill(sums[1], 0);
            function.run(in, out, groups, sums);
          };
        };
    to.kernel("normalization", kernel, List.of(from), List.of(result));
    return Operand.stored(result);
  }
}
