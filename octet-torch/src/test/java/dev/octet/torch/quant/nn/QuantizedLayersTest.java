package dev.octet.torch.quant.nn;

import static dev.octet.torch.nn.RNN.Nonlinearity.RELU;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.rules.Settings;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.AdaptiveAvgPool1d;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.AdaptiveAvgPool3d;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.AttentionMasks;
import dev.octet.torch.nn.AvgPool1d;
import dev.octet.torch.nn.AvgPool2d;
import dev.octet.torch.nn.AvgPool3d;
import dev.octet.torch.nn.BatchNorm1d;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.BatchNorm3d;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.Conv1d;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.ConvTranspose1d;
import dev.octet.torch.nn.ConvTranspose2d;
import dev.octet.torch.nn.ConvTranspose3d;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.EmbeddingBag;
import dev.octet.torch.nn.GRU;
import dev.octet.torch.nn.GRUCell;
import dev.octet.torch.nn.InstanceNorm1d;
import dev.octet.torch.nn.InstanceNorm2d;
import dev.octet.torch.nn.InstanceNorm3d;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.LSTMCell;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MatMul;
import dev.octet.torch.nn.MaxPool1d;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.MaxPool3d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.nn.MultiheadAttention;
import dev.octet.torch.nn.RNN;
import dev.octet.torch.nn.RNNCell;
import dev.octet.torch.op.EmbeddingOps;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

final class QuantizedLayersTest {
  /** A float layer, how many quantizers its twin has, and what it computes on. */
  private static final class Sample {
    final Supplier<? extends Module> layer;
    final int inputs;
    final int weights;
    final long[][] shapes;

    Sample(Supplier<? extends Module> layer, int inputs, int weights, long[]... shapes) {
      this.layer = layer;
      this.inputs = inputs;
      this.weights = weights;
      this.shapes = shapes;
    }

    Tensor[] tensors() {
      return Stream.of(shapes).map(torch::randn).toArray(Tensor[]::new);
    }

    @Override
    public String toString() {
      try (Module made = layer.get()) {
        return made.toString();
      }
    }
  }

  private static long[] shape(long... sizes) {
    return sizes;
  }

  static Stream<Sample> samples() {
    long[] one = shape(2, 4, 6);
    long[] two = shape(2, 4, 6, 6);
    long[] three = shape(2, 4, 6, 6, 6);
    return Stream.of(
        new Sample(() -> Conv1d.builder(4, 3, 3).stride(2).build(), 1, 1, one),
        new Sample(() -> Conv2d.builder(4, 4, 3).groups(2).build(), 1, 1, two),
        new Sample(() -> Conv3d.builder(4, 3, 2).bias(false).build(), 1, 1, three),
        new Sample(() -> ConvTranspose1d.builder(4, 3, 3).build(), 1, 1, one),
        new Sample(() -> ConvTranspose2d.builder(4, 4, 3).groups(2).build(), 1, 1, two),
        new Sample(() -> ConvTranspose3d.builder(4, 3, 2).build(), 1, 1, three),
        new Sample(() -> Linear.builder(6, 5).build(), 1, 1, two),
        new Sample(() -> AvgPool1d.builder(2).build(), 1, 0, one),
        new Sample(() -> AvgPool2d.builder(2).build(), 1, 0, two),
        new Sample(() -> AvgPool3d.builder(2).build(), 1, 0, three),
        new Sample(() -> AdaptiveAvgPool1d.of(2), 1, 0, one),
        new Sample(() -> AdaptiveAvgPool2d.of(2), 1, 0, two),
        new Sample(() -> AdaptiveAvgPool3d.of(2), 1, 0, three),
        new Sample(() -> MaxPool1d.builder(2).build(), 1, 0, one),
        new Sample(() -> MaxPool2d.builder(2).build(), 1, 0, two),
        new Sample(() -> MaxPool3d.builder(2).build(), 1, 0, three),
        new Sample(() -> BatchNorm1d.builder(4).build(), 1, 0, one),
        new Sample(() -> BatchNorm2d.builder(4).build(), 1, 0, two),
        new Sample(() -> BatchNorm3d.builder(4).build(), 1, 0, three),
        new Sample(() -> InstanceNorm1d.builder(4).affine(true).build(), 1, 0, one),
        new Sample(() -> InstanceNorm2d.builder(4).build(), 1, 0, two),
        new Sample(() -> InstanceNorm3d.builder(4).build(), 1, 0, three),
        new Sample(Add::of, 2, 0, two, two),
        new Sample(Mul::of, 2, 0, two, two),
        new Sample(MatMul::of, 2, 0, two, two),
        new Sample(() -> Concat.of(1), 1, 0, two, two, two),
        new Sample(() -> LSTM.builder(6, 3).numLayers(2).bidirectional(true).build(), 4, 4, one),
        new Sample(() -> GRU.builder(6, 3).numLayers(2).build(), 2, 2, one),
        new Sample(() -> RNN.builder(6, 3).bidirectional(true).build(), 2, 2, one),
        new Sample(() -> RNN.builder(6, 3).nonlinearity(RELU).build(), 1, 1, one),
        new Sample(() -> LSTMCell.builder(6, 3).build(), 1, 1, shape(4, 6)),
        new Sample(() -> GRUCell.builder(6, 3).build(), 1, 1, shape(4, 6)),
        new Sample(() -> RNNCell.builder(6, 3).build(), 1, 1, shape(4, 6)),
        new Sample(() -> RNNCell.builder(6, 3).nonlinearity(RELU).build(), 1, 1, shape(4, 6)),
        new Sample(() -> MultiheadAttention.builder(6, 2).build(), 8, 3, one));
  }

  @SuppressWarnings("unchecked") // The twin of the layer's own class takes the layer.
  private static Module twin(Module layer) {
    Twin<?> twin = QuantModules.twin(layer.getClass().asSubclass(Module.class));
    return ((Twin<Module>) twin).quantize(layer, Settings.NONE, Settings.NONE);
  }

  private static void each(Module layer, java.util.function.Consumer<TensorQuantizer> change) {
    for (Module module : layer.modules().values()) {
      if (module instanceof TensorQuantizer quantizer) {
        change.accept(quantizer);
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void computesAsFloatWhenDisabledAndNearlySoAtSixteenBits(Sample sample) {
    Torch.seed(3);
    try (Module plain = sample.layer.get();
        Scope scope = Scope.open()) {
      plain.eval();
      Tensor[] inputs = sample.tensors();
      float[] wanted = Tensors.toFloats(plain.call(inputs));
      Module quantized = twin(plain);
      assertThat(quantized.isTraining()).isFalse();
      QuantizedLayer layer = (QuantizedLayer) quantized;
      assertThat(layer.inputQuantizers()).hasSize(sample.inputs);
      assertThat(layer.weightQuantizers()).hasSize(sample.weights);
      float[] coarse = Tensors.toFloats(quantized.call(inputs));
      each(quantized, TensorQuantizer::disable);
      assertThat(Tensors.toFloats(quantized.call(inputs)))
          .usingComparatorWithPrecision(1e-6f)
          .containsExactly(wanted);
      each(quantized, TensorQuantizer::enable);
      each(
          quantized,
          quantizer -> {
            QuantizerConfig config = quantizer.config();
            quantizer.config(
                config.toBuilder()
                    .descriptor(config.descriptor().toBuilder().bits(16).build())
                    .build());
          });
      float[] fine = Tensors.toFloats(quantized.call(inputs));
      assertThat(fine).usingComparatorWithPrecision(1e-3f).containsExactly(wanted);
      assertThat(error(coarse, wanted)).isGreaterThan(0);
      assertThat(error(coarse, wanted)).isGreaterThan(error(fine, wanted));
      quantized.close();
      // The float layer is its own owner.
      assertThat(Tensors.toFloats(plain.call(inputs))).isEqualTo(wanted);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void comesBackAsFloat(Sample sample) {
    Torch.seed(4);
    Tensor[] inputs = sample.tensors();
    Module plain = sample.layer.get();
    plain.eval();
    float[] wanted = Tensors.toFloats(plain.call(inputs));
    Module quantized = twin(plain);
    plain.close();
    Module back;
    try (QuantModules scope = QuantModules.initialize()) {
      back = ((QuantizedLayer) quantized).toFloat();
    }
    quantized.close();
    assertThat(back).isExactlyInstanceOf(plain.getClass());
    assertThat(back.isTraining()).isFalse();
    back.modules().values().forEach(each -> assertThat(each).isNotInstanceOf(QuantizedLayer.class));
    assertThat(Tensors.toFloats(back.call(inputs))).isEqualTo(wanted);
    back.close();
    for (Tensor input : inputs) {
      input.close();
    }
  }

  private static double error(float[] actual, float[] wanted) {
    double sum = 0;
    for (int i = 0; i < wanted.length; i++) {
      sum += Math.abs(actual[i] - wanted[i]);
    }
    return sum;
  }

  @Test
  void quantizesTheRowsOfAnEmbedding() {
    try (Embedding plain = Embedding.builder(5, 3).build();
        QuantEmbedding layer = QuantEmbedding.from(plain);
        Scope scope = Scope.open()) {
      Tensor indices = Tensors.of(new long[] {4, 0, 4}, 3);
      TensorQuantizer quantizer = layer.weightQuantizers().get(0);
      Tensor table = quantizer.call(plain.weight());
      assertThat(Tensors.toFloats(layer.call(indices)))
          .isEqualTo(Tensors.toFloats(table.index_select(0, indices)))
          .isNotEqualTo(Tensors.toFloats(plain.call(indices)));
      assertThat(layer.inputQuantizers()).isEmpty();
      try (Embedding back = layer.toFloat()) {
        assertThat(Tensors.toFloats(back.call(indices)))
            .isEqualTo(Tensors.toFloats(plain.call(indices)));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void quantizesTheRowsThatABagAddsUp(EmbeddingOps.Reduction mode) {
    try (EmbeddingBag plain = EmbeddingBag.builder(5, 3).mode(mode).build();
        QuantEmbeddingBag layer = QuantEmbeddingBag.from(plain);
        EmbeddingBag rounded = EmbeddingBag.builder(5, 3).mode(mode).build();
        Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Tensor indices = Tensors.of(new long[] {4, 0, 4, 2}, 4);
      Tensor offsets = Tensors.of(new long[] {0, 1}, 2);
      rounded.weight().copy_(layer.weightQuantizers().get(0).call(plain.weight()));
      float[] wanted = Tensors.toFloats(rounded.call(indices, offsets));
      assertThat(Tensors.toFloats(layer.call(indices, offsets)))
          .isEqualTo(wanted)
          .isNotEqualTo(Tensors.toFloats(plain.call(indices, offsets)));
      assertThat(Tensors.toFloats(layer.run(indices, offsets, null))).isEqualTo(wanted);
      assertThat(layer.inputQuantizers()).isEmpty();
      assertThat(layer.quantizedWeights()).extracting(QuantizedWeight::name).contains("weight");
      try (EmbeddingBag back = layer.toFloat()) {
        assertThat(Tensors.toFloats(back.call(indices, offsets)))
            .isEqualTo(Tensors.toFloats(plain.call(indices, offsets)));
      }
    }
  }

  @Test
  void sharesRangesInARecurrentLayerUnlessToldNotTo() {
    QuantizerConfig config = QuantizerConfig.of(QuantDescriptor.int8Activation());
    try (LSTM plain = LSTM.builder(3, 2).build();
        QuantLSTM joint = QuantLSTM.from(plain, config, config);
        QuantLSTM apart = QuantLSTM.from(plain, config, config, RecurrentRanges.SEPARATE);
        GRU gru = GRU.builder(3, 2).build();
        QuantGRU gruApart = QuantGRU.from(gru, config, config, RecurrentRanges.SEPARATE);
        LSTMCell cell = LSTMCell.builder(3, 2).build();
        QuantLSTMCell cellApart =
            QuantLSTMCell.from(cell, config, config, RecurrentRanges.SEPARATE);
        RNN rnn = RNN.builder(3, 2).build();
        QuantRNN rnnApart = QuantRNN.from(rnn, config, config, RecurrentRanges.SEPARATE);
        RNNCell rnnCell = RNNCell.builder(3, 2).build();
        QuantRNNCell rnnCellApart =
            QuantRNNCell.from(rnnCell, config, config, RecurrentRanges.SEPARATE);
        Scope scope = Scope.open()) {
      assertThat(joint.quantizedWeights())
          .extracting(QuantizedWeight::name)
          .containsExactly("weight_ih_l0|weight_hh_l0");
      assertThat(Tensors.shape(joint.quantizedWeights().get(0).value())).containsExactly(8, 5);
      assertThat(apart.quantizedWeights())
          .extracting(QuantizedWeight::name)
          .containsExactly("weight_ih_l0", "weight_hh_l0");
      Tensor x = torch.randn(4, 2, 3).mul(new org.bytedeco.pytorch.Scalar(100));
      joint.inputQuantizers().get(0).amax(300);
      apart.inputQuantizers().get(0).amax(300);
      apart.inputQuantizers().get(1).amax(1);
      assertThat(Tensors.toFloats(joint.call(x))).isNotEqualTo(Tensors.toFloats(apart.call(x)));
      assertThat(gruApart.inputQuantizers()).hasSize(2);
      assertThat(gruApart.call(x).defined()).isTrue();
      assertThat(rnnApart.inputQuantizers()).hasSize(2);
      assertThat(rnnApart.call(x).defined()).isTrue();
      assertThat(rnnCellApart.inputQuantizers()).hasSize(2);
      assertThat(rnnCellApart.call(torch.randn(4, 3)).defined()).isTrue();
      assertThat(cellApart.modules().keySet())
          .contains("_input_quantizers.1", "_weight_quantizers.1");
      assertThat(cellApart.call(torch.randn(4, 3)).defined()).isTrue();
    }
  }

  @Test
  void writesAJointWeightBackToBothParameters() {
    QuantizerConfig config = QuantizerConfig.of(QuantDescriptor.int8Activation());
    try (LSTM plain = LSTM.builder(2, 1).build();
        QuantLSTM layer = QuantLSTM.from(plain, config, config);
        Scope scope = Scope.open()) {
      QuantizedWeight weight = layer.quantizedWeights().get(0);
      weight.assign(Tensors.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 4, 3));
      Map<String, Tensor> state = plain.ownParameters();
      assertThat(Tensors.toFloats(state.get("weight_ih_l0")))
          .containsExactly(1, 2, 4, 5, 7, 8, 10, 11);
      assertThat(Tensors.toFloats(state.get("weight_hh_l0"))).containsExactly(3, 6, 9, 12);
      assertThatThrownBy(() -> weight.assign(Tensors.of(new float[] {1, 2}, 2)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("[4, 3]");
    }
  }

  @Test
  void masksAttentionAfterQuantizing() {
    try (MultiheadAttention plain = MultiheadAttention.builder(4, 2).batchFirst(true).build();
        QuantMultiheadAttention layer = QuantMultiheadAttention.from(plain);
        Scope scope = Scope.open()) {
      layer.eval();
      Tensor x = torch.randn(1, 2, 4);
      Tensor later = Tensors.of(new float[] {0, Float.NEGATIVE_INFINITY, 0, 0}, 2, 2);
      Tensor weights = layer.run(x, x, x, new AttentionMasks(null, later)).weights();
      float[] values = Tensors.toFloats(weights);
      assertThat(values[0]).isEqualTo(1);
      assertThat(values[1]).isZero();
    }
  }

  @Test
  void namesTheLayerThatHasTooManyInputs() {
    try (Module add = QuantAdd.of();
        Scope scope = Scope.open()) {
      Tensor x = Tensors.scalar(1);
      assertThatThrownBy(() -> add.call(x, x, x))
          .hasMessageContaining("QuantAdd")
          .hasMessageContaining("2 inputs, not 3");
    }
  }

  @Test
  void keepsParametersAliveUntilTheLastOwnerCloses() {
    Conv2d plain;
    QuantConv2d first;
    QuantConv2d second;
    try (Scope scope = Scope.open()) {
      plain = Conv2d.builder(1, 1, 1).build();
      first = QuantConv2d.from(plain);
      second = QuantConv2d.from(first);
    }
    plain.close();
    first.close();
    try (Scope scope = Scope.open()) {
      assertThat(second.call(torch.ones(1, 1, 2, 2)).defined()).isTrue();
    }
    Tensor weight = second.weight();
    second.close();
    assertThat(weight.isNull()).isTrue();
  }
}
