package dev.octet.torch.nn;

import static dev.octet.torch.nn.Peer.assertSame;
import static dev.octet.torch.nn.Peer.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.op.Recurrence;
import dev.octet.torch.op.TraceException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

final class RecurrentLayerTest {
  private static final int INPUT = 5;
  private static final int HIDDEN = 6;
  private static final int BATCH = 3;
  private static final int TIME = 4;

  @BeforeEach
  void seed() {
    Torch.seed(3);
  }

  static Stream<Recurrence> settings() {
    List<Recurrence> all = new ArrayList<>();
    for (Recurrence.Kind kind : Recurrence.Kind.values()) {
      for (int layers : new int[] {1, 2}) {
        for (boolean both : new boolean[] {false, true}) {
          // Each of the rest meets each of the above at least once.
          all.add(new Recurrence(kind, INPUT, HIDDEN, layers, true, both, 0, both, 0));
          all.add(new Recurrence(kind, INPUT, HIDDEN, layers, false, !both, 0, both, 0));
        }
      }
    }
    all.add(new Recurrence(Recurrence.Kind.LSTM, INPUT, HIDDEN, 1, true, false, 0, false, 2));
    all.add(new Recurrence(Recurrence.Kind.LSTM, INPUT, HIDDEN, 2, true, true, 0, true, 2));
    return all.stream();
  }

  private static Tensor input(Recurrence settings, int batch) {
    return settings.batchFirst() ? random(1, batch, TIME, INPUT) : random(1, TIME, batch, INPUT);
  }

  private static List<Tensor> state(Recurrence settings, int batch) {
    List<Tensor> state = new ArrayList<>();
    for (int i = 0; i < settings.kind().states(); i++) {
      long rows = (long) settings.numLayers() * settings.directions();
      state.add(random(10 + i, rows, batch, settings.stateSize(i)));
    }
    return state;
  }

  private static void assertAllSame(List<Tensor> actual, List<Tensor> expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.size(); i++) {
      assertSame(actual.get(i), expected.get(i), 1e-5);
    }
  }

  @ParameterizedTest
  @MethodSource("settings")
  void computesWhatLibTorchDoes(Recurrence settings) {
    try (Scope scope = Scope.open();
        RecurrentPair pair = new RecurrentPair(settings)) {
      Tensor x = input(settings, BATCH);
      List<Tensor> state = state(settings, BATCH);
      List<Tensor> fromZero = pair.peer(x, null);
      List<Tensor> fromState = pair.peer(x, state);
      for (RecurrentLayer layer : List.of(pair.fused, pair.stepwise)) {
        assertAllSame(RecurrentPair.run(layer, x, null), fromZero);
        assertAllSame(RecurrentPair.run(layer, x, state), fromState);
        assertSame(layer.call(x), fromZero.get(0), 1e-5);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("settings")
  void takesOneSequenceWithoutABatch(Recurrence settings) {
    try (Scope scope = Scope.open();
        RecurrentPair pair = new RecurrentPair(settings)) {
      Tensor x = random(1, TIME, INPUT);
      List<Tensor> state = state(settings, 1);
      int batchAxis = settings.batchFirst() ? 0 : 1;
      List<Tensor> batched = pair.peer(x.unsqueeze(batchAxis), state);
      List<Tensor> expected = new ArrayList<>();
      expected.add(batched.get(0).squeeze(batchAxis));
      batched.subList(1, batched.size()).forEach(each -> expected.add(each.squeeze(1)));
      List<Tensor> single = state.stream().map(each -> each.squeeze(1)).toList();
      for (RecurrentLayer layer : List.of(pair.fused, pair.stepwise)) {
        assertAllSame(RecurrentPair.run(layer, x, single), expected);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("settings")
  void runsPackedSequencesAsLibTorchDoes(Recurrence settings) {
    try (Scope scope = Scope.open();
        RecurrentPair pair = new RecurrentPair(settings)) {
      Tensor x = input(settings, BATCH);
      List<Tensor> state = state(settings, BATCH);
      for (long[] lengths : new long[][] {{4, 2, 1}, {2, 4, 3}, {4, 4, 4}, {1, 3, 3}}) {
        boolean sorted = lengths[0] == 4;
        PackedSequence packed = PackedSequences.pack(x, lengths, settings.batchFirst(), sorted);
        org.bytedeco.pytorch.PackedSequence theirs =
            torch.pack_padded_sequence(
                x, Tensors.of(lengths, lengths.length), settings.batchFirst(), sorted);
        assertSame(packed.data(), theirs.data(), 0);
        List<Tensor> fromZero = pair.peer(theirs, null);
        List<Tensor> fromState = pair.peer(theirs, state);
        for (RecurrentLayer layer : List.of(pair.fused, pair.stepwise)) {
          assertAllSame(RecurrentPair.run(layer, packed, null), fromZero);
          assertAllSame(RecurrentPair.run(layer, packed, state), fromState);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("settings")
  void aPackedSequenceComputesAsItWouldAlone(Recurrence settings) {
    try (Scope scope = Scope.open();
        RecurrentPair pair = new RecurrentPair(settings)) {
      Tensor x = random(1, TIME, BATCH, INPUT);
      long[] lengths = {2, 4, 1};
      for (RecurrentLayer layer : List.of(pair.fused, pair.stepwise)) {
        PackedSequence packed = PackedSequences.pack(x, lengths, false, false);
        List<Tensor> made = RecurrentPair.run(layer, packed, null);
        Tensor padded = PackedSequences.pad(packed.with(made.get(0)), false, 0).data();
        for (int i = 0; i < BATCH; i++) {
          Tensor alone = x.select(1, i).narrow(0, 0, lengths[i]);
          List<Tensor> expected = RecurrentPair.run(layer, alone, null);
          assertSame(padded.select(1, i).narrow(0, 0, lengths[i]), expected.get(0), 1e-5);
          for (int k = 1; k < made.size(); k++) {
            assertSame(made.get(k).select(1, i), expected.get(k), 1e-5);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("settings")
  void tracesToNodesThatComputeTheSameForAnyBatch(Recurrence settings) {
    try (Scope scope = Scope.open();
        RecurrentPair pair = new RecurrentPair(settings)) {
      for (RecurrentLayer layer : List.of(pair.fused, pair.stepwise)) {
        Tensor x = input(settings, BATCH);
        List<Tensor> state = state(settings, BATCH);
        List<Tensor> inputs = new ArrayList<>(state);
        inputs.add(0, x);
        try (Exported fromZero =
                Exported.of(layer, List.of(x), () -> RecurrentPair.run(layer, x, null));
            Exported fromState =
                Exported.of(layer, inputs, () -> RecurrentPair.run(layer, x, state))) {
          if (layer == pair.fused && settings.projSize() == 0) {
            String op = settings.kind().name().replaceAll("_.*", "");
            assertThat(Collections.frequency(fromZero.operators(), op))
                .isEqualTo(settings.numLayers());
          }
          for (int batch : new int[] {BATCH, 1, 2}) {
            Tensor other = input(settings, batch);
            List<Tensor> otherState = state(settings, batch);
            assertSameFloats(fromZero.run(other), pair.peer(other, null));
            List<Tensor> fed = new ArrayList<>(otherState);
            fed.add(0, other);
            assertSameFloats(
                fromState.run(fed.toArray(new Tensor[0])), pair.peer(other, otherState));
          }
        }
      }
    }
  }

  private static void assertSameFloats(List<float[]> actual, List<Tensor> expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.size(); i++) {
      assertSame(actual.get(i), Tensors.toFloats(expected.get(i)), 1e-5);
    }
  }

  @ParameterizedTest
  @EnumSource(Recurrence.Kind.class)
  void aTraceOfAWholeLayerTakesAnyNumberOfSteps(Recurrence.Kind kind) {
    Recurrence settings = new Recurrence(kind, INPUT, HIDDEN, 2, true, false, 0, true, 0);
    try (Scope scope = Scope.open();
        RecurrentPair pair = new RecurrentPair(settings)) {
      Tensor x = random(1, TIME, BATCH, INPUT);
      try (Exported exported =
          Exported.of(pair.fused, List.of(x), () -> List.of(pair.fused.call(x)))) {
        Tensor longer = random(2, TIME + 3, 2, INPUT);
        assertSame(
            exported.run(longer).get(0), Tensors.toFloats(pair.peer(longer, null).get(0)), 1e-5);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("settings")
  void gradientsReachEveryParameterAndTheInput(Recurrence settings) {
    try (Scope scope = Scope.open();
        RecurrentPair pair = new RecurrentPair(settings)) {
      List<float[]> gradients = new ArrayList<>();
      for (RecurrentLayer layer : List.of(pair.fused, pair.stepwise)) {
        layer.zeroGrad();
        Tensor x = input(settings, BATCH);
        x.set_requires_grad(true);
        layer.call(x).square().sum().backward();
        Peer.assertGradients(layer);
        gradients.add(Tensors.toFloats(x.grad()));
      }
      assertSame(gradients.get(1), gradients.get(0), 1e-4);
    }
  }

  @ParameterizedTest
  @EnumSource(Recurrence.Kind.class)
  void dropsBetweenLayersInTrainingOnly(Recurrence.Kind kind) {
    try (Scope scope = Scope.open();
        RecurrentPair pair =
            new RecurrentPair(new Recurrence(kind, INPUT, HIDDEN, 2, false, false, 1, false, 0))) {
      Tensor x = random(1, TIME, BATCH, INPUT);
      for (RecurrentLayer layer : List.of(pair.fused, pair.stepwise)) {
        layer.train(true);
        // With everything dropped and no bias, the second layer sees zeros and makes zeros.
        assertThat(Tensors.toFloats(layer.call(x))).containsOnly(0f);
        layer.eval();
        assertThat(Tensors.toFloats(layer.call(x))).doesNotContain(0f);
      }
      pair.fused.train(true);
      assertThatThrownBy(
              () -> Exported.of(pair.fused, List.of(x), () -> List.of(pair.fused.call(x))))
          .hasRootCauseInstanceOf(TraceException.class)
          .hasMessageContaining("call eval()");
    }
  }

  @Test
  void drawsParametersFromPlusMinusOneOverRootHidden() {
    try (LSTM layer = LSTM.builder(20, 25).build()) {
      layer
          .parameters()
          .forEach(
              (name, parameter) -> {
                float[] values = Tensors.toFloats(parameter);
                float most = 0;
                for (float value : values) {
                  most = Math.max(most, Math.abs(value));
                }
                assertThat(most).as(name).isBetween(0.18f, 0.2f);
              });
    }
  }

  @Test
  void namesParametersAsPyTorchDoes() {
    try (LSTM layer = LSTM.builder(2, 3).bidirectional(true).projSize(1).build()) {
      assertThat(layer.stateDict().keySet())
          .containsExactly(
              "weight_ih_l0",
              "weight_hh_l0",
              "bias_ih_l0",
              "bias_hh_l0",
              "weight_hr_l0",
              "weight_ih_l0_reverse",
              "weight_hh_l0_reverse",
              "bias_ih_l0_reverse",
              "bias_hh_l0_reverse",
              "weight_hr_l0_reverse");
      assertThat(layer).hasToString("LSTM(2, 3, bidirectional=True, proj_size=1)");
      assertThatThrownBy(() -> layer.weights(1, false)).hasMessageContaining("_l1");
    }
  }

  @Test
  void refusesSettingsOutOfRange() {
    assertThatThrownBy(() -> LSTM.builder(0, 3).build()).hasMessageContaining("input_size is 0");
    assertThatThrownBy(() -> GRU.builder(3, -1).build()).hasMessageContaining("hidden_size is -1");
    assertThatThrownBy(() -> RNN.builder(3, 3).numLayers(0).build())
        .hasMessageContaining("num_layers is 0");
    assertThatThrownBy(() -> GRU.builder(3, 3).numLayers(2).dropout(1.5).build())
        .hasMessageContaining("dropout is 1.5");
    assertThatThrownBy(() -> GRU.builder(3, 3).numLayers(2).dropout(Double.NaN).build())
        .hasMessageContaining("dropout is NaN");
    assertThatThrownBy(() -> GRU.builder(3, 3).dropout(0.5).build())
        .hasMessageContaining("has no effect");
    assertThatThrownBy(() -> LSTM.builder(3, 3).projSize(3).build())
        .hasMessageContaining("choose 0 to 2");
  }

  @ParameterizedTest
  @EnumSource(Recurrence.Kind.class)
  void refusesInputThatDoesNotFit(Recurrence.Kind kind) {
    try (Scope scope = Scope.open();
        RecurrentPair pair =
            new RecurrentPair(new Recurrence(kind, INPUT, HIDDEN, 1, true, false, 0, false, 0))) {
      Recurrence settings = pair.settings;
      Tensor x = input(settings, BATCH);
      for (RecurrentLayer layer : List.of(pair.fused, pair.stepwise)) {
        assertRefused(layer, random(1, 2, 2, 2, INPUT), null, "4 dimensions");
        assertRefused(layer, random(1, INPUT), null, "1 dimensions");
        assertRefused(layer, random(1, TIME, BATCH, INPUT + 1), null, "input_size is 5");
        assertRefused(layer, random(1, 0, BATCH, INPUT), null, "no step");
        assertRefused(layer, x.to(ScalarType.Double), null, "the input is Double");
        assertRefused(layer, x.to(ScalarType.Long), null, "the input is Long");
        assertRefused(layer, x, state(settings, BATCH + 1), "the hidden state is Float[1, 4, 6]");
        assertRefused(layer, random(1, TIME, INPUT), state(settings, 1), "2 dimensions");
        List<Tensor> wrongType =
            state(settings, BATCH).stream().map(each -> each.to(ScalarType.Double)).toList();
        assertRefused(layer, x, wrongType, "the hidden state is Double");
        Tensor closed = random(1, TIME, BATCH, INPUT);
        closed.close();
        assertRefused(layer, closed, null, "closed");
        PackedSequence packed =
            PackedSequences.pack(random(1, TIME, BATCH, 2), new long[] {1, 1, 1}, false, true);
        assertThatThrownBy(() -> RecurrentPair.run(layer, packed, null))
            .isInstanceOf(ModuleException.class)
            .hasMessageContaining("input_size is 5");
        PackedSequence good = PackedSequences.pack(x, new long[] {1, 1, 1}, false, true);
        assertThatThrownBy(() -> RecurrentPair.run(layer, good, state(settings, 2)))
            .isInstanceOf(ModuleException.class)
            .hasMessageContaining("the hidden state is Float[1, 2, 6]");
      }
    }
  }

  private static void assertRefused(
      RecurrentLayer layer, Tensor input, List<Tensor> state, String message) {
    assertThatThrownBy(() -> RecurrentPair.run(layer, input, state))
        .isInstanceOf(ModuleException.class)
        .hasMessageContaining(message);
  }

  @Test
  void aSubstitutionSeesWhatBuildersBuild() {
    List<Module> seen = new ArrayList<>();
    try (Substitution open =
        Substitution.open(
            built -> {
              seen.add(built);
              return built;
            })) {
      LSTM.builder(1, 1).build().close();
      GRU.builder(1, 1).build().close();
      RNN.builder(1, 1).build().close();
    }
    assertThat(seen).hasSize(3);
  }
}
