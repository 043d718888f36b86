package dev.octet.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import dev.octet.graph.Model;
import dev.octet.torch.graph.TorchGraph;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.AdaptiveAvgPool1d;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.AdaptiveAvgPool3d;
import dev.octet.torch.nn.AdaptiveMaxPool1d;
import dev.octet.torch.nn.AdaptiveMaxPool2d;
import dev.octet.torch.nn.AdaptiveMaxPool3d;
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
import dev.octet.torch.nn.Dropout;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.EmbeddingBag;
import dev.octet.torch.nn.Flatten;
import dev.octet.torch.nn.GRU;
import dev.octet.torch.nn.GRUCell;
import dev.octet.torch.nn.GroupNorm;
import dev.octet.torch.nn.InstanceNorm1d;
import dev.octet.torch.nn.InstanceNorm2d;
import dev.octet.torch.nn.InstanceNorm3d;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.LSTMCell;
import dev.octet.torch.nn.LayerNorm;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Losses;
import dev.octet.torch.nn.LstmState;
import dev.octet.torch.nn.MatMul;
import dev.octet.torch.nn.MaxPool1d;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.MaxPool3d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.ModuleException;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.nn.MultiheadAttention;
import dev.octet.torch.nn.PReLU;
import dev.octet.torch.nn.PackedSequence;
import dev.octet.torch.nn.PackedSequences;
import dev.octet.torch.nn.RNN;
import dev.octet.torch.nn.RNNCell;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.nn.TransformerEncoderLayer;
import dev.octet.torch.nn.Upsample;
import dev.octet.torch.op.Ops;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.quant.nn.QuantModules;
import dev.octet.torch.trace.Trace;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.ParameterGroup;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever a caller does wrong is an exception of Java's and never the end of the JVM. */
final class MisuseTest {
  /**
   * A layer and inputs that it takes, samples first.
   *
   * @param strict whether it takes one rank, number of features and type only
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  private record Layer(
      String name, Supplier<? extends Module> make, boolean strict, long[]... shapes) {
    Module build() {
      Module module = make.get();
      module.eval();
      return module;
    }

    Tensor[] inputs() {
      return Stream.of(shapes).map(torch::rand).toArray(Tensor[]::new);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static Layer strict(Supplier<? extends Module> make, long[]... shapes) {
    return named(make, true, shapes);
  }

  private static Layer free(Supplier<? extends Module> make, long[]... shapes) {
    return named(make, false, shapes);
  }

  private static Layer named(Supplier<? extends Module> make, boolean strict, long[]... shapes) {
    try (Module made = make.get()) {
      return new Layer(made.toString(), make, strict, shapes);
    }
  }

  private static long[] shape(long... sizes) {
    return sizes;
  }

  static Stream<Layer> floats() {
    long[] flat = shape(2, 4);
    long[] one = shape(2, 4, 6);
    long[] two = shape(2, 4, 6, 6);
    long[] three = shape(2, 4, 6, 6, 6);
    return Stream.of(
        strict(() -> Conv1d.builder(4, 3, 3).stride(2).build(), one),
        strict(() -> Conv2d.builder(4, 4, 3).groups(2).build(), two),
        strict(() -> Conv3d.builder(4, 3, 2).bias(false).build(), three),
        strict(() -> ConvTranspose1d.builder(4, 3, 3).build(), one),
        strict(() -> ConvTranspose2d.builder(4, 4, 3).groups(2).build(), two),
        strict(() -> ConvTranspose3d.builder(4, 3, 2).build(), three),
        strict(() -> BatchNorm1d.builder(4).build(), one),
        strict(() -> BatchNorm2d.builder(4).build(), two),
        strict(() -> BatchNorm3d.builder(4).build(), three),
        strict(() -> InstanceNorm1d.builder(4).affine(true).build(), one),
        strict(() -> InstanceNorm2d.builder(4).affine(true).build(), two),
        strict(() -> InstanceNorm3d.builder(4).affine(true).build(), three),
        strict(() -> LSTM.builder(6, 3).batchFirst(true).build(), one),
        strict(() -> GRU.builder(6, 3).batchFirst(true).bidirectional(true).build(), one),
        strict(() -> RNN.builder(6, 3).batchFirst(true).build(), one),
        strict(() -> LSTMCell.builder(4, 3).build(), flat),
        strict(() -> GRUCell.builder(4, 3).build(), flat),
        strict(() -> RNNCell.builder(4, 3).build(), flat),
        strict(() -> MultiheadAttention.builder(6, 2).batchFirst(true).build(), one, one, one),
        strict(
            () -> TransformerEncoderLayer.builder(6, 2).dimFeedforward(8).batchFirst(true).build(),
            one),
        free(() -> Linear.builder(6, 5).build(), one),
        free(() -> LayerNorm.builder(6).build(), one),
        free(() -> GroupNorm.builder(2, 4).build(), two),
        free(() -> new PReLU(4, 0.25), two),
        free(() -> AvgPool1d.builder(2).build(), one),
        free(() -> AvgPool2d.builder(2).build(), two),
        free(() -> AvgPool3d.builder(2).build(), three),
        free(() -> MaxPool1d.builder(2).build(), one),
        free(() -> MaxPool2d.builder(2).build(), two),
        free(() -> MaxPool3d.builder(2).build(), three),
        free(() -> AdaptiveAvgPool1d.of(2), one),
        free(() -> AdaptiveAvgPool2d.of(2), two),
        free(() -> AdaptiveAvgPool3d.of(2), three),
        free(() -> AdaptiveMaxPool1d.of(2), one),
        free(() -> AdaptiveMaxPool2d.of(2), two),
        free(() -> AdaptiveMaxPool3d.of(2), three),
        free(() -> Upsample.builder().scaleFactor(2).nearest().build(), two),
        free(() -> Upsample.builder().scaleFactor(2).linear(false).build(), two),
        free(Activation::relu, two),
        free(Activation::gelu, two),
        free(Activation::hardswish, two),
        free(() -> Activation.softmax(1), two),
        free(() -> new Dropout(0.5), two),
        free(Flatten::new, two),
        free(Add::of, two, two),
        free(Mul::of, two, two),
        free(MatMul::of, two, two),
        free(() -> Concat.of(1), two, two));
  }

  static Stream<Layer> layers() {
    Stream<Layer> twins =
        floats()
            .filter(layer -> !layer.name().startsWith("Transformer"))
            .map(layer -> named(() -> quantized(layer.make()), layer.strict(), layer.shapes()))
            .filter(layer -> layer.name().startsWith("Quant"));
    Stream<Layer> others =
        Stream.of(
            named(MisuseTest::graph, true, shape(2, 4, 6, 6)),
            named(MisuseTest::calibrated, false, shape(2, 4, 6, 6)),
            named(
                () -> new TensorQuantizer(QuantDescriptor.int8Activation()),
                false,
                shape(2, 4, 6, 6)));
    return Stream.of(floats(), twins, others).flatMap(each -> each);
  }

  private static Module quantized(Supplier<? extends Module> make) {
    try (QuantModules scope =
        QuantModules.initialize(
            List.of(),
            List.of(
                QuantModules.twin(MaxPool1d.class),
                QuantModules.twin(MaxPool2d.class),
                QuantModules.twin(MaxPool3d.class),
                QuantModules.twin(BatchNorm1d.class),
                QuantModules.twin(BatchNorm2d.class),
                QuantModules.twin(BatchNorm3d.class),
                QuantModules.twin(InstanceNorm1d.class),
                QuantModules.twin(InstanceNorm2d.class),
                QuantModules.twin(InstanceNorm3d.class)))) {
      return make.get();
    }
  }

  private static Module graph() {
    try (Scope scope = Scope.open();
        Module net = new Sequential(Conv2d.builder(4, 4, 3).build(), Activation.relu())) {
      net.eval();
      Model model = Trace.of(net).graph(torch.rand(2, 4, 6, 6));
      return TorchGraph.of(model);
    }
  }

  private static Module calibrated() {
    TensorQuantizer quantizer = new TensorQuantizer(QuantDescriptor.int8Activation());
    quantizer.setRanges(List.of(Range.symmetric(1)));
    return quantizer;
  }

  // --- Inputs ----------------------------------------------------------------------------------

  /** Calls a module with one of its inputs replaced after another. */
  private static void withEach(
      Layer layer, Supplier<? extends Tensor> wrong, BiConsumer<Module, Tensor[]> expected) {
    try (Module module = layer.build();
        Scope scope = Scope.open()) {
      for (int i = 0; i < layer.shapes().length; i++) {
        Tensor[] inputs = layer.inputs();
        inputs[i] = wrong.get();
        expected.accept(module, inputs);
      }
    }
  }

  private static void refuses(Module module, Tensor[] inputs) {
    assertThatThrownBy(() -> module.call(inputs))
        .isInstanceOf(ModuleException.class)
        .satisfies(refused -> checkMessage(module, refused));
  }

  /** One line that names the module, or the part of it that refused by its path. */
  private static void checkMessage(Module module, Throwable refused) {
    assertThat(refused.getMessage())
        .matches("('[\\w.]+', \\w+|" + name(module) + ")\\(.* cannot compute on .*");
  }

  private static String name(Module module) {
    String text = module.toString();
    return text.substring(0, text.indexOf('('));
  }

  /** Computes something, or says why not. */
  private static void answers(Module module, Tensor[] inputs) {
    Tensor output;
    try {
      output = module.call(inputs);
    } catch (ModuleException e) {
      checkMessage(module, e);
      return;
    }
    assertThat(Tensors.toHost(output).shape()).isEqualTo(Tensors.shape(output));
  }

  private static void refusesIfStrict(Layer layer, Module module, Tensor[] inputs) {
    if (layer.strict()) {
      refuses(module, inputs);
    } else {
      answers(module, inputs);
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void takesWhatTheOtherTestsTakeForRight(Layer layer) {
    try (Module module = layer.build();
        Scope scope = Scope.open()) {
      assertThat(Tensors.toFloats(module.call(layer.inputs()))).isNotEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void refusesNull(Layer layer) {
    withEach(layer, () -> null, MisuseTest::refuses);
    try (Module module = layer.build()) {
      assertThatThrownBy(() -> module.call((Tensor[]) null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("null in place of its inputs");
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void refusesClosedTensors(Layer layer) {
    withEach(
        layer,
        () -> {
          try (Scope gone = Scope.open()) {
            return torch.rand(layer.shapes()[0]);
          }
        },
        MisuseTest::refuses);
    withEach(layer, Tensor::new, MisuseTest::refuses);
  }

  @ParameterizedTest
  @MethodSource("layers")
  void refusesAnotherNumberOfInputs(Layer layer) {
    try (Module module = layer.build();
        Scope scope = Scope.open()) {
      refuses(module, new Tensor[0]);
      if (!(module instanceof Concat)) {
        Tensor[] inputs = layer.inputs();
        Tensor[] more = Arrays.copyOf(inputs, inputs.length + 1);
        more[inputs.length] = inputs[0];
        refuses(module, more);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void refusesOtherRanks(Layer layer) {
    for (int rank : new int[] {0, 1, 7}) {
      long[] wrong = new long[rank];
      Arrays.fill(wrong, 2);
      withEach(
          layer,
          () -> torch.rand(wrong),
          (module, inputs) -> refusesIfStrict(layer, module, inputs));
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void refusesOtherNumbersOfFeatures(Layer layer) {
    long[] wrong = layer.shapes()[0].clone();
    IntStream.range(1, wrong.length).forEach(i -> wrong[i]++);
    withEach(
        layer, () -> torch.rand(wrong), (module, inputs) -> refusesIfStrict(layer, module, inputs));
    long[] tiny = layer.shapes()[0].clone();
    Arrays.fill(tiny, 1);
    withEach(layer, () -> torch.rand(tiny), MisuseTest::answers);
  }

  @ParameterizedTest
  @MethodSource("layers")
  void refusesOtherTypes(Layer layer) {
    for (ScalarType type :
        List.of(
            ScalarType.Double,
            ScalarType.Half,
            ScalarType.BFloat16,
            ScalarType.Long,
            ScalarType.Bool,
            ScalarType.ComplexFloat)) {
      withEach(
          layer,
          () -> torch.ones(layer.shapes()[0]).to(type),
          (module, inputs) -> {
            if (layer.strict()) {
              refuses(module, inputs);
            } else {
              answersOrGivesComplex(module, inputs);
            }
          });
    }
  }

  /** Complex numbers have no form on the host to look at. */
  private static void answersOrGivesComplex(Module module, Tensor[] inputs) {
    if (Stream.of(inputs).anyMatch(input -> Tensors.type(input) == ScalarType.ComplexFloat)) {
      try {
        assertThat(module.call(inputs).numel()).isPositive();
      } catch (ModuleException e) {
        checkMessage(module, e);
      }
    } else {
      answers(module, inputs);
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void givesNoSamplesForNoneOrSaysWhyNot(Layer layer) {
    for (int axis = 0; axis < layer.shapes()[0].length; axis++) {
      int empty = axis;
      try (Module module = layer.build();
          Scope scope = Scope.open()) {
        Tensor[] inputs =
            Stream.of(layer.shapes())
                .map(
                    sizes -> {
                      long[] none = sizes.clone();
                      none[empty] = 0;
                      return torch.rand(none);
                    })
                .toArray(Tensor[]::new);
        try {
          Tensor output = module.call(inputs);
          assertThat(output.size(0)).isEqualTo(empty == 0 ? 0 : 2);
          assertThat(Tensors.toFloats(output)).hasSize((int) output.numel());
        } catch (ModuleException e) {
          checkMessage(module, e);
        }
        for (int i = 0; i < inputs.length && inputs.length > 1; i++) {
          Tensor[] mixed = layer.inputs();
          mixed[i] = inputs[i];
          answers(module, mixed);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void takesViewsAndNumbersThatAreNone(Layer layer) {
    try (Module module = layer.build();
        Scope scope = Scope.open()) {
      Tensor[] views =
          Stream.of(layer.shapes())
              .map(sizes -> torch.rand(1).expand(sizes))
              .toArray(Tensor[]::new);
      assertThat(Tensors.toFloats(module.call(views))).isNotEmpty();
      for (double value : new double[] {Double.NaN, Double.POSITIVE_INFINITY, 1e38}) {
        Tensor[] strange =
            Stream.of(layer.shapes())
                .map(sizes -> Ops.add(torch.zeros(sizes), value))
                .toArray(Tensor[]::new);
        answers(module, strange);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void refusesToComputeOnceClosed(Layer layer) {
    try (Scope scope = Scope.open()) {
      Module module = layer.build();
      module.close();
      module.close();
      assertThatThrownBy(() -> module.call(layer.inputs()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage(module.getClass().getSimpleName() + " is closed");
      assertThat(module.toString()).isNotEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void aClosedPartOfAModelIsNamed(Layer layer) {
    try (Module part = layer.build();
        Sequential model = new Sequential(part);
        Scope scope = Scope.open()) {
      part.close();
      assertThatThrownBy(() -> model.call(torch.rand(layer.shapes()[0])))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("Sequential")
          .hasMessageContaining(part.getClass().getSimpleName() + " is closed");
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  @SuppressWarnings("ReferenceEquality") // The same handle is meant.
  void keepsAnInputThatIsClosedInTheMiddle(Layer layer) {
    try (Module part = layer.build();
        Scope scope = Scope.open()) {
      Tensor[] inputs = layer.inputs();
      try (Module.Hook hook =
          part.beforeForward(
              (module, given) -> {
                for (Tensor input : given) {
                  input.close();
                }
                return given;
              })) {
        Tensor output = part.call(inputs);
        // What hands its input on hands on what is closed.
        assertThat(output == inputs[0] || Tensors.toFloats(output).length > 0).isTrue();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void refusesWeightsOfAnotherType(Layer layer) {
    try (Module module = layer.build();
        Scope scope = Scope.open()) {
      if (layer.strict() && !(module instanceof TorchGraph)) {
        module.parameters().values().forEach(weight -> weight.set_data(weight.to(ScalarType.Half)));
        if (!module.parameters().isEmpty()) {
          refuses(module, layer.inputs());
        }
      }
    }
  }

  // --- What is not a float ---------------------------------------------------------------------

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void refusesIndicesOutOfRange(boolean quantized) {
    Supplier<Module> make = () -> Embedding.builder(5, 3).build();
    try (Module embedding = quantized ? quantizedEmbedding(make) : make.get();
        EmbeddingBag bag = EmbeddingBag.builder(5, 3).build();
        Scope scope = Scope.open()) {
      for (Module module : List.of(embedding, bag)) {
        for (long wrong : new long[] {-1, 5, Long.MAX_VALUE, Long.MIN_VALUE}) {
          refuses(module, new Tensor[] {Tensors.of(new long[] {0, wrong}, 1, 2)});
        }
        refuses(module, new Tensor[] {torch.rand(1, 2)});
        refuses(module, new Tensor[0]);
        answers(module, new Tensor[] {Tensors.of(new long[0], 0, 2)});
        answers(module, new Tensor[] {Tensors.of(new long[0], 2, 0)});
        answers(module, new Tensor[] {Tensors.of(new long[1])});
      }
      Tensor indices = Tensors.of(new long[] {0, 1, 2}, 3);
      for (long[] offsets :
          new long[][] {{0, -1}, {1, 2}, {0, 2, 1}, {0, 4}, {0, Long.MAX_VALUE}}) {
        assertThatThrownBy(() -> bag.run(indices, Tensors.of(offsets, offsets.length), null))
            .as(Arrays.toString(offsets))
            .isInstanceOf(ModuleException.class);
      }
      assertThatThrownBy(() -> bag.run(indices, Tensors.of(new long[] {0}, 1), torch.rand(2)))
          .isInstanceOf(ModuleException.class);
      assertThatThrownBy(() -> bag.run(null, null, null)).isInstanceOf(RuntimeException.class);
    }
  }

  private static Module quantizedEmbedding(Supplier<Module> make) {
    try (QuantModules scope =
        QuantModules.initialize(List.of(), List.of(QuantModules.twin(Embedding.class)))) {
      return make.get();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void refusesStatesAndMasksThatDoNotFit(boolean quantized) {
    try (LSTM lstm = (LSTM) build(quantized, () -> LSTM.builder(6, 3).build());
        GRU gru = (GRU) build(quantized, () -> GRU.builder(6, 3).build());
        LSTMCell cell = (LSTMCell) build(quantized, () -> LSTMCell.builder(6, 3).build());
        MultiheadAttention attention =
            (MultiheadAttention) build(quantized, () -> MultiheadAttention.builder(6, 2).build());
        Scope scope = Scope.open()) {
      Tensor closed;
      try (Scope gone = Scope.open()) {
        closed = torch.rand(1, 2, 3);
      }
      Tensor input = torch.rand(4, 2, 6);
      Tensor right = torch.rand(1, 2, 3);
      for (Tensor wrong :
          new Tensor[] {
            torch.rand(1, 3, 3),
            torch.rand(2, 2, 3),
            torch.rand(1, 2, 4),
            torch.rand(3),
            torch.rand(1, 0, 3),
            torch.ones(1, 2, 3).to(ScalarType.Double),
            torch.ones(1, 2, 3).to(ScalarType.Long),
            new Tensor(),
            closed
          }) {
        assertThatThrownBy(() -> lstm.run(input, new LstmState(wrong, right)))
            .isInstanceOf(ModuleException.class);
        assertThatThrownBy(() -> lstm.run(input, new LstmState(right, wrong)))
            .isInstanceOf(ModuleException.class);
        assertThatThrownBy(() -> gru.run(input, wrong)).isInstanceOf(ModuleException.class);
        assertThatThrownBy(() -> cell.run(torch.rand(2, 6), new LstmState(torch.rand(2, 3), wrong)))
            .isInstanceOf(ModuleException.class);
        assertThatThrownBy(
                () -> attention.run(input, input, input, new AttentionMasks(wrong, null)))
            .isInstanceOf(ModuleException.class);
        assertThatThrownBy(
                () -> attention.run(input, input, input, new AttentionMasks(null, wrong)))
            .isInstanceOf(ModuleException.class);
      }
      PackedSequence packed = PackedSequences.pack(input, new long[] {4, 2}, false, true);
      assertThatThrownBy(() -> lstm.run(packed.with(torch.rand(3, 6)), null))
          .isInstanceOf(RuntimeException.class);
      assertThatThrownBy(() -> lstm.run(packed.with(torch.rand(6, 5)), null))
          .isInstanceOf(ModuleException.class);
      assertThatThrownBy(() -> PackedSequences.pack(input, new long[] {5, 2}, false, true))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> PackedSequences.pack(closed, new long[] {5, 2}, false, true))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static Module build(boolean quantized, Supplier<Module> make) {
    return quantized ? quantized(make) : make.get();
  }

  @Test
  void refusesLabelsThatAreNoClasses() {
    try (Scope scope = Scope.open()) {
      Tensor scores = torch.rand(2, 3);
      for (long label : new long[] {3, -1, Long.MAX_VALUE, Long.MIN_VALUE}) {
        assertThatThrownBy(() -> Losses.crossEntropy(scores, Tensors.of(new long[] {0, label}, 2)))
            .isInstanceOf(RuntimeException.class);
        assertThatThrownBy(
                () -> Losses.nll(Ops.logSoftmax(scores, 1), Tensors.of(new long[] {0, label}, 2)))
            .isInstanceOf(RuntimeException.class);
      }
      assertThatThrownBy(() -> Losses.crossEntropy(scores, Tensors.of(new long[] {0}, 1)))
          .isInstanceOf(RuntimeException.class);
      assertThatThrownBy(() -> Losses.crossEntropy(scores, new Tensor()))
          .isInstanceOf(RuntimeException.class);
    }
  }

  // --- Operations ------------------------------------------------------------------------------

  private interface Operation {
    Object on(Tensor x);
  }

  static Stream<Named<Operation>> operations() {
    return Stream.of(
        Named.of("add", x -> Ops.add(x, x)),
        Named.of("add a number", x -> Ops.add(x, 1)),
        Named.of("div", x -> Ops.div(1, x)),
        Named.of("pow", x -> Ops.pow(x, 2)),
        Named.of("maximum", x -> Ops.maximum(x, x)),
        Named.of("clamp", x -> Ops.clamp(x, 0, 1)),
        Named.of("where", x -> Ops.where(x, x, x)),
        Named.of("maskedFill", x -> Ops.maskedFill(x, x, 0)),
        Named.of("to", x -> Ops.to(x, ScalarType.Half)),
        Named.of("relu", Ops::relu),
        Named.of("prelu", x -> Ops.prelu(x, x)),
        Named.of("softplus", x -> Ops.softplus(x, 1, 20)),
        Named.of("celu", x -> Ops.celu(x, 1)),
        Named.of("threshold", x -> Ops.threshold(x, 0, 1)),
        Named.of("softmax", x -> Ops.softmax(x, 0)),
        Named.of("dropout", x -> Ops.dropout(x, 0.5, true)),
        Named.of("matmul", x -> Ops.matmul(x, x)),
        Named.of("linear", x -> Ops.linear(x, x, x)),
        Named.of("mean", x -> Ops.mean(x, 0)),
        Named.of("amax", x -> Ops.amax(x, 0)),
        Named.of("argmax", x -> Ops.argmax(x, 0, false)),
        Named.of("reshape", x -> Ops.reshape(x, -1)),
        Named.of("flatten", x -> Ops.flatten(x, 0, -1)),
        Named.of("transpose", x -> Ops.transpose(x, 0, 1)),
        Named.of("permute", x -> Ops.permute(x, 1, 0)),
        Named.of("squeeze", x -> Ops.squeeze(x, 0)),
        Named.of("unsqueeze", x -> Ops.unsqueeze(x, 0)),
        Named.of("expand", x -> Ops.expand(x, 2, 2)),
        Named.of("cat", x -> Ops.cat(List.of(x, x), 0)),
        Named.of("stack", x -> Ops.stack(List.of(x, x), 0)),
        Named.of("split", x -> Ops.split(x, 1, 0)),
        Named.of("chunk", x -> Ops.chunk(x, 2, 0)),
        Named.of("slice", x -> Ops.slice(x, 0, 0, 1)),
        Named.of("select", x -> Ops.select(x, 0, 0)),
        Named.of("pad", x -> Ops.pad(x, 1, 1)),
        Named.of("constant to host", Tensors::toHost),
        Named.of("toFloats", Tensors::toFloats),
        Named.of("bytes", Tensors::bytes),
        Named.of("shape", Tensors::shape));
  }

  @ParameterizedTest
  @MethodSource("operations")
  void operationsRefuseClosedTensors(Operation operation) {
    try (Scope scope = Scope.open()) {
      Tensor closed;
      try (Scope gone = Scope.open()) {
        closed = torch.rand(2, 2);
      }
      assertThatThrownBy(() -> operation.on(closed)).isInstanceOf(RuntimeException.class);
      assertThatThrownBy(() -> operation.on(null)).isInstanceOf(RuntimeException.class);
    }
  }

  @ParameterizedTest
  @MethodSource("operations")
  void operationsSurviveTensorsWithoutContentAndOfNoDimension(Operation operation) {
    try (Scope scope = Scope.open()) {
      for (Tensor x : new Tensor[] {new Tensor(), torch.rand(), torch.rand(0), torch.rand(0, 3)}) {
        try {
          assertThat(operation.on(x)).isNotNull();
        } catch (RuntimeException e) {
          assertThat(e).isNotNull();
        }
      }
    }
  }

  @Test
  void operationsRefuseDimensionsOutOfRange() {
    try (Scope scope = Scope.open()) {
      Tensor x = torch.rand(2, 3);
      for (int dim : new int[] {2, -3, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
        Stream.<Supplier<Object>>of(
                () -> Ops.softmax(x, dim),
                () -> Ops.mean(x, dim),
                () -> Ops.sum(x, dim),
                () -> Ops.amax(x, dim),
                () -> Ops.amin(x, dim),
                () -> Ops.argmax(x, dim, true),
                () -> Ops.flatten(x, dim, 1),
                () -> Ops.transpose(x, 0, dim),
                () -> Ops.permute(x, 0, dim),
                () -> Ops.squeeze(x, dim),
                () -> Ops.cat(List.of(x, x), dim),
                () -> Ops.split(x, 1, dim),
                () -> Ops.split(x, new long[] {1}, dim),
                () -> Ops.chunk(x, 1, dim),
                () -> Ops.slice(x, dim, 0, 1),
                () -> Ops.select(x, dim, 0))
            .forEach(each -> assertThatThrownBy(each::get).isInstanceOf(RuntimeException.class));
      }
      Stream.<Supplier<Object>>of(
              () -> Ops.select(x, 0, 2),
              () -> Ops.select(x, 0, Long.MIN_VALUE),
              () -> Ops.slice(x, 0, 0, 1, 0),
              () -> Ops.slice(x, 0, 0, 1, -1),
              () -> Ops.split(x, 0, 0),
              () -> Ops.split(x, new long[] {-1, 3}, 0),
              () -> Ops.split(x, new long[0], 0),
              () -> Ops.chunk(x, 0, 0),
              () -> Ops.chunk(x, -1, 0),
              () -> Ops.reshape(x, 4),
              () -> Ops.reshape(x, -1, -1),
              () -> Ops.reshape(x, Long.MAX_VALUE, Long.MAX_VALUE),
              () -> Ops.expand(x, 2),
              () -> Ops.expand(x, -2, 3),
              () -> Ops.pad(x, 1),
              () -> Ops.pad(x, -5, 0),
              () -> Ops.pad(x, Ops.Padding.REFLECT, 0, 9, 9),
              () -> Ops.full(0, -1),
              () -> Ops.full(0, Long.MAX_VALUE),
              () -> Ops.full(0, Long.MAX_VALUE, Long.MAX_VALUE),
              () -> Tensors.uninitialised(ScalarType.Float, Long.MAX_VALUE, 4),
              () -> Tensors.of(new float[1], -1, -1),
              () -> Ops.dropout(x, Double.NaN, true))
          .forEach(each -> assertThatThrownBy(each::get).isInstanceOf(RuntimeException.class));
    }
  }

  // --- Settings --------------------------------------------------------------------------------

  static Stream<Supplier<Object>> wrongSettings() {
    return Stream.of(
        () -> Linear.builder(0, 1).build(),
        () -> Linear.builder(1, -1).build(),
        () -> Conv2d.builder(0, 1, 3).build(),
        () -> Conv2d.builder(1, 1, 0).build(),
        () -> Conv2d.builder(1, 1, 3).stride(0).build(),
        () -> Conv2d.builder(1, 1, 3).dilation(-1).build(),
        () -> Conv2d.builder(1, 1, 3).padding(-1).build(),
        () -> Conv2d.builder(3, 4, 3).groups(2).build(),
        () -> Conv2d.builder(3, 4, 3).groups(0).build(),
        () -> Conv2d.builder(1, 1, 3, 3, 3).build(),
        () -> ConvTranspose2d.builder(1, 1, 3).outputPadding(-1).build(),
        () -> BatchNorm2d.builder(0).build(),
        () -> BatchNorm2d.builder(1).eps(Double.NaN).build(),
        () -> BatchNorm2d.builder(1).eps(-1).build(),
        () -> BatchNorm2d.builder(1).momentum(Double.NaN).build(),
        () -> BatchNorm2d.builder(1).momentum(-1.0).build(),
        () -> InstanceNorm2d.builder(-1).build(),
        () -> LayerNorm.builder().build(),
        () -> LayerNorm.builder(-1).build(),
        () -> LayerNorm.builder(1).eps(Double.NaN).build(),
        () -> GroupNorm.builder(0, 4).build(),
        () -> GroupNorm.builder(2, 4).eps(Double.NaN).build(),
        () -> GroupNorm.builder(3, 4).build(),
        () -> MaxPool2d.builder(0).build(),
        () -> MaxPool2d.builder(2).padding(2).build(),
        () -> MaxPool2d.builder(2).stride(-1).build(),
        () -> AvgPool2d.builder(2, 2, 2).build(),
        () -> AdaptiveAvgPool2d.of(-1),
        () -> LSTM.builder(0, 1).build(),
        () -> LSTM.builder(1, -1).build(),
        () -> LSTM.builder(1, 1).numLayers(0).build(),
        () -> LSTM.builder(1, 1).dropout(Double.NaN).build(),
        () -> LSTM.builder(1, 1).projSize(-1).build(),
        () -> GRU.builder(1, 1).dropout(2).build(),
        () -> GRUCell.builder(-1, 1).build(),
        () -> MultiheadAttention.builder(5, 2).build(),
        () -> MultiheadAttention.builder(4, 0).build(),
        () -> MultiheadAttention.builder(4, 2).dropout(Double.NaN).build(),
        () -> Embedding.builder(0, 1).build(),
        () -> Embedding.builder(1, 0).build(),
        () -> Embedding.builder(2, 2).paddingIdx(2).build(),
        () -> Embedding.builder(2, 2).maxNorm(Double.NaN).build(),
        () -> EmbeddingBag.builder(-1, 1).build(),
        () -> Upsample.builder().build(),
        () -> Upsample.builder().scaleFactor(-1).nearest().build(),
        () -> Upsample.builder().scaleFactor(Double.NaN).nearest().build(),
        () -> Upsample.builder().size(0).nearest().build(),
        () -> new Dropout(-0.1),
        () -> new Dropout(Double.NaN),
        () -> new PReLU(0, 0.25),
        () -> Activation.hardtanh(1, Double.NaN),
        () -> new TensorQuantizer(QuantDescriptor.int8Activation().toBuilder().bits(0).build()),
        () -> new TensorQuantizer(QuantDescriptor.int8Activation().toBuilder().bits(99).build()),
        () -> Optimizer.sgd(List.of(), 0, false),
        () -> Optimizer.adamW(List.of(), 0.9, 0.999));
  }

  @ParameterizedTest
  @MethodSource("wrongSettings")
  void refusesSettingsThatMeanNothing(Supplier<Object> build) {
    assertThatThrownBy(build::get).isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, -1})
  void refusesRangesThatAreNone(float amax) {
    try (TensorQuantizer quantizer = new TensorQuantizer(QuantDescriptor.int8Activation());
        Scope scope = Scope.open()) {
      assertThatThrownBy(() -> quantizer.amax(amax)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> quantizer.scaleAmax(amax))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(quantizer.hasRange()).isFalse();
      assertThatThrownBy(() -> quantizer.amax(new Tensor()))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> quantizer.preQuantScale(new Tensor()))
          .isInstanceOf(RuntimeException.class);
      assertThatThrownBy(quantizer::loadCalibAmax).isInstanceOf(RuntimeException.class);
    }
  }

  // --- Training --------------------------------------------------------------------------------

  private enum Kind {
    SGD,
    ADAM;

    Optimizer over(List<Tensor> parameters) {
      List<ParameterGroup> groups = List.of(ParameterGroup.of(parameters, 0.1, 0));
      return this == SGD ? Optimizer.sgd(groups, 0.9, false) : Optimizer.adamW(groups, 0.9, 0.99);
    }
  }

  @ParameterizedTest
  @EnumSource
  void anOptimizerSurvivesItsParameters(Kind kind) {
    Linear layer = Linear.builder(2, 2).build();
    try (Scope scope = Scope.open()) {
      List<Tensor> parameters = List.copyOf(layer.parameters().values());
      layer.call(torch.rand(1, 2)).sum().backward();
      try (Optimizer optimizer = kind.over(parameters)) {
        layer.close();
        optimizer.step();
        optimizer.zeroGrad();
        assertThatThrownBy(() -> optimizer.clipGradients(1))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("a parameter is closed");
        assertThatThrownBy(() -> optimizer.clipGradients(Double.NaN))
            .isInstanceOf(IllegalArgumentException.class);
      }
      assertThatThrownBy(() -> kind.over(parameters))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("a parameter is closed");
      assertThatThrownBy(() -> kind.over(List.of(new Tensor())))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aClosedOptimizerSaysSo(Kind kind) {
    try (Linear layer = Linear.builder(2, 2).build()) {
      Optimizer optimizer = kind.over(List.copyOf(layer.parameters().values()));
      optimizer.close();
      optimizer.close();
      for (Runnable use :
          List.<Runnable>of(
              optimizer::step, optimizer::zeroGrad, () -> optimizer.scaleLearningRate(1))) {
        assertThatThrownBy(use::run)
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("the optimizer is closed");
      }
    }
  }

  @Test
  void aTraceRefusesWhatItCannotFollow() {
    try (Module net = new Sequential(Conv2d.builder(4, 4, 3).build());
        Scope scope = Scope.open()) {
      net.eval();
      Tensor closed;
      try (Scope gone = Scope.open()) {
        closed = torch.rand(2, 4, 6, 6);
      }
      for (Tensor wrong :
          new Tensor[] {closed, null, new Tensor(), torch.rand(4), torch.rand(0, 4, 6, 6)}) {
        assertThatThrownBy(() -> Trace.of(net).graph(wrong)).isInstanceOf(RuntimeException.class);
      }
      assertThatThrownBy(() -> Trace.of(net).graph()).isInstanceOf(RuntimeException.class);
      // The failed traces have ended.
      assertThat(Trace.of(net).graph(torch.rand(2, 4, 6, 6)).graph().nodeCount()).isPositive();
      net.close();
      assertThatThrownBy(() -> Trace.of(net).graph(torch.rand(2, 4, 6, 6)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("is closed");
    }
  }

  @Test
  void aModuleRefusesStatesThatAreClosed() {
    try (Linear layer = Linear.builder(2, 2).bias(false).build();
        Linear other = Linear.builder(2, 2).bias(false).build()) {
      other.close();
      assertThatThrownBy(() -> layer.loadStateDict(other.stateDict(), true))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("weight is closed");
      assertThatThrownBy(() -> other.loadStateDict(layer.stateDict(), true))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("weight is closed");
      assertThatThrownBy(other::zeroGrad).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> other.requireGrad(false))
          .isInstanceOf(IllegalArgumentException.class);
      other.train(true);
    }
  }
}
