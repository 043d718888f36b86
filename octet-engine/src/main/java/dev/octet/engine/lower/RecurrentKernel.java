package dev.octet.engine.lower;

import dev.octet.engine.plan.Kernel;
import dev.octet.graph.Tensor;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * LSTM, GRU and RNN in Java, for what oneDNN's cells lack: sequence lengths, other activations, a
 * clip, coupled gates. Products run along rows of transposed weights, which the JIT vectorizes.
 *
 * <p>Reads X {@code [T, N, I]}, first hidden state and (LSTM) cell state {@code [D, N, H]}, and the
 * sequence lengths where there are any; writes Y {@code [T, D, N, H]} and the last states.
 */
final class RecurrentKernel implements Kernel {
  private final RecurrentLayer layer;
  private final Direction[] directions;

  /**
   * One direction.
   *
   * @param w I rows of G * H
   * @param r H rows of G * H
   * @param gateBias what is added to both products
   * @param hiddenBias what the reset gate of a GRU scales, too
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Direction(
      boolean reversed,
      float[][] w,
      float[][] r,
      float[] gateBias,
      float[] hiddenBias,
      float @Nullable [] peephole,
      GateFunction[] functions) {}

  RecurrentKernel(RecurrentLayer layer) {
    this.layer = layer;
    this.directions = new Direction[layer.directions()];
    int h = layer.units();
    int width = layer.gates() * h;
    for (int d = 0; d < directions.length; d++) {
      float[] gate = new float[width];
      float[] hidden = new float[h];
      boolean apart = layer.gates() == 3 && layer.resetAfter();
      for (int j = 0; j < width; j++) {
        float own = layer.bias()[d * 2 * width + j];
        float recurrent = layer.bias()[(d * 2 + 1) * width + j];
        if (apart && j >= 2 * h) {
          hidden[j - 2 * h] = recurrent;
          gate[j] = own;
        } else {
          gate[j] = own + recurrent;
        }
      }
      float[] peephole = layer.peephole();
      directions[d] =
          new Direction(
              layer.reversed()[d],
              transposed(layer.w(), d * width, width, layer.inputs()),
              transposed(layer.r(), d * width, width, h),
              gate,
              hidden,
              peephole == null ? null : Arrays.copyOfRange(peephole, d * 3 * h, (d + 1) * 3 * h),
              layer.functions().get(d).toArray(new GateFunction[0]));
    }
  }

  private static float[][] transposed(float[] matrix, int firstRow, int rows, int columns) {
    float[][] turned = new float[columns][rows];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        turned[j][i] = matrix[(firstRow + i) * columns + j];
      }
    }
    return turned;
  }

  @Override
  public Runnable bind(List<ByteBuffer> reads, List<ByteBuffer> writes) {
    return new Run(reads, writes);
  }

  private final class Run implements Runnable {
    private final FloatBuffer x;
    private final FloatBuffer firstHidden;
    private final FloatBuffer firstCell;
    private final @Nullable IntBuffer lengths;
    private final FloatBuffer y;
    private final FloatBuffer lastHidden;
    private final FloatBuffer lastCell;
    private final float[] input = new float[layer.inputs()];
    private final float[] hidden = new float[layer.units()];
    private final float[] cell = new float[layer.units()];
    private final float[] scaled = new float[layer.units()];
    private final float[] candidate = new float[layer.units()];
    private final float[] gates = new float[layer.gates() * layer.units()];

    Run(List<ByteBuffer> reads, List<ByteBuffer> writes) {
      x = reads.get(0).asFloatBuffer();
      firstHidden = reads.get(1).asFloatBuffer();
      firstCell = reads.get(2).asFloatBuffer();
      lengths = reads.size() > 3 ? reads.get(3).asIntBuffer() : null;
      y = writes.get(0).asFloatBuffer();
      lastHidden = writes.get(1).asFloatBuffer();
      lastCell = writes.get(2).asFloatBuffer();
    }

    @Override
    public void run() {
      for (int b = 0; b < layer.batch(); b++) {
        int length = length(b);
        for (int d = 0; d < directions.length; d++) {
          sequence(directions[d], d, b, length);
        }
      }
    }

    private int length(int b) {
      int length = lengths == null ? layer.steps() : lengths.get(b);
      if (length < 0 || length > layer.steps()) {
        throw new IllegalArgumentException(
            "sequence_lens of node '"
                + layer.node().label()
                + "' says "
                + length
                + " for sequence "
                + b
                + "; there are "
                + layer.steps()
                + " steps");
      }
      return length;
    }

    private void sequence(Direction direction, int d, int b, int length) {
      int h = layer.units();
      int state = (d * layer.batch() + b) * h;
      if (length == 0) {
        Arrays.fill(hidden, 0);
        Arrays.fill(cell, 0);
      } else {
        firstHidden.get(state, hidden);
        firstCell.get(state, cell);
      }
      for (int k = 0; k < length; k++) {
        int t = direction.reversed ? length - 1 - k : k;
        x.get((t * layer.batch() + b) * layer.inputs(), input);
        System.arraycopy(direction.gateBias, 0, gates, 0, gates.length);
        for (int i = 0; i < input.length; i++) {
          addRow(gates, input[i], direction.w[i], gates.length);
        }
        switch (layer.gates()) {
          case 4 -> lstm(direction);
          case 3 -> gru(direction);
          default -> rnn(direction);
        }
        y.put(((t * directions.length + d) * layer.batch() + b) * h, hidden);
      }
      Arrays.fill(input, 0);
      for (int t = length; t < layer.steps(); t++) {
        int at = ((t * directions.length + d) * layer.batch() + b) * h;
        for (int i = 0; i < h; i++) {
          y.put(at + i, 0);
        }
      }
      lastHidden.put(state, hidden);
      lastCell.put(state, cell);
    }

    /** Gates in ONNX's order: input, output, forget, cell. */
    private void lstm(Direction direction) {
      int h = hidden.length;
      GateFunction f = direction.functions[0];
      GateFunction g = direction.functions[1];
      GateFunction last = direction.functions[2];
      float[] p = direction.peephole;
      for (int i = 0; i < h; i++) {
        addRow(gates, hidden[i], direction.r[i], gates.length);
      }
      for (int i = 0; i < h; i++) {
        float before = cell[i];
        float in = f.apply(clip(gates[i] + (p == null ? 0 : p[i] * before)));
        float forget =
            layer.inputForget()
                ? 1 - in
                : f.apply(clip(gates[2 * h + i] + (p == null ? 0 : p[2 * h + i] * before)));
        float now = forget * before + in * g.apply(clip(gates[3 * h + i]));
        float out = f.apply(clip(gates[h + i] + (p == null ? 0 : p[h + i] * now)));
        cell[i] = now;
        hidden[i] = out * last.apply(now);
      }
    }

    /** Gates in ONNX's order: update, reset, hidden. */
    private void gru(Direction direction) {
      int h = hidden.length;
      GateFunction f = direction.functions[0];
      GateFunction g = direction.functions[1];
      for (int i = 0; i < h; i++) {
        addRow(gates, hidden[i], direction.r[i], 2 * h);
      }
      for (int i = 0; i < 2 * h; i++) {
        gates[i] = f.apply(clip(gates[i]));
      }
      for (int i = 0; i < h; i++) {
        scaled[i] = layer.resetAfter() ? hidden[i] : hidden[i] * gates[h + i];
      }
      System.arraycopy(direction.hiddenBias, 0, candidate, 0, h);
      for (int i = 0; i < h; i++) {
        float factor = scaled[i];
        float[] row = direction.r[i];
        for (int j = 0; j < h; j++) {
          candidate[j] += factor * row[2 * h + j];
        }
      }
      for (int i = 0; i < h; i++) {
        float recurrent = layer.resetAfter() ? gates[h + i] * candidate[i] : candidate[i];
        float made = g.apply(clip(gates[2 * h + i] + recurrent));
        hidden[i] = (1 - gates[i]) * made + gates[i] * hidden[i];
      }
    }

    private void rnn(Direction direction) {
      for (int i = 0; i < hidden.length; i++) {
        addRow(gates, hidden[i], direction.r[i], gates.length);
      }
      for (int i = 0; i < hidden.length; i++) {
        hidden[i] = direction.functions[0].apply(clip(gates[i]));
      }
    }

    private float clip(float value) {
      return Math.max(-layer.clip(), Math.min(layer.clip(), value));
    }
  }

  private static void addRow(float[] sums, float factor, float[] row, int count) {
    for (int j = 0; j < count; j++) {
      sums[j] += factor * row[j];
    }
  }

  /** The cell states' place where there is none: as many zeros as hidden states. */
  static Tensor zeros(RecurrentLayer layer) {
    int count = layer.directions() * layer.batch() * layer.units();
    return Tensor.ofFloats(new float[count], layer.directions(), layer.batch(), layer.units());
  }
}
