package dev.octet.bench.models;

import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.Map;

/**
 * Two layers of LSTM over features [batch, sequence, 128] and a dense layer on the last step, as
 * exporters write a module that takes the batch first and starts from zeros.
 */
final class Lstm {
  static final int FEATURES = 128;
  private static final int HIDDEN = 512;
  private static final int CLASSES = 128;

  private final Layers net = new Layers("lstm");

  private Lstm() {}

  static Model build() {
    return new Lstm().model();
  }

  private Model model() {
    Value x = net.input("input", DataType.FLOAT, "batch", "sequence", FEATURES);
    Value shape = net.node("state", "Shape", x);
    Value batch = net.node("state", "Gather", Map.of("axis", 0), shape, net.integer(0));
    Value wide = net.node("state", "Unsqueeze", batch, net.integers(0));
    Value sizes =
        net.node("state", "Concat", Map.of("axis", 0), net.integers(1), wide, net.integers(HIDDEN));
    Value zero = net.constant("state.zero", Tensor.ofFloats(new float[1], 1, 1, 1));
    Value state = net.node("state", "Expand", zero, sizes);
    Value steps = net.node("lstm", "Transpose", Map.of("perm", new long[] {1, 0, 2}), x);
    Value first = layer("lstm.0", steps, state, FEATURES);
    Value second = layer("lstm.1", first, state, HIDDEN);
    Value last = net.node("last", "Gather", Map.of("axis", 0), second, net.integer(-1));
    net.output("output", net.dense("fc", last, HIDDEN, CLASSES), "batch", CLASSES);
    return net.model();
  }

  /** [sequence, batch, in] to [sequence, batch, hidden]. */
  private Value layer(String name, Value x, Value state, int in) {
    double spread = 1 / Math.sqrt(HIDDEN);
    Value all =
        net.nodes(
                name,
                "LSTM",
                3,
                Map.of("hidden_size", HIDDEN),
                x,
                net.normal(name + ".weight_ih", spread, 1, 4L * HIDDEN, in),
                net.normal(name + ".weight_hh", spread, 1, 4L * HIDDEN, HIDDEN),
                net.normal(name + ".bias", 0.05, 1, 8L * HIDDEN),
                null,
                state,
                state)
            .get(0);
    return net.node(name, "Squeeze", all, net.integers(1));
  }
}
