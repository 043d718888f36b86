package dev.octet.torch.nn;

import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.Recurrence;
import dev.octet.torch.op.RecurrentOps;
import dev.octet.torch.op.Tracer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * What {@link LSTM}, {@link GRU} and {@link RNN} have in common: layers, directions, and the way
 * through time.
 *
 * <p>Parameters are {@code weight_ih_l0}, {@code weight_hh_l0}, {@code bias_ih_l0}, {@code
 * bias_hh_l0} and so on, drawn uniformly from ±1/√hidden_size.
 *
 * <p>Input is [time, batch, features], or [batch, time, features] if {@code batchFirst}, or one
 * sequence [time, features], or a {@link PackedSequence}.
 *
 * <p>LibTorch computes all steps in one operation. A subclass that changes what a step does
 * overrides {@link #isStepwise()} and the layer's {@code linear}; a trace then holds the nodes of
 * each step, for as many steps as the traced input has.
 */
public abstract class RecurrentLayer extends Module {
  /**
   * Collects the settings of a recurrent layer.
   *
   * @param <B> the builder itself
   */
  public abstract static class Builder<B extends Builder<B>> {
    private final int inputSize;
    private final int hiddenSize;
    private int numLayers = 1;
    private boolean bias = true;
    private boolean batchFirst;
    private double dropout;
    private boolean bidirectional;
    private int projSize;

    Builder(int inputSize, int hiddenSize) {
      this.inputSize = inputSize;
      this.hiddenSize = hiddenSize;
    }

    abstract B self();

    /** Layers, each reading the output of the one before; 1 if not set. */
    public B numLayers(int layers) {
      numLayers = layers;
      return self();
    }

    /** Whether the gates have biases; they do if not set. */
    public B bias(boolean on) {
      bias = on;
      return self();
    }

    /** Whether input and output are [batch, time, features]; time comes first if not set. */
    public B batchFirst(boolean on) {
      batchFirst = on;
      return self();
    }

    /** Probability with which an output between two layers is dropped in training; 0 if not set. */
    public B dropout(double probability) {
      dropout = probability;
      return self();
    }

    /** Whether each layer also runs backwards in time; not if not set. */
    public B bidirectional(boolean on) {
      bidirectional = on;
      return self();
    }

    void project(int size) {
      projSize = size;
    }

    Recurrence recurrence(Recurrence.Kind kind) {
      return new Recurrence(
          kind,
          inputSize,
          hiddenSize,
          numLayers,
          bias,
          batchFirst,
          dropout,
          bidirectional,
          projSize);
    }
  }

  /** One step of one layer and direction: the states after it, the output first. */
  interface Step {
    List<Tensor> apply(Tensor input, List<Tensor> state);
  }

  /** One layer and direction: its matrix products, and the step that uses them. */
  record Way(StepLinear<?> linear, Step step) {}

  private final Recurrence recurrence;
  private final List<Tensor> weights = new ArrayList<>();

  /**
   * A layer.
   *
   * @param ownWeights whether it has float parameters; a subclass that holds weights in a form of
   *     its own has none, and computes step by step
   */
  RecurrentLayer(Recurrence recurrence, boolean ownWeights) {
    this.recurrence = recurrence;
    if (!ownWeights) {
      return;
    }
    recurrence
        .parameterShapes()
        .forEach(
            (name, shape) ->
                weights.add(parameter(name, CellSteps.uniform(recurrence.hiddenSize(), shape))));
  }

  RecurrentLayer(RecurrentLayer from) {
    this.recurrence = from.recurrence;
    int i = 0;
    for (String name : recurrence.parameterShapes().keySet()) {
      if (i < from.weights.size()) {
        weights.add(share(name, from.weights.get(i++)));
      }
    }
    sameModeAs(from);
  }

  /** Sizes, layers and directions. */
  public final Recurrence recurrence() {
    return recurrence;
  }

  /** The parameters of one layer and direction. */
  public final CellWeights weights(int layer, boolean reverse) {
    String suffix = Recurrence.suffix(layer, reverse);
    Tensor ih = ownParameters().get("weight_ih" + suffix);
    Tensor hh = ownParameters().get("weight_hh" + suffix);
    if (ih == null || hh == null) {
      throw new IllegalArgumentException(
          "there is no layer and direction '" + suffix + "' in " + this);
    }
    return new CellWeights(
        ih,
        hh,
        ownParameters().get("bias_ih" + suffix),
        ownParameters().get("bias_hh" + suffix),
        ownParameters().get("weight_hr" + suffix));
  }

  /** The output of the last layer in every step; the state starts at zero. */
  @Override
  protected Tensor forward(Tensor input) {
    return padded(input, null).get(0);
  }

  /**
   * Whether steps are computed one by one, from {@code linear} of the layer, and not by LibTorch in
   * one operation; the values are the same but for rounding.
   */
  protected boolean isStepwise() {
    return false;
  }

  /** The output of a step of both directions side by side, where steps are computed one by one. */
  protected Tensor join(int layer, Tensor ahead, Tensor back) {
    return Ops.cat(List.of(ahead, back), 1);
  }

  abstract Way way(int layer, boolean reverse);

  @Override
  protected String settings() {
    StringBuilder text = new StringBuilder();
    text.append(recurrence.inputSize()).append(", ").append(recurrence.hiddenSize());
    if (recurrence.numLayers() != 1) {
      text.append(", num_layers=").append(recurrence.numLayers());
    }
    if (!recurrence.bias()) {
      text.append(", bias=False");
    }
    if (recurrence.batchFirst()) {
      text.append(", batch_first=True");
    }
    if (recurrence.dropout() != 0) {
      text.append(", dropout=").append(recurrence.dropout());
    }
    if (recurrence.bidirectional()) {
      text.append(", bidirectional=True");
    }
    if (recurrence.projSize() != 0) {
      text.append(", proj_size=").append(recurrence.projSize());
    }
    return text.toString();
  }

  /** Output, then states. */
  final List<Tensor> padded(Tensor given, @Nullable List<Tensor> state) {
    Tensor input = checked(given);
    int timeAxis = recurrence.batchFirst() ? 1 : 0;
    if (input.dim() == 2) {
      List<Tensor> batched = null;
      if (state != null) {
        for (Tensor each : state) {
          if (each.dim() != 2) {
            throw new IllegalArgumentException(
                "a state is "
                    + Tensors.describe(each)
                    + "; of one sequence without a batch it has 2 dimensions");
          }
        }
        batched = state.stream().map(each -> Ops.unsqueeze(each, 1)).toList();
      }
      List<Tensor> made = padded(Ops.unsqueeze(input, 1 - timeAxis), batched);
      List<Tensor> single = new ArrayList<>();
      single.add(Ops.squeeze(made.get(0), 1 - timeAxis));
      made.subList(1, made.size()).forEach(each -> single.add(Ops.squeeze(each, 1)));
      return single;
    }
    boolean projectedTrace = recurrence.projSize() > 0 && Tracer.current() != null;
    if (!isStepwise() && !projectedTrace) {
      return RecurrentOps.padded(recurrence, isTraining(), input, state, weights);
    }
    if (state != null) {
      recurrence.checkState(state, input.size(1 - timeAxis), input);
    }
    List<Tensor> steps = new ArrayList<>();
    for (long time = 0; time < input.size(timeAxis); time++) {
      steps.add(Ops.select(input, timeAxis, time));
    }
    List<Tensor> ends = new ArrayList<>();
    List<Tensor> outputs = throughLayers(steps, state, ends);
    ends.add(0, Ops.stack(outputs, timeAxis));
    return ends;
  }

  /** Output data, then states in the order of the batch. */
  final List<Tensor> packed(PackedSequence input, @Nullable List<Tensor> state) {
    if (input.data().dim() != 2) {
      throw new IllegalArgumentException(
          "the packed data is " + Tensors.describe(input.data()) + ", not of 2 dimensions");
    }
    Tensor data = checked(input.data());
    if (state != null) {
      recurrence.checkState(state, input.batch(), data);
    }
    List<Tensor> sorted = state == null ? null : ordered(state, input.sortedIndices());
    List<Tensor> made;
    if (!isStepwise()) {
      made =
          RecurrentOps.packed(recurrence, isTraining(), data, input.batchSizes(), sorted, weights);
    } else {
      long[] sizes = input.batchSizes().stream().mapToLong(Long::longValue).toArray();
      made = new ArrayList<>();
      List<Tensor> outputs = throughLayers(Ops.split(data, sizes, 0), sorted, made);
      made.add(0, Ops.cat(outputs, 0));
    }
    List<Tensor> result = new ArrayList<>();
    result.add(made.get(0));
    result.addAll(ordered(made.subList(1, made.size()), input.unsortedIndices()));
    return result;
  }

  /** The input in the type of the weights, which under autocast it need not have. */
  private Tensor checked(Tensor input) {
    long rank = input.dim();
    if (rank != 2 && rank != 3) {
      throw new IllegalArgumentException(
          "the input has " + rank + " dimensions; 3, or 2 for one sequence without a batch");
    }
    if (input.size(rank - 1) != recurrence.inputSize()) {
      throw new IllegalArgumentException(
          "the last dimension of the input is "
              + input.size(rank - 1)
              + "; input_size is "
              + recurrence.inputSize());
    }
    long time = rank == 2 || !recurrence.batchFirst() ? input.size(0) : input.size(1);
    if (time == 0) {
      throw new IllegalArgumentException("the input has no step; give at least one");
    }
    Tensor like = weights.isEmpty() ? null : weights.get(0);
    Inputs.floating(input, like);
    return Ops.to(input, like == null ? ScalarType.Float : Tensors.type(like));
  }

  private static List<Tensor> ordered(List<Tensor> states, @Nullable List<Long> order) {
    if (order == null) {
      return states;
    }
    Tensor index = Tensors.of(order.stream().mapToLong(Long::longValue).toArray(), order.size());
    return states.stream().map(each -> each.index_select(1, index)).toList();
  }

  // --- Step by step ----------------------------------------------------------------------------

  /**
   * Through all layers.
   *
   * @param steps the input of each step, [sequences that have it, features]
   * @param ends takes the states after the last step, [num_layers · directions, batch, size]
   * @return the output of each step
   */
  private List<Tensor> throughLayers(
      List<Tensor> steps, @Nullable List<Tensor> state, List<Tensor> ends) {
    int directions = recurrence.directions();
    List<List<Tensor>> last = new ArrayList<>();
    for (int i = 0; i < recurrence.kind().states(); i++) {
      last.add(new ArrayList<>());
    }
    List<Tensor> now = steps;
    for (int layer = 0; layer < recurrence.numLayers(); layer++) {
      if (layer > 0) {
        now =
            now.stream()
                .map(each -> Ops.dropout(each, recurrence.dropout(), isTraining()))
                .toList();
      }
      List<List<Tensor>> ways = new ArrayList<>();
      for (int direction = 0; direction < directions; direction++) {
        Tensor[] outputs = new Tensor[now.size()];
        int index = layer * directions + direction;
        List<Tensor> start = start(now.get(0), state, index);
        Way way = way(layer, direction == 1);
        List<Tensor> inputs = way.linear().before(now);
        List<Tensor> end =
            direction == 0
                ? forwards(way.step(), inputs, start, outputs)
                : backwards(way.step(), inputs, start, outputs);
        for (int i = 0; i < last.size(); i++) {
          last.get(i).add(end.get(i));
        }
        ways.add(Arrays.asList(outputs));
      }
      List<Tensor> joined = new ArrayList<>(ways.get(0));
      if (directions == 2) {
        for (int time = 0; time < joined.size(); time++) {
          joined.set(time, join(layer, ways.get(0).get(time), ways.get(1).get(time)));
        }
      }
      now = joined;
    }
    last.forEach(each -> ends.add(Ops.stack(each, 0)));
    return now;
  }

  private List<Tensor> start(Tensor first, @Nullable List<Tensor> state, int index) {
    List<Tensor> start = new ArrayList<>();
    for (int i = 0; i < recurrence.kind().states(); i++) {
      start.add(
          state == null
              ? RecurrentOps.zeroRows(first, recurrence.stateSize(i))
              : Ops.select(state.get(i), 0, index));
    }
    return start;
  }

  private static List<Tensor> forwards(
      Step step, List<Tensor> inputs, List<Tensor> start, Tensor[] outputs) {
    List<Tensor> state = start;
    // What sequences that have ended leave behind: the later they end, the earlier they are packed.
    List<List<Tensor>> ended = new ArrayList<>();
    for (int time = 0; time < inputs.size(); time++) {
      long before = state.get(0).size(0);
      long rows = inputs.get(time).size(0);
      if (rows < before) {
        ended.add(0, rows(state, rows, before));
        state = rows(state, 0, rows);
      }
      state = step.apply(inputs.get(time), state);
      outputs[time] = state.get(0);
    }
    if (ended.isEmpty()) {
      return state;
    }
    List<Tensor> whole = new ArrayList<>();
    for (int i = 0; i < state.size(); i++) {
      List<Tensor> parts = new ArrayList<>();
      parts.add(state.get(i));
      for (List<Tensor> each : ended) {
        parts.add(each.get(i));
      }
      whole.add(Ops.cat(parts, 0));
    }
    return whole;
  }

  private static List<Tensor> backwards(
      Step step, List<Tensor> inputs, List<Tensor> start, Tensor[] outputs) {
    long all = start.get(0).size(0);
    long before = inputs.get(inputs.size() - 1).size(0);
    List<Tensor> state = before == all ? start : rows(start, 0, before);
    for (int time = inputs.size() - 1; time >= 0; time--) {
      long rows = inputs.get(time).size(0);
      if (rows > before) {
        List<Tensor> joining = rows(start, before, rows);
        List<Tensor> grown = new ArrayList<>();
        for (int i = 0; i < state.size(); i++) {
          grown.add(Ops.cat(List.of(state.get(i), joining.get(i)), 0));
        }
        state = grown;
        before = rows;
      }
      state = step.apply(inputs.get(time), state);
      outputs[time] = state.get(0);
    }
    return state;
  }

  private static List<Tensor> rows(List<Tensor> state, long from, long to) {
    return state.stream().map(each -> Ops.slice(each, 0, from, to)).toList();
  }
}
