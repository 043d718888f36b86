package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Primitive;
import dev.octet.engine.dnnl.Recurrences;
import dev.octet.engine.dnnl.Recurrences.Cell;
import dev.octet.engine.dnnl.Recurrences.Direction;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Stored;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * LSTM, GRU and RNN in floats, by one primitive where oneDNN has the cell and in Java where it does
 * not (see {@link RecurrentKernel}).
 *
 * <p>Weights that are held as integers or 16-bit floats are turned into floats once, when the model
 * is compiled: oneDNN's integer LSTM also rounds the hidden state, at a scale fixed beforehand,
 * which neither the Q/DQ form nor the dynamic one says. The result is that of the graph; memory and
 * time are those of floats.
 *
 * <p>Bidirectional results lie as {@code [T, N, D, H]} in memory and are seen as ONNX's {@code [T,
 * D, N, H]}: no copy is made until a reader wants another order.
 */
final class RecurrentLayers implements Lowering {
  /** Where oneDNN's gates of an LSTM (input, forget, cell, output) are in ONNX's order. */
  private static final int[] LSTM_GATES = {0, 2, 3, 1};

  /** Where oneDNN's peepholes (input, forget, output) are in ONNX's order. */
  private static final int[] PEEPHOLES = {0, 2, 1};

  @Override
  public void lower(Node node, Compilation to) {
    RecurrentLayer layer = RecurrentLayer.of(node, to);
    Cell cell = cell(layer);
    if (cell == null) {
      inJava(layer, to);
    } else {
      byPrimitive(layer, cell, to);
    }
  }

  /** oneDNN's cell that computes the layer, or null. */
  private static @Nullable Cell cell(RecurrentLayer layer) {
    if (layer.lengths() != null || layer.clip() != Float.POSITIVE_INFINITY || layer.inputForget()) {
      return null;
    }
    List<GateFunction.Kind> first = kinds(layer, 0);
    if (layer.directions() == 2 && !first.equals(kinds(layer, 1))) {
      return null;
    }
    if (layer.gates() == 1) {
      return switch (first.get(0)) {
        case TANH -> Cell.RNN_TANH;
        case RELU -> Cell.RNN_RELU;
        case SIGMOID -> Cell.RNN_SIGMOID;
        default -> null;
      };
    }
    boolean usual =
        first.get(0) == GateFunction.Kind.SIGMOID
            && first.stream().skip(1).allMatch(kind -> kind == GateFunction.Kind.TANH);
    if (!usual) {
      return null;
    }
    return layer.gates() == 4 ? Cell.LSTM : layer.resetAfter() ? Cell.GRU_RESET_AFTER : Cell.GRU;
  }

  private static List<GateFunction.Kind> kinds(RecurrentLayer layer, int direction) {
    return layer.functions().get(direction).stream().map(GateFunction::kind).toList();
  }

  // ---- inputs ----

  /** X as {@code [T, N, I]} in row-major order. */
  private static Stored source(RecurrentLayer layer, Compilation to) {
    Stored plain = to.rowMajor(to.input(layer.node(), 0));
    long steps = layer.steps();
    long batch = layer.batch();
    long inputs = layer.inputs();
    Layout wanted = Layout.rowMajor(DataType.FLOAT, steps, batch, inputs);
    return layer.batchFirst()
        ? to.reorder(
            new Stored(
                plain.buffer(),
                Layout.strided(
                    DataType.FLOAT,
                    new long[] {steps, batch, inputs},
                    new long[] {inputs, steps * inputs, 1})),
            wanted)
        : new Stored(plain.buffer(), wanted);
  }

  /** A first state as {@code [1, D, N, H]}; zeros where it is left out. */
  private static Stored state(RecurrentLayer layer, int index, Compilation to) {
    Layout wanted = states(layer);
    if (layer.node().input(index) == null) {
      Stored zeros = to.floats(RecurrentKernel.zeros(layer).toFloats());
      return new Stored(zeros.buffer(), wanted);
    }
    Stored plain = to.rowMajor(to.input(layer.node(), index));
    if (!layer.batchFirst()) {
      return new Stored(plain.buffer(), wanted);
    }
    long h = layer.units();
    long d = layer.directions();
    Layout turned =
        Layout.strided(
            DataType.FLOAT, new long[] {1, d, layer.batch(), h}, new long[] {h, h, d * h, 1});
    return to.reorder(new Stored(plain.buffer(), turned), wanted);
  }

  private static Layout states(RecurrentLayer layer) {
    return Layout.rowMajor(DataType.FLOAT, 1, layer.directions(), layer.batch(), layer.units());
  }

  // ---- oneDNN ----

  private static void byPrimitive(RecurrentLayer layer, Cell cell, Compilation to) {
    Node node = layer.node();
    long d = layer.directions();
    long h = layer.units();
    long g = layer.gates();
    boolean lstm = cell == Cell.LSTM;
    boolean begins = node.input(5) != null || (lstm && node.input(6) != null);
    boolean ends = isRead(node, 1) || (lstm && isRead(node, 2));
    Layout state = states(layer);
    int biases = cell == Cell.GRU_RESET_AFTER ? 4 : layer.gates();
    float[] peephole = layer.peephole();
    Layout destination = Layout.rowMajor(DataType.FLOAT, layer.steps(), layer.batch(), d * h);
    Recurrences.Layouts layouts =
        new Recurrences.Layouts(
            Layout.rowMajor(DataType.FLOAT, layer.steps(), layer.batch(), layer.inputs()),
            begins ? state : null,
            begins && lstm ? state : null,
            Layout.any(DataType.FLOAT, 1, d, layer.inputs(), g, h),
            Layout.any(DataType.FLOAT, 1, d, h, g, h),
            peephole == null ? null : Layout.rowMajor(DataType.FLOAT, 1, d, 3, h),
            Layout.rowMajor(DataType.FLOAT, 1, d, biases, h),
            destination,
            ends ? state : null,
            ends && lstm ? state : null);
    Direction direction =
        d == 2 ? Direction.BOTH : layer.reversed()[0] ? Direction.REVERSE : Direction.FORWARD;
    Primitive primitive = Recurrences.layer(cell, direction, layouts);
    Stored result = to.allocate(destination);
    Stored hidden = null;
    Stored last = null;
    try {
      Map<Integer, Stored> arguments = new LinkedHashMap<>();
      arguments.put(Args.SRC, source(layer, to));
      if (begins) {
        arguments.put(Args.SRC_1, state(layer, 5, to));
      }
      if (begins && lstm) {
        arguments.put(Args.SRC_2, state(layer, 6, to));
      }
      arguments.put(
          Args.WEIGHTS,
          weights(layer, 1, layer.w(), layer.inputs(), primitive.layout(Args.WEIGHTS), to));
      arguments.put(
          Args.WEIGHTS_ITER,
          weights(layer, 2, layer.r(), layer.units(), primitive.layout(Args.WEIGHTS_ITER), to));
      if (peephole != null && layouts.peephole() != null) {
        Stored given = to.floats(reordered(peephole, layer.directions(), PEEPHOLES, layer));
        arguments.put(Args.WEIGHTS_PEEPHOLE, new Stored(given.buffer(), layouts.peephole()));
      }
      arguments.put(Args.BIAS, new Stored(to.floats(biases(layer, cell)).buffer(), layouts.bias()));
      arguments.put(Args.DST, result);
      if (ends) {
        hidden = to.allocate(state);
        arguments.put(Args.DST_1, hidden);
      }
      if (ends && lstm) {
        last = to.allocate(state);
        arguments.put(Args.DST_2, last);
      }
      to.primitive(primitive, arguments);
    } catch (RuntimeException failed) {
      primitive.close();
      throw failed;
    }
    long n = layer.batch();
    defineSteps(layer, result, to, new long[] {n * d * h, h, d * h, 1});
    defineState(layer, 1, hidden, to);
    defineState(layer, 2, last, to);
  }

  private static int onnxGate(RecurrentLayer layer, int gate) {
    return layer.gates() == 4 ? LSTM_GATES[gate] : gate;
  }

  /** {@code [D, G * H, columns]} as oneDNN's {@code [1, D, columns, G, H]}. */
  private static Stored weights(
      RecurrentLayer layer, int index, float[] values, int columns, Layout layout, Compilation to) {
    Operand operand = to.input(layer.node(), index);
    Tensor base = operand.origin();
    if (base == null) {
      throw new IllegalStateException();
    }
    return to.packed(
        base,
        "recurrent " + operand.derivation(),
        layout,
        () -> transposed(layer, values, columns, layout.dims()));
  }

  private static Tensor transposed(RecurrentLayer layer, float[] values, int columns, long[] dims) {
    int g = layer.gates();
    int h = layer.units();
    return Tensor.computed(
        turned -> {
          for (int d = 0; d < layer.directions(); d++) {
            for (int i = 0; i < columns; i++) {
              for (int gate = 0; gate < g; gate++) {
                int row = (d * g + onnxGate(layer, gate)) * h;
                for (int j = 0; j < h; j++) {
                  turned.put(values[(row + j) * columns + i]);
                }
              }
            }
          }
        },
        dims);
  }

  /** {@code [directions, order.length, H]} with the middle dimension in {@code order}. */
  private static float[] reordered(
      float[] values, int directions, int[] order, RecurrentLayer layer) {
    int h = layer.units();
    float[] result = new float[values.length];
    for (int d = 0; d < directions; d++) {
      for (int i = 0; i < order.length; i++) {
        System.arraycopy(
            values, (d * order.length + order[i]) * h, result, (d * order.length + i) * h, h);
      }
    }
    return result;
  }

  /** Both biases added up, but for the one that a reset gate scales. */
  private static float[] biases(RecurrentLayer layer, Cell cell) {
    int g = layer.gates();
    int h = layer.units();
    boolean apart = cell == Cell.GRU_RESET_AFTER;
    int parts = apart ? 4 : g;
    float[] made = new float[layer.directions() * parts * h];
    for (int d = 0; d < layer.directions(); d++) {
      for (int gate = 0; gate < parts; gate++) {
        for (int j = 0; j < h; j++) {
          int own = (d * 2 * g + onnxGate(layer, Math.min(gate, g - 1))) * h + j;
          float input = layer.bias()[own];
          float recurrent = layer.bias()[own + g * h];
          made[(d * parts + gate) * h + j] =
              !apart || gate < 2 ? input + recurrent : gate == 2 ? input : recurrent;
        }
      }
    }
    return made;
  }

  // ---- Java ----

  private static void inJava(RecurrentLayer layer, Compilation to) {
    List<Stored> reads = new ArrayList<>();
    reads.add(source(layer, to));
    reads.add(state(layer, 5, to));
    boolean lstm = layer.gates() == 4;
    reads.add(lstm ? state(layer, 6, to) : reads.get(1));
    if (layer.lengths() != null) {
      reads.add(to.rowMajor(layer.lengths()));
    }
    long h = layer.units();
    long n = layer.batch();
    Stored result =
        to.allocate(Layout.rowMajor(DataType.FLOAT, layer.steps(), layer.directions(), n, h));
    Stored hidden = to.allocate(states(layer));
    Stored cell = to.allocate(states(layer));
    to.kernel(
        layer.node().op().toLowerCase(java.util.Locale.ROOT),
        new RecurrentKernel(layer),
        reads,
        List.of(result, hidden, cell));
    defineSteps(layer, result, to, new long[] {layer.directions() * n * h, n * h, h, 1});
    defineState(layer, 1, hidden, to);
    defineState(layer, 2, lstm ? cell : null, to);
  }

  // ---- outputs ----

  private static boolean isRead(Node node, int index) {
    Value output = output(node, index);
    return output != null && (output.isOutput() || !output.consumers().isEmpty());
  }

  private static @Nullable Value output(Node node, int index) {
    return index < node.outputs().size() ? node.outputs().get(index) : null;
  }

  /**
   * Y, which lies in {@code made}.
   *
   * @param strides of steps, directions, sequences and units
   */
  private static void defineSteps(
      RecurrentLayer layer, Stored made, Compilation to, long[] strides) {
    Value y = output(layer.node(), 0);
    if (y == null) {
      return;
    }
    long t = layer.steps();
    long d = layer.directions();
    long n = layer.batch();
    long h = layer.units();
    Layout layout =
        layer.batchFirst()
            ? Layout.strided(
                DataType.FLOAT,
                new long[] {n, t, d, h},
                new long[] {strides[2], strides[0], strides[1], 1})
            : Layout.strided(DataType.FLOAT, new long[] {t, d, n, h}, strides);
    to.define(y, Operand.stored(new Stored(made.buffer(), layout)));
  }

  /** Y_h or Y_c, which lies in {@code made} as {@code [1, D, N, H]}. */
  private static void defineState(
      RecurrentLayer layer, int index, @Nullable Stored made, Compilation to) {
    Value output = output(layer.node(), index);
    if (output == null || made == null) {
      return;
    }
    long d = layer.directions();
    long n = layer.batch();
    long h = layer.units();
    Layout layout =
        layer.batchFirst()
            ? Layout.strided(DataType.FLOAT, new long[] {n, d, h}, new long[] {h, n * h, 1})
            : Layout.rowMajor(DataType.FLOAT, d, n, h);
    to.define(output, Operand.stored(new Stored(made.buffer(), layout)));
  }
}
