package dev.octet.torch.script;

import dev.octet.graph.Attribute;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * LSTM, GRU and plain recurrent layers. A layer of PyTorch's is one node here; gates change their
 * order (PyTorch's LSTM has input, forget, cell, output where ONNX has input, output, forget, cell;
 * its GRU has reset, update, new where ONNX has update, reset, hidden).
 */
final class RecurrentOperators {

  /** The kinds of cells, with ONNX's operator and its activation where that is a setting. */
  private enum Kind {
    LSTM("LSTM", ""),
    GRU("GRU", ""),
    TANH("RNN", "Tanh"),
    RELU("RNN", "Relu");

    final String op;
    final String activation;

    Kind(String op, String activation) {
      this.op = op;
      this.activation = activation;
    }

    /** Which of PyTorch's gates come one after another in ONNX. */
    int[] gates() {
      return switch (this) {
        case LSTM -> new int[] {0, 3, 1, 2};
        case GRU -> new int[] {1, 0, 2};
        case TANH, RELU -> new int[] {0};
      };
    }

    boolean hasCell() {
      return this == LSTM;
    }
  }

  private RecurrentOperators() {}

  static void register(Map<String, Operators.Rule> rules) {
    rules.put("lstm", c -> sequence(c, Kind.LSTM));
    rules.put("gru", c -> sequence(c, Kind.GRU));
    rules.put("rnn_tanh", c -> sequence(c, Kind.TANH));
    rules.put("rnn_relu", c -> sequence(c, Kind.RELU));
    rules.put("lstm_cell", c -> cell(c, Kind.LSTM));
    rules.put("gru_cell", c -> cell(c, Kind.GRU));
    rules.put("rnn_tanh_cell", c -> cell(c, Kind.TANH));
    rules.put("rnn_relu_cell", c -> cell(c, Kind.RELU));
  }

  /**
   * Why LibTorch must not run an operator, or null if it may: it takes gates out of weights without
   * a look at how many there are, and reads past their end.
   */
  static @Nullable String fault(String operator, List<Object> arguments) {
    boolean sequence = operator.equals("lstm") || operator.equals("gru");
    if (!sequence && !operator.equals("lstm_cell") && !operator.equals("gru_cell")) {
      return null;
    }
    List<Object> weights;
    int each = 4;
    int group = 4;
    if (!sequence) {
      weights = arguments.subList(2, arguments.size());
    } else if (arguments.get(2) instanceof List<?> list
        && arguments.get(3) instanceof Boolean biases
        && arguments.get(4) instanceof Long layers) {
      weights = new ArrayList<>(list);
      each = biases ? 4 : 2;
      long groups = layers * (Boolean.TRUE.equals(arguments.get(7)) ? 2 : 1);
      if (groups < 1 || weights.size() % groups != 0) {
        return "has " + weights.size() + " weights for " + layers + " layers";
      }
      group = Math.toIntExact(weights.size() / groups);
    } else {
      return "takes packed sequences, whose lengths are values of the inputs";
    }
    int gates = operator.startsWith("lstm") ? 4 : 3;
    for (int i = 0; i < weights.size(); i++) {
      boolean projection = i % group >= each;
      if (!projection
          && weights.get(i) instanceof TracedTensor weight
          && (weight.rank() == 0 || weight.size(0) % gates != 0)) {
        return "has a weight of shape "
            + weight.shape()
            + ", whose rows are not "
            + gates
            + " gates of one size";
      }
    }
    return null;
  }

  /** (input, state, weights, biases?, layers, dropout, training, bidirectional, batch first). */
  private static void sequence(Call c, Kind kind) {
    if (!c.isList(2)) {
      throw c.refuse("takes packed sequences, whose lengths are values of the inputs");
    }
    if (c.flag(6) && c.number(5) > 0) {
      throw c.refuse("drops out as in training; call eval() before tracing");
    }
    int directions = c.flag(7) ? 2 : 1;
    boolean batchFirst = c.flag(8);
    int layers = Math.toIntExact(c.integer(4));
    List<TracedTensor> weights = c.tensors(2);
    int each = c.flag(3) ? 4 : 2;
    if (weights.size() != layers * directions * each) {
      throw c.refuse("projects its state (proj_size), which ONNX has no place for");
    }
    List<TracedTensor> states = kind.hasCell() ? c.tensors(1) : List.of(c.tensor(1));
    Value x = c.in(0);
    if (batchFirst) {
      x = c.transpose(x, 1, 0, 2);
    }
    long steps = c.tensor(0).size(batchFirst ? 1 : 0);
    long batch = c.tensor(0).size(batchFirst ? 0 : 1);
    List<List<Value>> ends = new ArrayList<>(List.of(new ArrayList<>(), new ArrayList<>()));
    for (int layer = 0; layer < layers; layer++) {
      int from = layer * directions;
      List<Value> made =
          layer(
              c,
              kind,
              x,
              weights.subList(from * each, (from + directions) * each),
              directions,
              part(c, states.get(0), from, directions),
              kind.hasCell() ? part(c, states.get(1), from, directions) : null);
      x =
          directions == 1
              ? c.node("Squeeze", made.get(0), c.emit().longs(1))
              : c.reshape(c.transpose(made.get(0), 0, 2, 1, 3), steps, batch, -1);
      for (int i = 1; i < made.size(); i++) {
        ends.get(i - 1).add(made.get(i));
      }
    }
    c.returns(batchFirst ? c.transpose(x, 1, 0, 2) : x);
    for (int i = 1; i < c.resultCount(); i++) {
      c.out(i).bind(joined(c, ends.get(i - 1), 0));
    }
  }

  /** One step: (input, state, w_ih, w_hh, b_ih, b_hh). */
  private static void cell(Call c, Kind kind) {
    List<TracedTensor> weights = new ArrayList<>(List.of(c.tensor(2), c.tensor(3)));
    if (c.has(4) && c.has(5)) {
      weights.add(c.tensor(4));
      weights.add(c.tensor(5));
    }
    List<TracedTensor> states = kind.hasCell() ? c.tensors(1) : List.of(c.tensor(1));
    Emitter emit = c.emit();
    List<Value> made =
        layer(
            c,
            kind,
            c.node("Unsqueeze", c.in(0), emit.longs(0)),
            weights,
            1,
            c.node("Unsqueeze", emit.value(states.get(0)), emit.longs(0)),
            kind.hasCell() ? c.node("Unsqueeze", emit.value(states.get(1)), emit.longs(0)) : null);
    for (int i = 0; i < c.resultCount(); i++) {
      c.out(i).bind(c.node("Squeeze", made.get(i + 1), emit.longs(0)));
    }
  }

  /** Rows of a state that belong to a layer; null where they are zero anyway. */
  private static @Nullable Value part(Call c, TracedTensor state, int from, int count) {
    if (state.isConstant()) {
      try (Tensor any = state.nativeTensor().any()) {
        if (!any.item_bool()) {
          return null;
        }
      }
    }
    Value all = c.emit().value(state);
    return state.size(0) == count
        ? all
        : c.node(
            "Slice",
            all,
            c.emit().longs(from),
            c.emit().longs((long) from + count),
            c.emit().longs(0));
  }

  /** Outputs, last state and, for an LSTM, last cell of one layer over [steps, batch, features]. */
  private static List<Value> layer(
      Call c,
      Kind kind,
      Value x,
      List<TracedTensor> weights,
      int directions,
      @Nullable Value state,
      @Nullable Value cell) {
    int each = weights.size() / directions;
    List<Value> input = new ArrayList<>();
    List<Value> recurrent = new ArrayList<>();
    List<Value> biases = new ArrayList<>();
    for (int d = 0; d < directions; d++) {
      input.add(ordered(c, kind, weights.subList(d * each, d * each + 1)));
      recurrent.add(ordered(c, kind, weights.subList(d * each + 1, d * each + 2)));
      if (each == 4) {
        biases.add(ordered(c, kind, weights.subList(d * each + 2, d * each + 4)));
      }
    }
    @Nullable Value[] reads = {
      x,
      joined(c, input, 0),
      joined(c, recurrent, 0),
      biases.isEmpty() ? null : joined(c, biases, 0),
      null,
      state,
      cell
    };
    int last = reads.length;
    while (reads[last - 1] == null) {
      last--;
    }
    NodeSpec spec =
        NodeSpec.of(kind.op)
            .reads(java.util.Arrays.copyOf(reads, last))
            .with("hidden_size", weights.get(1).size(1))
            .with(
                "direction",
                new Attribute.StringValue(directions == 2 ? "bidirectional" : "forward"));
    if (kind == Kind.GRU) {
      spec = spec.with("linear_before_reset", 1);
    }
    if (!kind.activation.isEmpty()) {
      spec =
          spec.with(
              "activations",
              new Attribute.StringList(java.util.Collections.nCopies(directions, kind.activation)));
    }
    return c.emit().nodes(spec, kind.hasCell() ? 3 : 2);
  }

  private static Value joined(Call c, List<Value> parts, int axis) {
    return parts.size() == 1
        ? parts.get(0)
        : c.node(NodeSpec.of("Concat").reads(parts.toArray(Value[]::new)).with("axis", axis));
  }

  /**
   * The tensors, one after another and each with its gates in ONNX's order, with a first dimension
   * for the direction.
   */
  private static Value ordered(Call c, Kind kind, List<TracedTensor> tensors) {
    int gates = kind.gates().length;
    if (tensors.stream().allMatch(TracedTensor::isConstant)) {
      TensorVector all = new TensorVector();
      for (TracedTensor tensor : tensors) {
        TensorVector chunks = torch.chunk(tensor.nativeTensor(), gates, 0);
        for (int gate : kind.gates()) {
          all.push_back(chunks.get(gate));
        }
      }
      Tensor joined = torch.cat(all, 0).unsqueeze(0);
      return c.emit().value(new TracedTensor(joined, name(tensors), false));
    }
    List<Value> parts = new ArrayList<>();
    for (TracedTensor tensor : tensors) {
      long size = tensor.size(0) / gates;
      for (int gate : kind.gates()) {
        Emitter emit = c.emit();
        parts.add(
            c.node(
                "Slice",
                emit.value(tensor),
                emit.longs(gate * size),
                emit.longs((gate + 1) * size),
                emit.longs(0)));
      }
    }
    return c.node("Unsqueeze", joined(c, parts, 0), c.emit().longs(0));
  }

  private static String name(List<TracedTensor> tensors) {
    String origin = tensors.get(0).origin();
    return origin.isEmpty() ? "" : origin + "/gates";
  }
}
