package dev.octet.workflows.distiller;

import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Dropout;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.LstmOutput;
import dev.octet.torch.nn.LstmState;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.ModuleList;
import dev.octet.torch.nn.PackedSequence;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.Recurrence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * An LSTM of {@link DistillerLSTMCell}s, one for each layer and direction, that are called step by
 * step: what an LSTM has to be for its parts to be quantized. Values are those of {@link LSTM} but
 * for rounding; a projection it has not.
 *
 * <p>Children: {@code cells}, {@code cells_reverse} if bidirectional, {@code dropout} between
 * layers. Both directions of a layer run before the next layer reads them side by side.
 */
public final class DistillerLSTM extends Module {
  private final Recurrence recurrence;
  private final Child<ModuleList<DistillerLSTMCell>> cells;
  private final @Nullable Child<ModuleList<DistillerLSTMCell>> reverse;
  private final Child<Module> dropout;

  /**
   * Layers with fresh parameters.
   *
   * @throws IllegalArgumentException for another kind of recurrence than LSTM, or a projection
   */
  public DistillerLSTM(Recurrence recurrence) {
    if (recurrence.kind() != Recurrence.Kind.LSTM || recurrence.projSize() != 0) {
      throw new IllegalArgumentException(
          "only an LSTM without projection can be taken apart, not " + recurrence);
    }
    this.recurrence = recurrence;
    cells = child("cells", cells());
    reverse = recurrence.bidirectional() ? child("cells_reverse", cells()) : null;
    dropout = child("dropout", new Dropout(recurrence.dropout()));
  }

  private ModuleList<DistillerLSTMCell> cells() {
    List<DistillerLSTMCell> made = new ArrayList<>();
    int directions = recurrence.bidirectional() ? 2 : 1;
    for (int layer = 0; layer < recurrence.numLayers(); layer++) {
      int features = layer == 0 ? recurrence.inputSize() : directions * recurrence.hiddenSize();
      made.add(new DistillerLSTMCell(features, recurrence.hiddenSize(), recurrence.bias()));
    }
    return new ModuleList<>(made);
  }

  /** The same network as an LSTM, with a copy of its parameters; both are to be closed. */
  public static DistillerLSTM fromLstm(LSTM from) {
    DistillerLSTM made = new DistillerLSTM(from.recurrence());
    for (int layer = 0; layer < from.recurrence().numLayers(); layer++) {
      made.cell(layer, false).copyFrom(from.weights(layer, false));
      if (from.recurrence().bidirectional()) {
        made.cell(layer, true).copyFrom(from.weights(layer, true));
      }
    }
    made.train(from.isTraining());
    return made;
  }

  /**
   * The same network as one LSTM, with a copy of the parameters; both are to be closed.
   *
   * @throws IllegalStateException if parts of it are quantized
   */
  public LSTM toLstm() {
    LSTM made =
        LSTM.builder(recurrence.inputSize(), recurrence.hiddenSize())
            .numLayers(recurrence.numLayers())
            .bias(recurrence.bias())
            .batchFirst(recurrence.batchFirst())
            .dropout(recurrence.dropout())
            .bidirectional(recurrence.bidirectional())
            .build();
    try {
      for (int layer = 0; layer < recurrence.numLayers(); layer++) {
        cell(layer, false).copyTo(made.weights(layer, false));
        if (recurrence.bidirectional()) {
          cell(layer, true).copyTo(made.weights(layer, true));
        }
      }
    } catch (ClassCastException e) {
      made.close();
      throw new IllegalStateException(
          "a cell's layers were exchanged, by a quantizer perhaps; convert before that", e);
    }
    made.train(isTraining());
    return made;
  }

  /**
   * Puts such networks in the place of all LSTMs of a model, for modules that only {@code call}
   * their LSTM. The LSTMs are closed.
   *
   * @return the paths that were exchanged
   */
  public static List<String> convertModel(Module model) {
    Map<String, LSTM> found = new LinkedHashMap<>();
    model
        .modules()
        .forEach(
            (path, module) -> {
              if (module instanceof LSTM lstm && !path.isEmpty()) {
                found.put(path, lstm);
              }
            });
    found.forEach(
        (path, lstm) -> {
          model.replace(path, fromLstm(lstm));
          lstm.close();
        });
    return List.copyOf(found.keySet());
  }

  /** Whether layers also run backwards in time. */
  public boolean isBidirectional() {
    return recurrence.bidirectional();
  }

  /** Sizes, layers and directions. */
  public Recurrence recurrence() {
    return recurrence;
  }

  private DistillerLSTMCell cell(int layer, boolean backward) {
    Child<ModuleList<DistillerLSTMCell>> list = backward && reverse != null ? reverse : cells;
    return list.get().at(layer);
  }

  /** The output of the last layer in every step; the state starts at zero. */
  @Override
  protected Tensor forward(Tensor x) {
    return run(x, null).output();
  }

  /**
   * Output and states.
   *
   * @param x {@code [time, batch, features]}, or {@code [batch, time, features]} if batch first
   * @param state to start from, {@code [layers · directions, batch, hidden]}; null for zeros
   * @return owned by the scope around the call
   */
  public LstmOutput<Tensor> run(Tensor x, @Nullable LstmState state) {
    return inside(
        inputs(x, state),
        scope -> {
          if (x.dim() != 3 || x.size(recurrence.batchFirst() ? 1 : 0) == 0) {
            throw new IllegalArgumentException(
                "it takes a batch of sequences of at least one step, not " + Tensors.describe(x));
          }
          int time = recurrence.batchFirst() ? 1 : 0;
          List<Tensor> steps = new ArrayList<>();
          for (long t = 0; t < x.size(time); t++) {
            steps.add(Ops.select(x, time, t));
          }
          List<LstmState> last = new ArrayList<>();
          List<Tensor> outputs = layers(steps, state, last);
          return new LstmOutput<>(
              scope.give(Ops.stack(outputs, time)),
              scope.give(stacked(last, true)),
              scope.give(stacked(last, false)));
        });
  }

  /**
   * The same for sequences of several lengths.
   *
   * @param state in the order of the batch that was packed; null for zeros
   */
  public LstmOutput<PackedSequence> run(PackedSequence x, @Nullable LstmState state) {
    return inside(
        inputs(x.data(), state),
        scope -> {
          List<Tensor> steps = new ArrayList<>();
          long row = 0;
          for (long size : x.batchSizes()) {
            steps.add(Ops.slice(x.data(), 0, row, row + size));
            row += size;
          }
          List<LstmState> last = new ArrayList<>();
          List<Tensor> outputs = layers(steps, ordered(state, x.sortedIndices()), last);
          Tensor hidden = ordered(stacked(last, true), x.unsortedIndices());
          Tensor cell = ordered(stacked(last, false), x.unsortedIndices());
          return new LstmOutput<>(
              x.with(scope.give(Ops.cat(outputs, 0))), scope.give(hidden), scope.give(cell));
        });
  }

  private static Tensor[] inputs(Tensor x, @Nullable LstmState state) {
    return state == null ? new Tensor[] {x} : new Tensor[] {x, state.hidden(), state.cell()};
  }

  private static @Nullable LstmState ordered(
      @Nullable LstmState state, @Nullable List<Long> order) {
    return state == null
        ? null
        : new LstmState(ordered(state.hidden(), order), ordered(state.cell(), order));
  }

  private static Tensor ordered(Tensor x, @Nullable List<Long> order) {
    if (order == null) {
      return x;
    }
    long[] places = order.stream().mapToLong(Long::longValue).toArray();
    return x.index_select(1, Tensors.of(places, places.length));
  }

  private static Tensor stacked(List<LstmState> states, boolean hidden) {
    return Ops.stack(
        states.stream().map(state -> hidden ? state.hidden() : state.cell()).toList(), 0);
  }

  private List<Tensor> layers(List<Tensor> given, @Nullable LstmState start, List<LstmState> last) {
    List<Tensor> steps = given;
    for (int layer = 0; layer < recurrence.numLayers(); layer++) {
      if (layer > 0) {
        steps = steps.stream().map(step -> dropout.call(step)).toList();
      }
      List<Tensor> ahead = ahead(cell(layer, false), steps, start(start, last.size()), last);
      if (!isBidirectional()) {
        steps = ahead;
        continue;
      }
      List<Tensor> back = back(cell(layer, true), steps, start(start, last.size()), last);
      List<Tensor> both = new ArrayList<>();
      for (int t = 0; t < ahead.size(); t++) {
        both.add(Ops.cat(List.of(ahead.get(t), back.get(t)), 1));
      }
      steps = both;
    }
    return steps;
  }

  private static @Nullable LstmState start(@Nullable LstmState start, int index) {
    return start == null
        ? null
        : new LstmState(Ops.select(start.hidden(), 0, index), Ops.select(start.cell(), 0, index));
  }

  /** Forwards in time: sequences that have ended leave the batch from its end. */
  private static List<Tensor> ahead(
      DistillerLSTMCell cell, List<Tensor> steps, @Nullable LstmState start, List<LstmState> last) {
    List<Tensor> outputs = new ArrayList<>();
    List<LstmState> ended = new ArrayList<>();
    LstmState state = start;
    for (Tensor step : steps) {
      if (state != null && state.hidden().size(0) > step.size(0)) {
        ended.add(rows(state, step.size(0), state.hidden().size(0)));
        state = rows(state, 0, step.size(0));
      }
      state = cell.run(step, state);
      outputs.add(state.hidden());
    }
    if (state == null) {
      throw new IllegalArgumentException("a sequence without steps");
    }
    ended.add(state);
    Collections.reverse(ended);
    last.add(ended.size() == 1 ? state : joined(ended));
    return outputs;
  }

  /** Backwards in time: sequences join the batch at its end where they end. */
  private static List<Tensor> back(
      DistillerLSTMCell cell, List<Tensor> steps, @Nullable LstmState start, List<LstmState> last) {
    Tensor[] outputs = new Tensor[steps.size()];
    LstmState first = start;
    LstmState state = null;
    for (int t = steps.size() - 1; t >= 0; t--) {
      long size = steps.get(t).size(0);
      if (state == null) {
        state = first == null ? null : rows(first, 0, size);
      } else if (state.hidden().size(0) < size) {
        LstmState joining =
            first == null
                ? zeros(size - state.hidden().size(0), cell.hiddenSize())
                : rows(first, state.hidden().size(0), size);
        state = joined(List.of(state, joining));
      }
      state = cell.run(steps.get(t), state);
      outputs[t] = state.hidden();
    }
    if (state == null) {
      throw new IllegalArgumentException("a sequence without steps");
    }
    last.add(state);
    return Arrays.asList(outputs);
  }

  private static LstmState zeros(long rows, int hidden) {
    return new LstmState(Ops.zeros(rows, hidden), Ops.zeros(rows, hidden));
  }

  private static LstmState rows(LstmState state, long from, long to) {
    if (from == 0 && to == state.hidden().size(0)) {
      return state; // the same tensors, whose integers are known
    }
    return new LstmState(
        Ops.slice(state.hidden(), 0, from, to), Ops.slice(state.cell(), 0, from, to));
  }

  private static LstmState joined(List<LstmState> states) {
    return new LstmState(
        Ops.cat(states.stream().map(LstmState::hidden).toList(), 0),
        Ops.cat(states.stream().map(LstmState::cell).toList(), 0));
  }

  @Override
  protected String settings() {
    return recurrence.inputSize()
        + ", "
        + recurrence.hiddenSize()
        + ", num_layers="
        + recurrence.numLayers()
        + (isBidirectional() ? ", bidirectional" : "");
  }
}
