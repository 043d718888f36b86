package dev.octet.torch.nn;

import static dev.octet.torch.nn.Peer.assertSame;
import static dev.octet.torch.nn.Peer.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.op.Ops;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.pytorch.MultiheadAttentionImpl;
import org.bytedeco.pytorch.MultiheadAttentionOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TransformerEncoderImpl;
import org.bytedeco.pytorch.TransformerEncoderLayerImpl;
import org.bytedeco.pytorch.TransformerEncoderLayerOptions;
import org.bytedeco.pytorch.TransformerEncoderOptions;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.bytedeco.pytorch.kGELU;
import org.bytedeco.pytorch.kReLU;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class MultiheadAttentionTest {
  private static final int EMBED = 6;
  private static final int HEADS = 2;
  private static final int TARGET = 3;
  private static final int SOURCE = 4;
  private static final int BATCH = 2;

  @BeforeEach
  void seed() {
    Torch.seed(7);
  }

  /** True for some keys, but never for the first, so that no query is left with none. */
  private static Tensor forbidden(int seed, long... shape) {
    Tensor mask = random(seed, shape).gt(new Scalar(-0.3));
    mask.select(shape.length - 1, 0).zero_();
    assertThat(mask.any().item_bool()).isTrue();
    return mask;
  }

  /** The same as floats, which LibTorch's C++ modules take alone. */
  private static Tensor floats(Tensor forbidden) {
    return Ops.maskedFill(
        forbidden.to(ScalarType.Float).mul(new Scalar(0)), forbidden, Double.NEGATIVE_INFINITY);
  }

  @ParameterizedTest
  @CsvSource({
    // bias, bias k and v, zeros, kdim, vdim
    "true, false, false, 6, 6",
    "false, false, false, 6, 6",
    "true, true, false, 6, 6",
    "true, false, true, 6, 6",
    "true, true, true, 5, 5",
    "false, false, false, 5, 5",
  })
  void attendsAsLibTorchDoes(boolean bias, boolean biasKv, boolean zeros, int kdim, int vdim) {
    try (Scope scope = Scope.open();
        MultiheadAttention layer = layer(bias, biasKv, zeros, kdim, vdim, false);
        MultiheadAttention first = layer(bias, biasKv, zeros, kdim, vdim, true)) {
      MultiheadAttentionOptions options = new MultiheadAttentionOptions(EMBED, HEADS);
      options.bias().put(bias);
      options.add_bias_kv().put(biasKv);
      options.add_zero_attn().put(zeros);
      options.kdim().put(kdim);
      options.vdim().put(vdim);
      MultiheadAttentionImpl peer = new MultiheadAttentionImpl(options);
      if (biasKv || bias) {
        randomize(layer);
      }
      first.loadStateDict(layer.stateDict(), true);
      Peer.copyWeights(layer, peer);
      Tensor q = random(1, TARGET, BATCH, EMBED);
      Tensor k = random(2, SOURCE, BATCH, kdim);
      Tensor v = random(3, SOURCE, BATCH, vdim);
      List<Tensor> paddings = new ArrayList<>();
      paddings.add(new Tensor());
      paddings.add(forbidden(4, BATCH, SOURCE));
      List<Tensor> attentions = new ArrayList<>();
      attentions.add(new Tensor());
      attentions.add(forbidden(5, TARGET, SOURCE));
      attentions.add(random(6, TARGET, SOURCE));
      for (Tensor padding : paddings) {
        for (Tensor attention : attentions) {
          boolean asBool = attention.defined() && Tensors.type(attention) == ScalarType.Bool;
          Tensor theirs = asBool ? floats(attention) : attention;
          var expected = peer.forward(q, k, v, padding, true, theirs, false);
          AttentionMasks masks =
              new AttentionMasks(
                  padding.defined() ? padding : null, attention.defined() ? attention : null);
          AttentionOutput made = layer.run(q, k, v, masks);
          assertSame(made.output(), expected.get0(), 1e-5);
          assertSame(made.weights(), expected.get1(), 1e-5);
          assertSame(made.averagedWeights(), expected.get1().mean(1), 1e-5);
          AttentionOutput turned =
              first.run(q.transpose(0, 1), k.transpose(0, 1), v.transpose(0, 1), masks);
          assertSame(turned.output().transpose(0, 1), expected.get0(), 1e-5);
        }
      }
      assertSame(
          layer.call(q, k, v),
          peer.forward(q, k, v, new Tensor(), true, new Tensor(), true).get0(),
          1e-5);
      layer.call(q, k, v).square().sum().backward();
      for (var parameter : layer.parameters().entrySet()) {
        assertThat(parameter.getValue().grad().abs().sum().item_float())
            .as(parameter.getKey())
            .isPositive();
      }
    }
  }

  @Test
  void takesAMaskForEveryHead() {
    try (Scope scope = Scope.open();
        MultiheadAttention layer = layer(true, true, true, EMBED, EMBED, false)) {
      Tensor x = random(1, TARGET, BATCH, EMBED);
      Tensor masks = forbidden(7, (long) BATCH * HEADS, TARGET, TARGET);
      Tensor made = layer.run(x, x, x, new AttentionMasks(null, masks)).weights();
      for (int sample = 0; sample < BATCH; sample++) {
        for (int head = 0; head < HEADS; head++) {
          Tensor own = masks.select(0, sample * HEADS + head);
          Tensor expected = layer.run(x, x, x, new AttentionMasks(null, own)).weights();
          assertSame(
              made.select(0, sample).select(0, head),
              expected.select(0, sample).select(0, head),
              1e-6);
        }
      }
      // Padding given as floats is added too.
      Tensor padding = forbidden(8, BATCH, TARGET);
      assertSame(
          layer.run(x, x, x, new AttentionMasks(floats(padding), masks)).output(),
          layer.run(x, x, x, new AttentionMasks(padding, masks)).output(),
          1e-6);
    }
  }

  @Test
  void keysAndValuesMayDifferInSize() {
    try (Scope scope = Scope.open();
        MultiheadAttention narrow = layer(true, false, false, 5, 3, false);
        MultiheadAttention wide = layer(true, false, false, 5, 5, false)) {
      Map<String, Tensor> state = new LinkedHashMap<>(narrow.stateDict());
      // Features that are zero add nothing.
      state.computeIfPresent("v_proj_weight", (name, weight) -> Ops.pad(weight, 0, 2));
      wide.loadStateDict(state, true);
      Tensor q = random(1, TARGET, BATCH, EMBED);
      Tensor k = random(2, SOURCE, BATCH, 5);
      Tensor v = random(3, SOURCE, BATCH, 3);
      assertSame(narrow.call(q, k, v), wide.call(q, k, Ops.pad(v, 0, 2)), 1e-6);
    }
  }

  private static MultiheadAttention layer(
      boolean bias, boolean biasKv, boolean zeros, int kdim, int vdim, boolean batchFirst) {
    return MultiheadAttention.builder(EMBED, HEADS)
        .bias(bias)
        .addBiasKv(biasKv)
        .addZeroAttn(zeros)
        .kdim(kdim)
        .vdim(vdim)
        .batchFirst(batchFirst)
        .build();
  }

  /** Biases start at zero, where a mistake would not show. */
  private static void randomize(Module module) {
    module
        .parameters()
        .forEach(
            (name, parameter) -> {
              if (name.contains("bias")) {
                Init.normal(parameter, 0, 1);
              }
            });
  }

  @Test
  void takesSequencesWithoutABatch() {
    try (Scope scope = Scope.open();
        MultiheadAttention layer = layer(true, false, false, EMBED, EMBED, false)) {
      Tensor x = random(1, TARGET, 1, EMBED);
      Tensor padding = forbidden(2, 1, TARGET);
      AttentionOutput batched = layer.run(x, x, x, new AttentionMasks(padding, null));
      Tensor single = x.select(1, 0);
      AttentionOutput made =
          layer.run(single, single, single, new AttentionMasks(padding.select(0, 0), null));
      assertSame(made.output(), batched.output().select(1, 0), 1e-6);
      assertSame(made.weights(), batched.weights().select(0, 0), 1e-6);
      assertThat(Tensors.shape(made.averagedWeights())).containsExactly(TARGET, TARGET);
    }
  }

  @ParameterizedTest
  @CsvSource({"false, false", "true, true"})
  void tracesForAnyBatchAndLength(boolean added, boolean batchFirst) {
    try (Scope scope = Scope.open();
        MultiheadAttention layer = layer(true, added, added, EMBED, EMBED, batchFirst)) {
      Tensor x = random(1, TARGET, BATCH, EMBED);
      Tensor mask = random(2, TARGET, TARGET);
      AttentionMasks masks = new AttentionMasks(null, mask);
      Tensor q = batchFirst ? x.transpose(0, 1).contiguous() : x;
      try (Exported exported =
          Exported.of(layer, List.of(q, mask), () -> List.of(layer.run(q, q, q, masks).output()))) {
        assertThat(exported.operators()).contains("Softmax");
        Tensor other = random(3, 5, 5, EMBED);
        Tensor otherMask = random(4, 5, 5);
        AttentionOutput expected =
            layer.run(other, other, other, new AttentionMasks(null, otherMask));
        assertSame(
            exported.run(other, otherMask).get(0), Tensors.toFloats(expected.output()), 1e-5);
      }
    }
  }

  @Test
  void dropsWeightsInTrainingOnly() {
    try (Scope scope = Scope.open();
        MultiheadAttention layer = MultiheadAttention.builder(EMBED, HEADS).dropout(1).build()) {
      Tensor x = random(1, TARGET, BATCH, EMBED);
      AttentionOutput trained = layer.run(x, x, x, AttentionMasks.NONE);
      assertThat(Tensors.toFloats(trained.weights())).containsOnly(0f);
      layer.eval();
      AttentionOutput made = layer.run(x, x, x, AttentionMasks.NONE);
      assertThat(Tensors.toFloats(made.weights())).doesNotContain(0f);
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (Scope scope = Scope.open();
        MultiheadAttention layer = layer(true, false, false, 5, EMBED, false)) {
      Tensor q = random(1, TARGET, BATCH, EMBED);
      Tensor k = random(2, SOURCE, BATCH, 5);
      Tensor v = random(3, SOURCE, BATCH, EMBED);
      assertRefused(() -> layer.call(q, v, v), "the key is Float[4, 2, 6]");
      assertRefused(() -> layer.call(q, k, k), "the value is Float[4, 2, 5]");
      assertRefused(() -> layer.call(k, k, v), "the query is Float[4, 2, 5]");
      assertRefused(() -> layer.call(q.select(1, 0), k, v), "3 dimensions");
      assertRefused(() -> layer.call(q, k.narrow(1, 0, 1), v), "differ in the batch");
      assertRefused(() -> layer.call(q, k.narrow(0, 0, 1), v), "differ in length");
      assertRefused(() -> layer.call(q.to(ScalarType.Double), k, v), "Double");
      assertRefused(() -> layer.call(q, k), "1 input");
      assertRefused(
          () -> layer.run(q, k, v, new AttentionMasks(random(1, SOURCE, BATCH), null)),
          "the key padding mask is Float[4, 2]");
      assertRefused(
          () -> layer.run(q, k, v, new AttentionMasks(null, random(1, 3, TARGET, SOURCE))),
          "of shape [4, 3, 4]");
      Tensor longs = random(1, TARGET, SOURCE).to(ScalarType.Long);
      assertRefused(
          () -> layer.run(q, k, v, new AttentionMasks(null, longs)), "the attention mask is Long");
      assertThatThrownBy(() -> MultiheadAttention.builder(5, 2))
          .hasMessageContaining("cannot be shared by 2 heads");
    }
  }

  private static void assertRefused(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(ModuleException.class).hasMessageContaining(message);
  }

  // --- Transformer -----------------------------------------------------------------------------

  private static TransformerEncoderLayer.Builder encoderLayer(
      TransformerEncoderLayer.Activation activation) {
    return TransformerEncoderLayer.builder(EMBED, HEADS).dimFeedforward(8).activation(activation);
  }

  private static TransformerEncoderLayerOptions peerOptions(
      TransformerEncoderLayer.Activation activation) {
    TransformerEncoderLayerOptions options = new TransformerEncoderLayerOptions(EMBED, HEADS);
    options.dim_feedforward().put(8);
    if (activation == TransformerEncoderLayer.Activation.RELU) {
      options.activation().put(new kReLU());
    } else {
      options.activation().put(new kGELU());
    }
    return options;
  }

  @ParameterizedTest
  @EnumSource(TransformerEncoderLayer.Activation.class)
  void anEncoderLayerComputesAsLibTorchs(TransformerEncoderLayer.Activation activation) {
    try (Scope scope = Scope.open();
        TransformerEncoderLayer layer = encoderLayer(activation).build()) {
      TransformerEncoderLayerImpl peer = new TransformerEncoderLayerImpl(peerOptions(activation));
      Peer.copyWeights(layer, peer);
      peer.eval();
      layer.eval();
      Tensor x = random(1, TARGET, BATCH, EMBED);
      Tensor padding = forbidden(2, BATCH, TARGET);
      Tensor attention = forbidden(3, TARGET, TARGET);
      assertSame(layer.call(x), peer.forward(x), 1e-5);
      assertSame(
          layer.run(x, new AttentionMasks(padding, attention)),
          peer.forward(x, floats(attention), padding),
          1e-5);
      layer.call(x).mul(random(9, TARGET, BATCH, EMBED)).sum().backward();
      Peer.assertGradients(layer);
    }
  }

  @Test
  void anEncoderComputesAsLibTorchs() {
    TransformerEncoderLayer.Activation activation = TransformerEncoderLayer.Activation.RELU;
    try (Scope scope = Scope.open();
        TransformerEncoder encoder =
            new TransformerEncoder(2, () -> encoderLayer(activation).build(), null)) {
      TransformerEncoderImpl peer =
          new TransformerEncoderImpl(new TransformerEncoderOptions(peerOptions(activation), 2));
      Peer.copyWeights(encoder, peer);
      peer.eval();
      encoder.eval();
      Tensor x = random(1, TARGET, BATCH, EMBED);
      Tensor attention = forbidden(3, TARGET, TARGET);
      assertSame(encoder.call(x), peer.forward(x), 1e-5);
      assertSame(
          encoder.run(x, new AttentionMasks(null, attention)),
          peer.forward(x, floats(attention), new Tensor()),
          1e-5);
      try (Exported exported = Exported.of(encoder, List.of(x), () -> List.of(encoder.call(x)))) {
        Tensor other = random(4, 5, 3, EMBED);
        assertSame(exported.run(other).get(0), Tensors.toFloats(peer.forward(other)), 1e-5);
      }
    }
  }

  @Test
  void normsMayStandFirstAndOneLast() {
    try (Scope scope = Scope.open();
        TransformerEncoder encoder =
            new TransformerEncoder(
                1,
                () ->
                    encoderLayer(TransformerEncoderLayer.Activation.GELU)
                        .normFirst(true)
                        .batchFirst(true)
                        .build(),
                LayerNorm.builder(EMBED).build())) {
      encoder.eval();
      assertThat(encoder.stateDict().keySet())
          .contains("layers.0.self_attn.in_proj_weight", "layers.0.linear1.bias", "norm.weight");
      Tensor x = random(1, BATCH, TARGET, EMBED);
      Tensor normed = encoder.get("layers.0.norm1").call(x);
      Tensor attended = x.add(encoder.get("layers.0.self_attn").call(normed));
      Tensor wide =
          encoder.get("layers.0.linear1").call(encoder.get("layers.0.norm2").call(attended));
      Tensor out = attended.add(encoder.get("layers.0.linear2").call(Ops.gelu(wide)));
      assertSame(encoder.call(x), encoder.get("norm").call(out), 1e-5);
      // Batch first: a sample does not see the others.
      assertSame(encoder.call(x).narrow(0, 1, 1), encoder.call(x.narrow(0, 1, 1)), 1e-5);
    }
  }
}
