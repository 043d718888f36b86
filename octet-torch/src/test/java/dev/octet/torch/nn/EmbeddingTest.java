package dev.octet.torch.nn;

import static dev.octet.torch.nn.Peer.assertSame;
import static dev.octet.torch.nn.Peer.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.op.EmbeddingOps.Reduction;
import dev.octet.torch.op.TraceException;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.pytorch.EmbeddingBagImpl;
import org.bytedeco.pytorch.EmbeddingBagOptions;
import org.bytedeco.pytorch.EmbeddingImpl;
import org.bytedeco.pytorch.EmbeddingOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.bytedeco.pytorch.kMax;
import org.bytedeco.pytorch.kMean;
import org.bytedeco.pytorch.kSum;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

final class EmbeddingTest {
  @BeforeEach
  void seed() {
    Torch.seed(5);
  }

  private static Tensor indices(long... values) {
    return Tensors.of(values, values.length);
  }

  @Test
  void looksRowsUpAsLibTorchDoes() {
    try (Scope scope = Scope.open();
        Embedding embedding =
            Embedding.builder(6, 3).paddingIdx(-1).maxNorm(1).normType(1).build()) {
      EmbeddingOptions options = new EmbeddingOptions(6, 3);
      options.padding_idx().put(5);
      options.max_norm().put(1);
      options.norm_type().put(1);
      EmbeddingImpl peer = new EmbeddingImpl(options);
      Peer.copyWeights(embedding, peer);
      Tensor at = Tensors.of(new long[] {1, 5, 2, 1}, 2, 2);
      Tensor made = embedding.call(at);
      assertSame(made, peer.forward(at), 1e-6);
      assertSame(embedding.weight(), peer.weight(), 1e-6);
      assertSame(embedding.call(at.to(ScalarType.Int)), made, 0);
      made.square().sum().backward();
      float[] gradient = Tensors.toFloats(embedding.weight().grad());
      assertThat(gradient[3]).isNotZero(); // row 1
      assertThat(gradient).endsWith(0, 0, 0); // the padding
      assertThat(embedding)
          .hasToString("Embedding(6, 3, padding_idx=5, max_norm=1.0, norm_type=1.0)");
      assertThat(Tensors.toFloats(embedding.weight().select(0, 5))).containsOnly(0f);
    }
  }

  @Test
  void dividesGradientsByFrequencyAndMakesThemSparse() {
    try (Scope scope = Scope.open();
        Embedding scaled = Embedding.builder(3, 1).scaleGradByFreq(true).build();
        Embedding sparse = Embedding.builder(3, 1).sparse(true).build()) {
      scaled.call(indices(1, 1, 0)).sum().backward();
      assertThat(Tensors.toFloats(scaled.weight().grad())).containsExactly(1, 1, 0);
      sparse.call(indices(1, 1, 0)).sum().backward();
      assertThat(sparse.weight().grad().is_sparse()).isTrue();
      assertThat(Tensors.toFloats(sparse.weight().grad().to_dense())).containsExactly(1, 2, 0);
    }
  }

  @Test
  void tracesToAGatherOfATableThatKeepsItsLargestNorm() {
    try (Scope scope = Scope.open();
        Embedding embedding = Embedding.builder(6, 3).maxNorm(0.5).build()) {
      Tensor at = indices(1, 2);
      try (Exported exported =
          Exported.of(
              embedding, List.of(at), () -> List.of(embedding.call(at), embedding.call(at)))) {
        assertThat(exported.operators()).containsOnly("Gather");
        Tensor other = indices(0, 3, 4, 5, 1);
        assertSame(exported.run(other).get(0), Tensors.toFloats(embedding.call(other)), 1e-6);
      }
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (Scope scope = Scope.open();
        Embedding embedding = Embedding.builder(6, 3).build();
        Embedding limited = Embedding.builder(6, 3).maxNorm(1).build()) {
      for (Embedding each : List.of(embedding, limited)) {
        assertRefused(() -> each.call(indices(1, 6)), "out of range");
        assertRefused(() -> each.call(indices(1, Long.MAX_VALUE)), "out of range");
        assertRefused(() -> each.call(indices(-1, 1)), "out of range");
        assertRefused(() -> each.call(random(1, 2)), "Long or Int");
      }
      assertThatThrownBy(() -> Embedding.builder(6, 3).paddingIdx(6))
          .hasMessageContaining("padding_idx is 6");
      assertThatThrownBy(() -> Embedding.builder(6, 3).maxNorm(0))
          .hasMessageContaining("max_norm is 0");
      assertThatThrownBy(() -> Embedding.builder(6, 3).normType(0).build())
          .hasMessageContaining("norm_type is 0");
      assertThatThrownBy(() -> Embedding.builder(0, 3)).hasMessageContaining("num_embeddings");
    }
  }

  // --- Bags ------------------------------------------------------------------------------------

  static Stream<Arguments> bags() {
    return Stream.of(Reduction.values())
        .flatMap(mode -> Stream.of(Arguments.of(mode, false), Arguments.of(mode, true)));
  }

  private static EmbeddingBag bag(Reduction mode, boolean padding) {
    EmbeddingBag.Builder builder = EmbeddingBag.builder(6, 3).mode(mode);
    return padding ? builder.paddingIdx(2).build() : builder.build();
  }

  private static EmbeddingBagImpl peer(EmbeddingBag bag, boolean padding, boolean last) {
    EmbeddingBagOptions options = new EmbeddingBagOptions(6, 3);
    options.include_last_offset().put(last);
    switch (bag.mode()) {
      case SUM -> options.mode().put(new kSum());
      case MEAN -> options.mode().put(new kMean());
      case MAX -> options.mode().put(new kMax());
    }
    if (padding) {
      options.padding_idx().put(2);
    }
    EmbeddingBagImpl peer = new EmbeddingBagImpl(options);
    Peer.copyWeights(bag, peer);
    return peer;
  }

  @ParameterizedTest
  @MethodSource("bags")
  void reducesBagsAsLibTorchDoes(Reduction mode, boolean padding) {
    try (Scope scope = Scope.open();
        EmbeddingBag bag = bag(mode, padding)) {
      EmbeddingBagImpl peer = peer(bag, padding, false);
      Tensor even = Tensors.of(new long[] {1, 2, 5, 2, 2, 2}, 2, 3);
      assertSame(bag.call(even), peer.forward(even), 1e-6);
      Tensor flat = indices(1, 2, 3, 4, 5, 0, 2);
      Tensor offsets = indices(0, 2, 2, 6);
      Tensor expected = peer.forward(flat, offsets, new Tensor());
      assertSame(bag.call(flat, offsets), expected, 1e-6);
      assertSame(bag.call(flat.to(ScalarType.Int), offsets.to(ScalarType.Int)), expected, 1e-6);
      bag.call(flat, offsets).square().sum().backward();
      Peer.assertGradients(bag);
    }
  }

  @Test
  void weighsSamplesAndTakesALastOffset() {
    try (Scope scope = Scope.open();
        EmbeddingBag bag =
            EmbeddingBag.builder(6, 3).mode(Reduction.SUM).includeLastOffset(true).build()) {
      EmbeddingBagImpl peer = peer(bag, false, true);
      Tensor flat = indices(1, 2, 3, 4);
      Tensor offsets = indices(0, 3, 4);
      Tensor weights = random(4, 4);
      weights.set_requires_grad(true);
      Tensor made = bag.run(flat, offsets, weights);
      assertThat(Tensors.shape(made)).containsExactly(2, 3);
      assertSame(made, peer.forward(flat, offsets, weights), 1e-6);
      made.square().sum().backward();
      assertThat(weights.grad().defined()).isTrue();
      assertRefused(() -> bag.call(flat, indices(0, 3)), "the last offset must be");
    }
  }

  @ParameterizedTest
  @MethodSource("bags")
  void tracesBagsOfOneLength(Reduction mode, boolean padding) {
    try (Scope scope = Scope.open();
        EmbeddingBag bag = bag(mode, padding)) {
      Tensor even = Tensors.of(new long[] {1, 2, 5, 2, 2, 2}, 2, 3);
      Tensor other = Tensors.of(new long[] {0, 0, 4, 2, 2, 2, 5, 4, 2}, 3, 3);
      try (Exported exported = Exported.of(bag, List.of(even), () -> List.of(bag.call(even)))) {
        assertSame(exported.run(other).get(0), Tensors.toFloats(bag.call(other)), 1e-6);
      }
      Tensor flat = indices(1, 2, 3, 4);
      Tensor offsets = indices(0, 2);
      assertThatThrownBy(
              () ->
                  Exported.of(bag, List.of(flat, offsets), () -> List.of(bag.call(flat, offsets))))
          .hasRootCauseInstanceOf(TraceException.class)
          .hasMessageContaining("lengths of its bags");
    }
  }

  @Test
  void tracesWeightsOfSamples() {
    try (Scope scope = Scope.open();
        EmbeddingBag bag = bag(Reduction.SUM, true)) {
      Tensor even = Tensors.of(new long[] {1, 2, 5, 0}, 2, 2);
      Tensor weights = random(2, 2, 2);
      try (Exported exported =
          Exported.of(bag, List.of(even, weights), () -> List.of(bag.run(even, null, weights)))) {
        Tensor other = random(3, 2, 2);
        assertSame(
            exported.run(even, other).get(0), Tensors.toFloats(bag.run(even, null, other)), 1e-6);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Reduction.class)
  void refusesBagsThatDoNotFit(Reduction mode) {
    try (Scope scope = Scope.open();
        EmbeddingBag bag = bag(mode, false)) {
      Tensor flat = indices(1, 2, 3);
      assertRefused(() -> bag.call(indices(1, 6), indices(0)), "index 6 is out of range");
      assertRefused(() -> bag.call(indices(1, -1), indices(0)), "index -1 is out of range");
      assertRefused(() -> bag.call(flat, indices(1, 2)), "offset 0 is 1");
      assertRefused(() -> bag.call(flat, indices(0, 2, 1)), "offset 2 is 1");
      assertRefused(() -> bag.call(flat, indices(0, 4)), "offset 1 is 4");
      assertRefused(() -> bag.call(flat), "give [bags, size]");
      assertRefused(() -> bag.call(flat, random(1, 1)), "offsets are Long or Int");
      assertRefused(() -> bag.call(random(1, 2, 2)), "Long or Int");
      if (mode == Reduction.SUM) {
        assertRefused(() -> bag.run(flat, indices(0), random(1, 2)), "the shape of the indices");
      } else {
        assertRefused(() -> bag.run(flat, indices(0), random(1, 3)), "work with sums");
      }
    }
  }

  @Test
  void takesEmptyBags() {
    try (Scope scope = Scope.open();
        EmbeddingBag bag = bag(Reduction.SUM, false)) {
      Tensor none = Tensors.of(new long[0], 0);
      assertThat(Tensors.toFloats(bag.call(none, indices(0, 0)))).containsExactly(0, 0, 0, 0, 0, 0);
      assertThat(Tensors.shape(bag.call(none, Tensors.of(new long[0], 0)))).containsExactly(0, 3);
    }
  }

  @Test
  void refusesSettingsThatDoNotGoTogether() {
    assertThatThrownBy(() -> EmbeddingBag.builder(3, 3).mode(Reduction.MAX).sparse(true).build())
        .hasMessageContaining("do not work with MAX");
  }

  private static void assertRefused(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(ModuleException.class).hasMessageContaining(message);
  }
}
