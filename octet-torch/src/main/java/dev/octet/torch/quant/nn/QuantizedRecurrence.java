package dev.octet.torch.quant.nn;

import dev.octet.torch.op.Ops;
import dev.octet.torch.op.Recurrence;
import dev.octet.torch.op.RecurrentOps;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A recurrent network computed step by step, with quantized products. Cell states, biases and gate
 * functions stay float, and so does LSTM's projection.
 *
 * <p>A step is {@code [batch, features]}; later steps may have fewer rows, never more, as those of
 * packed sequences.
 */
final class QuantizedRecurrence {
  /** Outputs of each step, and the last states, each [layers · directions, batch, size]. */
  record Result(List<Tensor> steps, List<Tensor> states) {}

  private final Recurrence settings;
  private final boolean training;
  private final @Nullable List<Tensor> start;
  private final List<Tensor> weights;
  private final List<CellQuantizers> cells;

  /**
   * A network.
   *
   * @param start states, each [layers · directions, batch, size]; null for zeros
   * @param weights in the order of {@link Recurrence#parameterShapes}
   * @param cells for each layer its directions
   */
  QuantizedRecurrence(
      Recurrence settings,
      boolean training,
      @Nullable List<Tensor> start,
      List<Tensor> weights,
      List<CellQuantizers> cells) {
    this.settings = settings;
    this.training = training;
    this.start = start;
    this.weights = weights;
    this.cells = cells;
  }

  Result run(List<Tensor> steps) {
    List<List<Tensor>> ends = new ArrayList<>();
    for (int i = 0; i < settings.kind().states(); i++) {
      ends.add(new ArrayList<>());
    }
    List<Tensor> inputs = steps;
    for (int layer = 0; layer < settings.numLayers(); layer++) {
      List<Tensor> outputs = direction(layer, 0, inputs, ends);
      if (settings.bidirectional()) {
        List<Tensor> backward = direction(layer, 1, inputs, ends);
        for (int t = 0; t < outputs.size(); t++) {
          outputs.set(t, Ops.cat(List.of(outputs.get(t), backward.get(t)), 1));
        }
      }
      if (layer + 1 < settings.numLayers() && training && settings.dropout() > 0) {
        outputs.replaceAll(each -> Ops.dropout(each, settings.dropout(), true));
      }
      inputs = outputs;
    }
    return new Result(inputs, ends.stream().map(each -> Ops.stack(each, 0)).toList());
  }

  /** One direction of one layer; adds its last states to {@code ends}. */
  private List<Tensor> direction(
      int layer, int direction, List<Tensor> inputs, List<List<Tensor>> ends) {
    int index = layer * settings.directions() + direction;
    Cell cell = new Cell(settings, ownWeights(index), cells.get(index));
    List<@Nullable Tensor> products = cell.products(inputs);
    List<Tensor> first = start(index, inputs.get(0));
    boolean backward = direction == 1;
    int count = inputs.size();
    List<Tensor> state = first;
    if (backward) {
      state = rows(first, 0, rows(inputs.get(count - 1)));
    }
    List<List<Tensor>> finished = new ArrayList<>();
    Tensor[] outputs = new Tensor[count];
    for (int step = 0; step < count; step++) {
      int t = backward ? count - 1 - step : step;
      long batch = rows(inputs.get(t));
      long had = rows(state.get(0));
      if (had > batch) {
        finished.add(rows(state, batch, had));
        state = rows(state, 0, batch);
      } else if (had < batch) {
        state = under(state, rows(first, had, batch));
      }
      state = cell.step(inputs.get(t), products.get(t), state);
      outputs[t] = state.get(0);
    }
    for (int i = finished.size() - 1; i >= 0; i--) {
      state = under(state, finished.get(i));
    }
    for (int i = 0; i < ends.size(); i++) {
      ends.get(i).add(state.get(i));
    }
    return new ArrayList<>(List.of(outputs));
  }

  private List<Tensor> start(int index, Tensor firstStep) {
    List<Tensor> states = new ArrayList<>();
    for (int i = 0; i < settings.kind().states(); i++) {
      states.add(
          start == null
              ? RecurrentOps.zeroState(firstStep, settings.stateSize(i))
              : Ops.select(start.get(i), 0, index));
    }
    return states;
  }

  private List<Tensor> ownWeights(int index) {
    int each = weights.size() / (settings.numLayers() * settings.directions());
    return weights.subList(index * each, (index + 1) * each);
  }

  private static long rows(Tensor tensor) {
    return tensor.size(0);
  }

  private static List<Tensor> rows(List<Tensor> states, long from, long to) {
    return rows(states.get(0)) == to - from
        ? states
        : states.stream().map(each -> Ops.slice(each, 0, from, to)).toList();
  }

  private static List<Tensor> under(List<Tensor> above, List<Tensor> below) {
    List<Tensor> joined = new ArrayList<>();
    for (int i = 0; i < above.size(); i++) {
      joined.add(Ops.cat(List.of(above.get(i), below.get(i)), 0));
    }
    return joined;
  }

  /** One cell with its weights quantized once for all steps. */
  static final class Cell {
    private final Recurrence settings;
    private final CellQuantizers quantizers;
    private final CellQuantizers.Pair weights;
    private final @Nullable Tensor biasX;
    private final @Nullable Tensor biasH;
    private final @Nullable Tensor projection;

    /**
     * A cell.
     *
     * @param weights W_ih, W_hh, the biases if it has some, and the projection if it has one
     */
    Cell(Recurrence settings, List<Tensor> weights, CellQuantizers quantizers) {
      this.settings = settings;
      this.quantizers = quantizers;
      this.weights = quantizers.weights(weights.get(0), weights.get(1));
      this.biasX = settings.bias() ? weights.get(2) : null;
      this.biasH = settings.bias() ? weights.get(3) : null;
      this.projection = settings.projSize() > 0 ? weights.get(weights.size() - 1) : null;
    }

    /** The products with the inputs of all steps, where these can be had at once; else nulls. */
    List<@Nullable Tensor> products(List<Tensor> inputs) {
      if (!quantizers.quantizesInputApart()) {
        List<@Nullable Tensor> none = new ArrayList<>();
        inputs.forEach(each -> none.add(null));
        return none;
      }
      Tensor all = quantizers.input(Ops.cat(inputs, 0));
      long[] batches = inputs.stream().mapToLong(QuantizedRecurrence::rows).toArray();
      return new ArrayList<>(Ops.split(Ops.linear(all, weights.x(), biasX), batches, 0));
    }

    /**
     * The states after a step.
     *
     * @param product of {@code x} from {@link #products}
     */
    List<Tensor> step(Tensor x, @Nullable Tensor product, List<Tensor> state) {
      Tensor fromX = product;
      Tensor h = state.get(0);
      if (fromX == null) {
        CellQuantizers.Pair both = quantizers.inputs(x, h);
        fromX = Ops.linear(both.x(), weights.x(), biasX);
        h = both.h();
      } else {
        h = quantizers.hidden(h);
      }
      Tensor fromH = Ops.linear(h, weights.h(), biasH);
      return switch (settings.kind()) {
        case LSTM -> lstm(fromX, fromH, state.get(1));
        case GRU -> List.of(gru(fromX, fromH, state.get(0)));
        case RNN_TANH -> List.of(Ops.tanh(Ops.add(fromX, fromH)));
        case RNN_RELU -> List.of(Ops.relu(Ops.add(fromX, fromH)));
      };
    }

    private List<Tensor> lstm(Tensor fromX, Tensor fromH, Tensor c) {
      List<Tensor> gates = Ops.chunk(Ops.add(fromX, fromH), 4, 1);
      Tensor input = Ops.sigmoid(gates.get(0));
      Tensor forget = Ops.sigmoid(gates.get(1));
      Tensor cell = Ops.tanh(gates.get(2));
      Tensor output = Ops.sigmoid(gates.get(3));
      Tensor next = Ops.add(Ops.mul(forget, c), Ops.mul(input, cell));
      Tensor h = Ops.mul(output, Ops.tanh(next));
      return List.of(projection == null ? h : Ops.linear(h, projection, null), next);
    }

    /** h' = n + z·(h - n), n = tanh(x_n + r·h_n). */
    private static Tensor gru(Tensor fromX, Tensor fromH, Tensor h) {
      List<Tensor> x = Ops.chunk(fromX, 3, 1);
      List<Tensor> g = Ops.chunk(fromH, 3, 1);
      Tensor reset = Ops.sigmoid(Ops.add(x.get(0), g.get(0)));
      Tensor update = Ops.sigmoid(Ops.add(x.get(1), g.get(1)));
      Tensor fresh = Ops.tanh(Ops.add(x.get(2), Ops.mul(reset, g.get(2))));
      return Ops.add(fresh, Ops.mul(update, Ops.sub(h, fresh)));
    }
  }
}
