package dev.octet.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.engine.reference.Closeness;
import dev.octet.engine.reference.ModelBuilder;
import dev.octet.engine.reference.OrtReference;
import dev.octet.engine.reference.Reference;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecurrentLayersTest {
  private static final int STEPS = 7;
  private static final int BATCH = 3;
  private static final int INPUTS = 20;
  private static final int UNITS = 24;

  /** A layer with everything that its operator can have, or with as little as it can. */
  private static final class Layer {
    final ModelBuilder net = new ModelBuilder(21, 5);
    final Map<String, Object> attributes = new HashMap<>();
    final @Nullable Value[] inputs;
    private final String op;
    private final int gates;
    private final int directions;

    Layer(String op, String direction) {
      this.op = op;
      gates = op.equals("LSTM") ? 4 : op.equals("GRU") ? 3 : 1;
      directions = direction.equals("bidirectional") ? 2 : 1;
      inputs = new Value[op.equals("LSTM") ? 8 : 6];
      attributes.put("hidden_size", UNITS);
      attributes.put("direction", direction);
      inputs[0] = net.input(STEPS, BATCH, INPUTS);
      inputs[1] = net.weight(0.3, directions, (long) gates * UNITS, INPUTS);
      inputs[2] = net.weight(0.3, directions, (long) gates * UNITS, UNITS);
    }

    Layer biased() {
      inputs[3] = net.weight(0.3, directions, 2L * gates * UNITS);
      return this;
    }

    Layer begun() {
      inputs[5] = net.input(directions, BATCH, UNITS);
      if (gates == 4) {
        inputs[6] = net.input(directions, BATCH, UNITS);
      }
      return this;
    }

    Layer peeping() {
      inputs[7] = net.weight(0.3, directions, 3 * UNITS);
      return this;
    }

    Layer with(String attribute, Object value) {
      attributes.put(attribute, value);
      return this;
    }

    ModelBuilder build() {
      net.nodes(op, gates == 4 ? 3 : 2, attributes, inputs);
      return net;
    }
  }

  private static Explanation check(ModelBuilder net, boolean runtimeHasIt) {
    Model model = net.model();
    Map<String, Tensor> inputs = net.feeds();
    Map<String, Tensor> wanted =
        runtimeHasIt ? OrtReference.outputs(model, inputs) : Reference.outputs(model, inputs);
    try (Engine engine = Engine.load(model, EngineOptions.defaults().withThreads(1))) {
      Map<String, Tensor> made = engine.run(inputs);
      assertThat(made.keySet()).isEqualTo(wanted.keySet());
      wanted.forEach(
          (name, tensor) ->
              Closeness.check(
                  name, java.util.Objects.requireNonNull(made.get(name)), tensor, 1e-4));
      return engine.profile(inputs, 1);
    }
  }

  private static boolean isByPrimitive(Explanation plan, String what) {
    return plan.steps().stream()
        .anyMatch(step -> step.what().equals(what) && !step.implementation().equals("java"));
  }

  @ParameterizedTest
  @CsvSource({
    "LSTM, forward",
    "LSTM, reverse",
    "LSTM, bidirectional",
    "GRU, forward",
    "GRU, reverse",
    "GRU, bidirectional",
    "RNN, forward",
    "RNN, reverse",
    "RNN, bidirectional"
  })
  void allDirectionsWithAndWithoutStates(String op, String direction) {
    assertThat(
            isByPrimitive(
                check(new Layer(op, direction).build(), true),
                op.toLowerCase(java.util.Locale.ROOT)))
        .isTrue();
    check(new Layer(op, direction).biased().begun().build(), true);
  }

  @ParameterizedTest
  @ValueSource(strings = {"forward", "bidirectional"})
  void gruThatResetsAfterTheProduct(String direction) {
    Layer layer = new Layer("GRU", direction).biased().begun().with("linear_before_reset", 1);
    assertThat(isByPrimitive(check(layer.build(), true), "gru")).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"forward", "bidirectional"})
  void peepholes(String direction) {
    Layer layer = new Layer("LSTM", direction).biased().begun().peeping();
    assertThat(isByPrimitive(check(layer.build(), true), "lstm")).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"Relu", "Sigmoid"})
  void otherActivationsOfOneGate(String function) {
    Layer layer = new Layer("RNN", "forward").biased().with("activations", new String[] {function});
    assertThat(isByPrimitive(check(layer.build(), true), "rnn")).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"LSTM", "GRU", "RNN"})
  void sequencesOfDifferentLengths(String op) {
    for (String direction : List.of("forward", "reverse", "bidirectional")) {
      for (boolean fixed : new boolean[] {true, false}) {
        Layer layer = new Layer(op, direction).biased().begun();
        Tensor lengths = Tensor.ofInts(new int[] {3, STEPS, 1}, BATCH);
        layer.inputs[4] = fixed ? layer.net.constant(lengths) : layer.net.input(lengths);
        check(layer.build(), true);
      }
    }
  }

  @Test
  void fullLengthsNeedNoLengths() {
    Layer layer = new Layer("LSTM", "forward").biased();
    layer.inputs[4] = layer.net.constant(Tensor.ofInts(new int[] {STEPS, STEPS, STEPS}, BATCH));
    assertThat(isByPrimitive(check(layer.build(), true), "lstm")).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"LSTM, 3", "GRU, 2", "RNN, 1"})
  void batchFirst(String op, int outputs) {
    for (String direction : List.of("forward", "bidirectional")) {
      int directions = direction.equals("forward") ? 1 : 2;
      for (String function : List.of("Tanh", "Softsign")) {
        Layer layer = new Layer(op, direction).biased().with("layout", 1);
        layer.inputs[0] = layer.net.input(BATCH, STEPS, INPUTS);
        layer.inputs[5] = layer.net.input(BATCH, directions, UNITS);
        if (op.equals("LSTM")) {
          layer.inputs[6] = layer.net.input(BATCH, directions, UNITS);
        }
        String[] functions = new String[directions * outputs];
        java.util.Arrays.fill(functions, function);
        for (int d = 0; d < directions && outputs > 1; d++) {
          functions[d * outputs] = "Sigmoid";
        }
        layer.with("activations", functions);
        check(layer.build(), false);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "LSTM, HardSigmoid|Softsign|Relu",
    "LSTM, Sigmoid|LeakyRelu|Elu",
    "GRU, HardSigmoid|Softplus",
    "RNN, LeakyRelu"
  })
  void activationsThatOneDnnLacks(String op, String functions) {
    Layer layer = new Layer(op, "forward").biased().begun();
    check(layer.with("activations", functions.split("\\|")).build(), false);
  }

  @Test
  void clipAndCoupledGates() {
    check(new Layer("LSTM", "forward").biased().begun().with("clip", 0.3).build(), true);
    check(new Layer("GRU", "reverse").biased().with("clip", 0.2).build(), true);
    Layer coupled = new Layer("LSTM", "forward").biased().peeping().with("input_forget", 1);
    check(coupled.build(), false);
    for (int after = 0; after <= 1; after++) {
      check(
          new Layer("GRU", "forward")
              .biased()
              .begun()
              .with("linear_before_reset", after)
              .with("clip", 0.4)
              .build(),
          false);
    }
  }

  @Test
  void layersOneAfterTheOther() {
    Layer layer = new Layer("LSTM", "bidirectional").biased();
    ModelBuilder net = layer.net;
    Value y = net.nodes("LSTM", 1, layer.attributes, layer.inputs).get(0);
    Value last = net.node("Squeeze", net.node("Relu", y), net.longs(1));
    assertThat(last).isNotNull();
    Layer whole = new Layer("LSTM", "forward").biased();
    Value first = whole.net.nodes("LSTM", 1, whole.attributes, whole.inputs).get(0);
    Value flat = whole.net.node("Squeeze", first, whole.net.longs(1));
    whole.net.nodes(
        "GRU",
        2,
        Map.of("hidden_size", 16),
        flat,
        whole.net.weight(0.3, 1, 48, UNITS),
        whole.net.weight(0.3, 1, 48, 16));
    check(whole.net, true);
  }

  @Test
  void sequenceLongerThanTheStepsIsRefused() {
    Layer layer = new Layer("LSTM", "forward");
    Value lengths = layer.net.input(Tensor.ofInts(new int[] {3, STEPS + 1, 1}, BATCH));
    layer.inputs[4] = lengths;
    ModelBuilder net = layer.build();
    try (Engine engine = Engine.load(net.model(), EngineOptions.defaults())) {
      assertThatThrownBy(() -> engine.run(net.feeds()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("sequence_lens")
          .hasMessageContaining("says 8 for sequence 1; there are 7 steps");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"W", "R", "B", "initial_h", "initial_c", "P", "rank", "hidden_size", "direction"})
  void whatDoesNotFitIsNamed(String what) {
    Layer layer = new Layer("LSTM", "forward").biased().begun().peeping();
    ModelBuilder net = layer.net;
    switch (what) {
      case "W" -> layer.inputs[1] = net.weight(1, 1, 4 * UNITS, INPUTS + 1);
      case "R" -> layer.inputs[2] = net.weight(1, 1, 4 * UNITS - 1, UNITS);
      case "B" -> layer.inputs[3] = net.weight(1, 1, 4 * UNITS);
      case "initial_h" -> layer.inputs[5] = net.input(1, BATCH + 1, UNITS);
      case "initial_c" -> layer.inputs[6] = net.input(2, BATCH, UNITS);
      case "P" -> layer.inputs[7] = net.weight(1, 1, 2 * UNITS);
      case "rank" -> layer.inputs[0] = net.input(STEPS, BATCH);
      case "hidden_size" -> layer.with("hidden_size", UNITS + 1);
      default -> layer.with("direction", "sideways");
    }
    layer.build();
    String named = what.equals("rank") ? "[T, N, I]" : what;
    try (Engine engine = Engine.load(net.model(), EngineOptions.defaults())) {
      assertThatThrownBy(() -> engine.run(net.feeds()))
          .isInstanceOf(UnsupportedNodeException.class)
          .hasMessageContaining("(LSTM)")
          .hasMessageContaining(named);
    }
  }

  @Test
  void unknownActivationIsNamed() {
    Layer layer =
        new Layer("GRU", "forward").with("activations", new String[] {"Sigmoid", "Wobble"});
    ModelBuilder net = layer.build();
    try (Engine engine = Engine.load(net.model(), EngineOptions.defaults())) {
      assertThatThrownBy(() -> engine.run(net.feeds()))
          .isInstanceOf(UnsupportedNodeException.class)
          .hasMessageContaining("'Wobble'");
    }
  }
}
