package dev.octet.workflows.pytorch.quantized;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.BatchNorm1d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv1d;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.ConvTranspose1d;
import dev.octet.torch.nn.ConvTranspose2d;
import dev.octet.torch.nn.ConvTranspose3d;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.EmbeddingBag;
import dev.octet.torch.nn.GRU;
import dev.octet.torch.nn.GRUCell;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.LSTMCell;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.LstmOutput;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.ModuleException;
import dev.octet.torch.nn.PackedSequence;
import dev.octet.torch.nn.PackedSequences;
import dev.octet.torch.nn.RNN;
import dev.octet.torch.nn.RNNCell;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.nn.TransformerEncoderLayer;
import dev.octet.torch.op.EmbeddingOps;
import dev.octet.torch.op.Ops;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

final class DynamicTest {
  private static final DynamicSpec.Settings INT8 = DynamicSpec.Settings.of(WeightFormat.INT8);

  /** A language model in small. */
  private static final class Words extends Module {
    private final Child<Embedding> table = child("table", Embedding.builder(20, 6).build());
    private final Child<LSTM> lstm =
        child("lstm", LSTM.builder(6, 5).numLayers(2).batchFirst(true).bidirectional(true).build());
    private final Child<GRU> gru = child("gru", GRU.builder(10, 4).batchFirst(true).build());
    private final Child<Linear> head = child("head", Linear.builder(4, 3).build());
    private final Child<Conv1d> extra = child("extra", Conv1d.builder(4, 4, 1).build());

    @Override
    protected Tensor forward(Tensor indices) {
      LstmOutput<Tensor> made = lstm.get().run(table.call(indices), null);
      Tensor turned = Ops.transpose(gru.call(made.output()), 1, 2);
      return head.call(Ops.transpose(extra.call(turned), 1, 2));
    }
  }

  @BeforeEach
  void seed() {
    Torch.seed(3);
  }

  private static double error(Tensor a, Tensor b) {
    assertThat(Tensors.shape(a)).isEqualTo(Tensors.shape(b));
    return a.sub(b).abs().max().item_double() / b.abs().max().item_double();
  }

  @Test
  void everyFormOfALinearLayerIsCloseToIt() {
    try (Scope scope = Scope.open();
        Linear layer = Linear.builder(32, 8).build()) {
      Tensor x = torch.randn(3, 5, 32);
      Tensor exact = layer.call(x);
      double coarse = error(through(layer, INT8, x), exact);
      assertThat(coarse).isLessThan(0.03);
      assertThat(error(through(layer, DynamicSpec.Settings.pytorch(), x), exact)).isLessThan(0.05);
      assertThat(error(through(layer, DynamicSpec.Settings.perChannelPerToken(), x), exact))
          .isLessThan(0.03);
      assertThat(error(through(layer, DynamicSpec.Settings.of(WeightFormat.FLOAT16), x), exact))
          .isLessThan(1e-3);
    }
  }

  private static Tensor through(Linear layer, DynamicSpec.Settings settings, Tensor x) {
    try (Module made = QuantizedModules.dynamic(layer, settings, false)) {
      return made.call(x);
    }
  }

  @Test
  void perTokenARowDoesNotDependOnItsNeighbours() {
    try (Scope scope = Scope.open();
        Linear layer = Linear.builder(32, 8).build();
        Module tensor = QuantizedModules.dynamic(layer, INT8, false);
        Module token =
            QuantizedModules.dynamic(layer, DynamicSpec.Settings.perChannelPerToken(), false)) {
      Tensor row = torch.randn(1, 32);
      Tensor outlier = torch.randn(1, 32).mul(new Scalar(50.0));
      Tensor both = torch.cat(new org.bytedeco.pytorch.TensorVector(row, outlier), 0);
      assertThat(Tensors.toFloats(token.call(both).select(0, 0)))
          .isEqualTo(Tensors.toFloats(token.call(row).select(0, 0)));
      assertThat(Tensors.toFloats(tensor.call(both).select(0, 0)))
          .isNotEqualTo(Tensors.toFloats(tensor.call(row).select(0, 0)));
      // Zeros alone stay what the bias makes of them.
      Tensor zeros = torch.zeros(2, 32);
      assertThat(error(token.call(zeros), layer.call(zeros))).isLessThan(1e-6);
      assertThat(error(tensor.call(zeros), layer.call(zeros))).isLessThan(1e-6);
    }
  }

  @Test
  void recurrentLayersKeepTheirStatesAndTakePackedSequences() {
    try (Scope scope = Scope.open();
        LSTM lstm = LSTM.builder(6, 5).numLayers(2).bidirectional(true).build();
        GRU gru = GRU.builder(6, 5).build();
        LSTM quantized = (LSTM) QuantizedModules.dynamic(lstm, INT8, false);
        GRU small = (GRU) QuantizedModules.dynamic(gru, INT8, false)) {
      Tensor x = torch.randn(7, 3, 6);
      LstmOutput<Tensor> exact = lstm.run(x, null);
      LstmOutput<Tensor> made = quantized.run(x, null);
      assertThat(error(made.output(), exact.output())).isLessThan(0.05);
      assertThat(error(made.cell(), exact.cell())).isLessThan(0.05);
      Tensor h = torch.randn(1, 3, 5);
      assertThat(error(small.run(x, h).output(), gru.run(x, h).output())).isLessThan(0.05);
      PackedSequence packed =
          PackedSequences.pack(torch.randn(4, 3, 6), new long[] {4, 1, 2}, false, false);
      assertThat(
              error(
                  quantized.run(packed, null).output().data(),
                  lstm.run(packed, null).output().data()))
          .isLessThan(0.05);
      assertThat(quantized.parameters()).isEmpty();
      assertThatThrownBy(() -> quantized.call(torch.randn(7, 3, 4)))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("input_size");
      assertThatThrownBy(() -> quantized.weights(0, false))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void cellsAreCloseToTheirs() {
    try (Scope scope = Scope.open();
        LSTMCell lstm = LSTMCell.builder(6, 5).build();
        GRUCell gru = GRUCell.builder(6, 5).bias(false).build();
        RNNCell rnn = RNNCell.builder(6, 5).nonlinearity(RNN.Nonlinearity.RELU).build();
        Module a = QuantizedModules.dynamic(lstm, INT8, false);
        Module b = QuantizedModules.dynamic(gru, INT8, false);
        Module c = QuantizedModules.dynamic(rnn, INT8, false)) {
      Tensor x = torch.randn(3, 6);
      assertThat(error(a.call(x), lstm.call(x))).isLessThan(0.05);
      assertThat(error(b.call(x), gru.call(x))).isLessThan(0.05);
      assertThat(error(c.call(x), rnn.call(x))).isLessThan(0.05);
      Tensor h = torch.randn(3, 5);
      assertThat(error(b.call(x, h), gru.call(x, h))).isLessThan(0.05);
      assertThat(b.toString()).isEqualTo("DynamicGRUCell(6, 5, bias=False)");
      assertThatThrownBy(((LSTMCell) a)::weights).isInstanceOf(IllegalStateException.class);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"UINT8", "UINT4"})
  void tablesHoldRowsInFewBits(WeightFormat format) {
    double tolerance = format == WeightFormat.UINT8 ? 0.005 : 0.1;
    try (Scope scope = Scope.open();
        Embedding table = Embedding.builder(9, 7).build();
        QuantizedEmbedding made =
            (QuantizedEmbedding)
                QuantizedModules.dynamic(table, DynamicSpec.Settings.of(format), false)) {
      Tensor indices = Tensors.of(new long[] {0, 8, 3, 3, 1, 2}, 2, 3);
      assertThat(error(made.call(indices), table.call(indices))).isLessThan(tolerance);
      Tensor other = Tensors.of(new long[] {5}, 1);
      assertThat(Tensors.toFloats(made.call(other)))
          .isEqualTo(java.util.Arrays.copyOfRange(made.weight().toFloats(), 5 * 7, 6 * 7));
      assertThat(made.weight().shape()).containsExactly(9, 7);
      assertThat(made.stateDict().get("weight").size(1))
          .isEqualTo(format == WeightFormat.UINT4 ? 4 : 7);
      for (long bad : new long[] {-1, 9, Long.MAX_VALUE}) {
        Tensor wrong = Tensors.of(new long[] {bad}, 1);
        assertThatThrownBy(() -> made.call(wrong))
            .isInstanceOf(ModuleException.class)
            .hasMessageContaining("out of range");
      }
      assertThatThrownBy(() -> made.call(torch.randn(2)))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("Long or Int");
    }
  }

  static Stream<Arguments> convolutions() {
    return Stream.of(
        arguments((Supplier<ConvNd>) () -> Conv1d.builder(4, 6, 3).padding(1).build(), "9"),
        arguments(
            (Supplier<ConvNd>)
                () -> Conv2d.builder(4, 6, 3).stride(2).groups(2).bias(false).build(),
            "9 8"),
        arguments(
            (Supplier<ConvNd>)
                () -> Conv2d.builder(4, 6, 3).padding(1).paddingMode(Ops.Padding.REFLECT).build(),
            "9 8"),
        arguments((Supplier<ConvNd>) () -> Conv3d.builder(4, 6, 2).build(), "5 4 3"),
        arguments((Supplier<ConvNd>) () -> ConvTranspose1d.builder(4, 6, 3).build(), "9"),
        arguments(
            (Supplier<ConvNd>) () -> ConvTranspose2d.builder(4, 6, 3).stride(2).build(), "5 4"),
        arguments((Supplier<ConvNd>) () -> ConvTranspose3d.builder(4, 6, 2).build(), "3 4 3"));
  }

  @ParameterizedTest
  @MethodSource("convolutions")
  void aConvolutionQuantizesItsInputInEachCall(
      Supplier<ConvNd> make, String sizes, @TempDir Path folder) {
    String[] spatial = sizes.split(" ", -1);
    long[] shape = new long[spatial.length + 2];
    shape[0] = 3;
    shape[1] = 4;
    for (int i = 0; i < spatial.length; i++) {
      shape[i + 2] = Long.parseLong(spatial[i]);
    }
    for (DynamicSpec.Settings settings :
        List.of(
            INT8,
            DynamicSpec.Settings.pytorch(),
            new DynamicSpec.Settings(WeightFormat.INT8, true, false, false))) {
      try (Scope scope = Scope.open();
          Module net = new Sequential(make.get());
          Module fresh = new Sequential(make.get())) {
        net.eval();
        Tensor x = torch.randn(shape);
        Tensor exact = net.call(x);
        Class<? extends Module> type = net.get("0").getClass();
        // Off unless asked for.
        assertThat(QuantizedModules.quantizeDynamic(net, DynamicSpec.of(settings)).quantized())
            .isEmpty();
        ConversionReport report =
            QuantizedModules.quantizeDynamic(net, DynamicSpec.empty().type(type, settings));
        assertThat(report.leftFloat()).isEmpty();
        assertThat(net.get("0").toString()).contains("dynamic=True");
        Tensor made = net.call(x);
        assertThat(error(made, exact)).isLessThan(settings.reduceRange() ? 0.04 : 0.03);
        try (EngineModel fast = EngineModel.compile(net, x)) {
          assertThat(error(fast.run(x), made)).isLessThan(1e-5);
          boolean transposed = ((QuantizedConv) net.get("0")).convSettings().transposed();
          assertThat(fast.graph().graph().nodes())
              .anyMatch(node -> node.is(transposed ? "ConvTranspose" : "ConvInteger"));
        }
        QuantizedModules.save(net, folder.resolve("conv.safetensors"));
        QuantizedModules.load(fresh, folder.resolve("conv.safetensors"));
        assertThat(error(fresh.call(x), made)).isZero();
        assertThatThrownBy(
                () ->
                    QuantizedModules.dynamic(
                        make.get(), DynamicSpec.Settings.perChannelPerToken(), false))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("no rows");
      }
    }
  }

  @Test
  void bagsHoldRowsOfTwoBits(@TempDir Path folder) {
    DynamicSpec spec = DynamicSpec.of(WeightFormat.UINT2);
    try (Scope scope = Scope.open();
        Module net = new Sequential(EmbeddingBag.builder(9, 7).build());
        Module fresh = new Sequential(EmbeddingBag.builder(9, 7).build())) {
      Tensor indices = Tensors.of(new long[] {0, 8, 3, 3, 1, 2}, 2, 3);
      Tensor exact = net.call(indices);
      QuantizedModules.quantizeDynamic(net, spec);
      QuantizedEmbeddingBag bag = (QuantizedEmbeddingBag) net.get("0");
      assertThat(bag.stateDict().get("weight").size(1)).isEqualTo(2);
      assertThat(bag.quantizedWeight().dtype()).isEqualTo(Dtype.QUINT2X4);
      assertThat(bag.quantizedWeight().toInts()).contains(0, 3).hasSize(63);
      Tensor made = net.call(indices);
      assertThat(error(made, exact)).isLessThan(0.5);
      float[] rows = bag.quantizedWeight().toFloats();
      Tensor one = Tensors.of(new long[] {5}, 1, 1);
      assertThat(Tensors.toFloats(net.call(one)))
          .isEqualTo(java.util.Arrays.copyOfRange(rows, 5 * 7, 6 * 7));
      QuantizedModules.save(net, folder.resolve("bag.safetensors"));
      QuantizedModules.load(fresh, folder.resolve("bag.safetensors"));
      assertThat(error(fresh.call(indices), made)).isZero();
      QuantizedTensor.save(
          folder.resolve("table.safetensors"), java.util.Map.of("table", bag.quantizedWeight()));
      assertThat(QuantizedTensor.load(folder.resolve("table.safetensors")).get("table").toInts())
          .isEqualTo(bag.quantizedWeight().toInts());
      assertThatThrownBy(
              () ->
                  DynamicSpec.empty()
                      .type(Embedding.class, DynamicSpec.Settings.of(WeightFormat.UINT2)))
          .hasMessageContaining("choose [UINT8, UINT4]");
    }
  }

  @ParameterizedTest
  @EnumSource(EmbeddingOps.Reduction.class)
  void bagsOfEveryKindAreCloseToTheirs(EmbeddingOps.Reduction mode) {
    try (Scope scope = Scope.open();
        EmbeddingBag bag = EmbeddingBag.builder(9, 6).mode(mode).paddingIdx(2).build();
        EmbeddingBag made =
            (EmbeddingBag)
                QuantizedModules.dynamic(bag, DynamicSpec.Settings.of(WeightFormat.UINT8), false)) {
      Tensor even = Tensors.of(new long[] {0, 8, 2, 3, 2, 2}, 2, 3);
      assertThat(error(made.call(even), bag.call(even))).isLessThan(0.01);
      Tensor flat = Tensors.of(new long[] {0, 8, 2, 3, 2, 5}, 6);
      Tensor offsets = Tensors.of(new long[] {0, 2, 2, 4}, 4);
      assertThat(error(made.call(flat, offsets), bag.call(flat, offsets))).isLessThan(0.01);
      if (mode == EmbeddingOps.Reduction.SUM) {
        Tensor weights = torch.rand(2, 3);
        assertThat(error(made.run(even, null, weights), bag.run(even, null, weights)))
            .isLessThan(0.01);
        assertThat(
                error(
                    made.run(flat, offsets, weights.reshape(6)),
                    bag.run(flat, offsets, weights.reshape(6))))
            .isLessThan(0.01);
      } else {
        assertThatThrownBy(() -> made.run(even, null, torch.rand(2, 3)))
            .isInstanceOf(ModuleException.class);
      }
      Tensor wrong = Tensors.of(new long[] {9}, 1, 1);
      assertThatThrownBy(() -> made.call(wrong)).isInstanceOf(ModuleException.class);
      assertThatThrownBy(() -> made.call(flat)).isInstanceOf(ModuleException.class);
      assertThatThrownBy(made::weight).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void aModelIsConvertedCompiledAndBroughtBack(@TempDir Path folder) {
    Path file = folder.resolve("words.safetensors");
    DynamicSpec spec =
        DynamicSpec.of(INT8)
            .type(Embedding.class, DynamicSpec.Settings.of(WeightFormat.UINT4))
            .name("head", DynamicSpec.Settings.perChannelPerToken());
    try (Scope scope = Scope.open();
        Words words = new Words();
        Words fresh = new Words()) {
      Tensor indices = Tensors.of(new long[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 4);
      Tensor exact = words.call(indices);
      ConversionReport report = QuantizedModules.quantizeDynamic(words, spec);
      assertThat(report.quantized())
          .extracting(ConversionReport.Line::path)
          .containsExactly("table", "lstm", "gru", "head");
      assertThat(report.leftFloat()).hasSize(1);
      assertThat(report.leftFloat().get(0).toString())
          .contains("extra")
          .contains("the spec does not name it");
      Tensor made = words.call(indices);
      assertThat(error(made, exact)).isLessThan(0.15);
      try (EngineModel fast = EngineModel.compile(words, indices)) {
        assertThat(error(fast.run(indices), made)).isLessThan(0.02);
        Tensor more = Tensors.of(new long[] {9, 8, 7, 6, 1, 1, 1, 1, 0, 19, 0, 19}, 3, 4);
        assertThat(error(fast.run(more), words.call(more))).isLessThan(0.02);
        assertThat(fast.graph().graph().nodes().stream().filter(n -> n.is("MatMulInteger")))
            .hasSize(4 + 4 * 4 + 1 + 4 + 1);
      }
      QuantizedModules.save(words, file);
      QuantizedModules.load(fresh, file);
      assertThat(fresh.tree()).isEqualTo(words.tree());
      assertThat(Tensors.toFloats(fresh.call(indices))).isEqualTo(Tensors.toFloats(made));
      ConversionReport again = QuantizedModules.quantizeDynamic(fresh, spec);
      assertThat(again.lines()).isEqualTo(report.lines());
    }
  }

  @Test
  void halfFloatsAreHalfTheSize(@TempDir Path folder) throws Exception {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(64, 64).build(), Activation.relu(), cell())) {
      Tensor x = torch.randn(2, 64);
      Tensor exact = model.call(x);
      Path floats = folder.resolve("f.safetensors");
      dev.octet.torch.models.ModelWeights.save(model, floats);
      QuantizedModules.quantizeDynamic(model, DynamicSpec.of(WeightFormat.FLOAT16));
      assertThat(error(model.call(x), exact)).isLessThan(2e-3);
      Path halves = folder.resolve("h.safetensors");
      QuantizedModules.save(model, halves);
      assertThat((double) java.nio.file.Files.size(halves))
          .isLessThan(0.6 * java.nio.file.Files.size(floats));
    }
  }

  private static Module cell() {
    return GRUCell.builder(64, 64).build();
  }

  @Test
  void aTransformerLayerIsConvertedProjectionsIncluded(@TempDir Path folder) {
    try (Scope scope = Scope.open();
        Module model =
            new Sequential(
                TransformerEncoderLayer.builder(16, 2)
                    .dimFeedforward(32)
                    .batchFirst(true)
                    .build())) {
      model.eval();
      Tensor x = torch.randn(2, 5, 16);
      Tensor exact = model.call(x);
      ConversionReport report =
          QuantizedModules.quantizeDynamic(model, DynamicSpec.of(WeightFormat.INT8));
      assertThat(report.quantized())
          .extracting(ConversionReport.Line::path)
          .containsExactly("0.self_attn", "0.linear1", "0.linear2");
      assertThat(report.leftFloat())
          .extracting(ConversionReport.Line::path)
          .containsExactly("0.norm1", "0.norm2");
      assertThat(error(model.call(x), exact)).isLessThan(0.05);
      Path file = folder.resolve("t.safetensors");
      QuantizedModules.save(model, file);
      try (Module fresh =
          new Sequential(
              TransformerEncoderLayer.builder(16, 2).dimFeedforward(32).batchFirst(true).build())) {
        QuantizedModules.load(fresh, file);
        assertThat(Tensors.toFloats(fresh.call(x))).isEqualTo(Tensors.toFloats(model.call(x)));
        QuantizedModules.load(fresh, file);
        assertThat(Tensors.toFloats(fresh.call(x))).isEqualTo(Tensors.toFloats(model.call(x)));
      }
      try (EngineModel fast = EngineModel.compile(model, x)) {
        assertThat(error(fast.run(x), exact)).isLessThan(0.05);
        // Queries, keys and values are of one input, which is quantized once.
        assertThat(fast.graph().graph().nodes().stream().filter(n -> n.is("MatMulInteger")))
            .hasSize(6);
        assertThat(fast.graph().graph().nodes().stream().filter(n -> n.is("DynamicQuantizeLinear")))
            .hasSize(4);
      }
    }
  }

  @Test
  void whatASpecCannotMeanIsAnErrorAndChangesNothing() {
    try (Scope scope = Scope.open();
        Words words = new Words()) {
      String before = words.tree();
      assertThatThrownBy(() -> DynamicSpec.empty().type(BatchNorm1d.class, INT8))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("BatchNorm1d has no dynamic form; there are [Linear, LSTM");
      assertThatThrownBy(() -> DynamicSpec.empty().type(Embedding.class, INT8))
          .hasMessageContaining("choose [UINT8, UINT4]");
      assertThatThrownBy(
              () ->
                  QuantizedModules.quantizeDynamic(
                      words, DynamicSpec.of(INT8).name("nothing", INT8)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no module 'nothing'");
      assertThatThrownBy(
              () ->
                  QuantizedModules.quantizeDynamic(
                      words,
                      DynamicSpec.empty()
                          .name("extra", DynamicSpec.Settings.of(WeightFormat.FLOAT16))))
          .hasMessageContaining("choose [INT8]");
      assertThatThrownBy(
              () ->
                  QuantizedModules.quantizeDynamic(words, DynamicSpec.empty().name("table", INT8)))
          .hasMessageContaining("UINT8");
      assertThat(words.tree()).isEqualTo(before);
      assertThatThrownBy(() -> new DynamicSpec.Settings(WeightFormat.INT8, false, true, true))
          .hasMessageContaining("reduced range");
      assertThatThrownBy(() -> new DynamicSpec.Settings(WeightFormat.UINT4, true, false, false))
          .hasMessageContaining("INT8");
      ConversionReport report =
          QuantizedModules.quantizeDynamic(
              words, DynamicSpec.of(INT8).name("lstm", null).type(GRU.class, null));
      assertThat(report.leftFloat().stream().map(ConversionReport.Line::toString))
          .anyMatch(line -> line.contains("keeps 'lstm' float"))
          .anyMatch(line -> line.contains("keeps GRU float"))
          .anyMatch(line -> line.contains("table") && line.contains("does not name it"));
    }
  }
}
