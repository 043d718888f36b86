package dev.octet.workflows.pytorch.fx;

import static dev.octet.workflows.pytorch.fx.Fixtures.checkConverted;
import static dev.octet.workflows.pytorch.fx.Fixtures.op;
import static dev.octet.workflows.pytorch.fx.Fixtures.sqnr;
import static dev.octet.workflows.pytorch.fx.Fixtures.values;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.graph.TorchGraph;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import dev.octet.torch.script.ExampleInput;
import dev.octet.torch.script.TorchScript;
import dev.octet.workflows.pytorch.Backend;
import dev.octet.workflows.pytorch.QConfigMapping;
import dev.octet.workflows.pytorch.QConfigs;
import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.QualifiedName;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class ConvertFxTest {

  /** ONNX Runtime would round its weights itself, by a scale that one large weight spoils. */
  @Test
  void aLayerLeftInFloatStaysSoInEveryRuntime() {
    Model model =
        Fixtures.net()
            .input("x", -1, 3, 6, 6)
            .weight("a.weight", 4, 3, 1, 1)
            .weight("b.weight", 4, 4, 3, 3)
            .weight("b.bias", 4)
            .weight("c.weight", 4, 4, 1, 1)
            .node("/a/Conv", "Conv", "a", "x,a.weight")
            .node("/b/Conv", "Conv", "b", "a,b.weight,b.bias")
            .node("/Relu", "Relu", "r", "b")
            .node("/c/Conv", "Conv", "y", "r,c.weight")
            .returns("y");
    float[] weights = model.graph().value("b.weight").constant().toFloats();
    weights[0] = 60;
    model
        .graph()
        .setInitializer(
            model.graph().value("b.weight"), dev.octet.graph.Tensor.ofFloats(weights, 4, 4, 3, 3));
    QConfigMapping mapping = Backend.X86.qconfigMapping().setModuleName("b", null);
    FxConfig config = FxConfig.of(mapping).backend(BackendConfig.forBackend("x86"));
    Torch.seed(9);
    try (GraphModule prepared = QuantizeFx.prepareFx(model, config)) {
      assertThat(op(prepared.report(), "/b/Conv").mode()).isEqualTo(Mode.FLOAT);
      Tensor x = torch.randn(8, 3, 6, 6);
      Fixtures.calibrate(prepared, x);
      assertThat(checkConverted(prepared, x).graph().nodes())
          .filteredOn(node -> node.is("Concat"))
          .hasSize(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aConvolutionalNetworkRunsOnIntegers(Backend backend, @TempDir Path folder) {
    try (Fixtures.Cnn net = Fixtures.cnn();
        GraphModule prepared =
            QuantizeFx.prepareFx(
                net,
                FxConfig.of(backend)
                    .backend(BackendConfig.forBackend(backend.toString()).quantizedOutputs(true)),
                Fixtures.images(2))) {
      Fixtures.calibrate(prepared, Fixtures.images(16), Fixtures.images(16));
      Tensor x = Fixtures.images(4);
      Model model = checkConverted(prepared, x);
      assertThat(model.graph().nodes()).noneMatch(node -> node.is("Identity"));
      try (ConvertedModule converted = QuantizeFx.convertFx(prepared)) {
        assertThat(sqnr(values(net, x), values(converted, x))).isGreaterThan(15);
        converted.write(folder.resolve("net.onnx"));
        assertThat(OnnxReader.read(folder.resolve("net.onnx")).graph().nodes())
            .anyMatch(node -> node.is("QuantizeLinear"));
        assertThat(converted.report().leftInFloat()).isEmpty();
      }
    }
  }

  private static final class Chain extends Module {
    private final Child<Conv2d> first = child("first", Conv2d.builder(3, 6, 3).padding(1).build());
    private final Child<Conv2d> second = child("second", Conv2d.builder(6, 4, 3).build());

    @Override
    protected Tensor forward(Tensor x) {
      return second.call(Ops.relu(first.call(x)));
    }
  }

  /** Nothing averages here, so that all integers on the way are the same. */
  @ParameterizedTest
  @EnumSource
  void layersAgreeWithFakeQuantizationWithinOneQuantum(Backend backend) {
    Torch.seed(8);
    try (Chain net = new Chain()) {
      net.eval();
      try (GraphModule prepared =
          QuantizeFx.prepareFx(
              net,
              FxConfig.of(backend)
                  .backend(BackendConfig.forBackend(backend.toString()).quantizedOutputs(true)),
              torch.randn(2, 3, 8, 8))) {
        Fixtures.calibrate(prepared, torch.randn(16, 3, 8, 8));
        Tensor x = torch.randn(8, 3, 8, 8);
        try (ConvertedModule converted = QuantizeFx.convertFx(prepared);
            TorchGraph reference = QuantizeFx.convertToReferenceFx(prepared)) {
          Fixtures.assertWithinOneQuantum(
              values(reference, x), values(converted, x), Fixtures.outputScale(converted.model()));
        }
      }
    }
  }

  @Test
  void octetHandsOverFloats() {
    try (Fixtures.Cnn net = Fixtures.cnn();
        GraphModule prepared =
            QuantizeFx.prepareFx(net, FxConfig.of(Backend.OCTET), Fixtures.images(2))) {
      Fixtures.calibrate(prepared, Fixtures.images(32));
      try (ConvertedModule converted = QuantizeFx.convertFx(prepared)) {
        assertThat(converted.model().graph().outputs().get(0).producer().op()).isEqualTo("Gemm");
        Tensor x = Fixtures.images(4);
        assertThat(sqnr(values(net, x), values(converted, x))).isGreaterThan(20);
      }
    }
  }

  @Test
  void aTransformerKeepsItsNormalizationsAndGeluInFloat() {
    Torch.seed(5);
    try (Fixtures.Transformer net = new Fixtures.Transformer()) {
      net.eval();
      Tensor example = torch.randn(2, 6, 16);
      try (GraphModule prepared = QuantizeFx.prepareFx(net, FxConfig.of(Backend.X86), example)) {
        assertThat(prepared.report().leftInFloat())
            .extracting(PreparedOp::kind)
            .contains("LayerNorm", "GELU")
            .doesNotContain("Linear", "matmul");
        assertThat(prepared.report().quantized())
            .extracting(PreparedOp::kind)
            .contains("Linear", "matmul", "Softmax", "add");
        Fixtures.calibrate(prepared, torch.randn(16, 6, 16));
        Tensor x = torch.randn(4, 6, 16);
        checkConverted(prepared, x);
        try (ConvertedModule converted = QuantizeFx.convertFx(prepared)) {
          assertThat(sqnr(values(net, x), values(converted, x))).isGreaterThan(10);
        }
      }
    }
  }

  @Test
  void anImportedModelIsQuantizedAsATracedOneIs() {
    Model model = Fixtures.imported();
    QConfigMapping mapping = Backend.X86.qconfigMapping().setModuleName("b", null);
    FxConfig config = FxConfig.of(mapping).backend(BackendConfig.forBackend("x86"));
    try (GraphModule prepared = QuantizeFx.prepareFx(model, config)) {
      assertThat(op(prepared.report(), "/a/Conv").kind()).isEqualTo("ConvReLU2d");
      assertThat(op(prepared.report(), "/b/Conv").mode()).isEqualTo(Mode.FLOAT);
      assertThat(op(prepared.report(), "/Add").mode()).isEqualTo(Mode.STATIC);
      Fixtures.calibrate(prepared, torch.randn(32, 3, 6, 6));
      checkConverted(prepared, torch.randn(4, 3, 6, 6));
    }
    assertThatThrownBy(
            () ->
                QuantizeFx.prepareFx(
                    model,
                    config.custom(
                        new PrepareCustomConfig().setNonTraceableModuleClasses(Linear.class))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("imported model");
  }

  @Test
  void aTorchScriptModelIsQuantizedToo(@TempDir Path folder) {
    Path file = folder.resolve("m.pt");
    try (PointerScope scope = new PointerScope()) {
      JitModule module = new JitModule(new QualifiedName("M"));
      module.register_parameter("weight", torch.randn(8, 3, 3, 3), false);
      module.register_parameter("head", torch.randn(5, 8), false);
      module.define(
          """
          def forward(self, x):
              y = torch.relu(torch.conv2d(x, self.weight))
              y = y + torch.relu(y * 0.5)
              return torch.matmul(y.mean([2, 3]), self.head.t())
          """);
      module.save(file.toString());
    }
    Model model = TorchScript.read(file, ExampleInput.of(DataType.FLOAT, 4, 3, 6, 6));
    try (GraphModule prepared = QuantizeFx.prepareFx(model, FxConfig.of(Backend.ONEDNN))) {
      assertThat(prepared.report().quantized())
          .extracting(PreparedOp::kind)
          .contains("ConvReLU2d", "add", "Linear");
      Fixtures.calibrate(prepared, torch.randn(4, 3, 6, 6), torch.randn(4, 3, 6, 6));
      checkConverted(prepared, torch.randn(4, 3, 6, 6));
    }
  }

  private static final class Words extends Module {
    private final Child<Embedding> words = child("words", Embedding.builder(200, 24).build());
    private final Child<LSTM> lstm = child("lstm", LSTM.builder(24, 16).build());
    private final Child<Linear> fc = child("fc", Linear.builder(16, 4).build());

    @Override
    protected Tensor forward(Tensor x) {
      return fc.call(lstm.get().call(words.call(x)));
    }
  }

  @Test
  void dynamicWeightOnlyAndHalfPrecisionLayersGoTogether() {
    Torch.seed(2);
    QConfigMapping mapping =
        new QConfigMapping()
            .setGlobal(QConfigs.DEFAULT_DYNAMIC_QCONFIG)
            .setObjectType(Embedding.class, QConfigs.FLOAT_QPARAMS_WEIGHT_ONLY_QCONFIG)
            .setModuleName("lstm", QConfigs.FLOAT16_DYNAMIC_QCONFIG);
    try (Words net = new Words()) {
      net.eval();
      Tensor x = torch.randint(200, new long[] {5, 3}).to(torch.ScalarType.Long);
      try (GraphModule prepared = QuantizeFx.prepareFx(net, mapping, x);
          ConvertedModule converted = QuantizeFx.convertFx(prepared)) {
        FxReport report = converted.report();
        assertThat(report.quantized())
            .extracting(PreparedOp::kind, PreparedOp::mode)
            .contains(
                org.assertj.core.groups.Tuple.tuple("Embedding", Mode.WEIGHT_ONLY),
                org.assertj.core.groups.Tuple.tuple("LSTM", Mode.FLOAT16),
                org.assertj.core.groups.Tuple.tuple("Linear", Mode.DYNAMIC));
        assertThat(converted.model().graph().nodes())
            .anyMatch(node -> node.is("DynamicQuantizeLinear"))
            .anyMatch(node -> node.is("MatMulInteger"));
        assertThat(converted.model().graph().values())
            .anyMatch(v -> v.initializer() != null && v.initializer().type() == DataType.FLOAT16);
        assertThat(prepared.activationModules()).isEmpty();
        assertThat(report.warnings()).anyMatch(text -> text.contains("zero points of the table"));
        assertThat(sqnr(values(net, x), values(converted, x))).isGreaterThan(25);
      }
    }
  }

  private static final class Same extends Module {
    @Override
    protected Tensor forward(Tensor x) {
      return Ops.relu(x);
    }
  }

  @Test
  void whatWasNotObservedIsAnErrorUnlessAllowed() {
    try (Fixtures.Cnn net = Fixtures.cnn();
        GraphModule prepared =
            QuantizeFx.prepareFx(net, FxConfig.of(Backend.X86), Fixtures.images(2))) {
      assertThatThrownBy(() -> QuantizeFx.convertFx(prepared))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("have seen nothing")
          .hasMessageContaining("'input'");
      QuantizeFx.convertFx(prepared, ConvertCustomConfig.none().allowingUnobserved()).close();
    }
  }

  @Test
  void whatOnlyKeepsParametersStaysFloatBehindFloats() {
    try (Same net = new Same();
        GraphModule prepared =
            QuantizeFx.prepareFx(net, FxConfig.of(Backend.X86), torch.randn(2, 3))) {
      assertThat(op(prepared.report(), "Relu").reason()).isEqualTo("its input is not quantized");
      try (ConvertedModule converted = QuantizeFx.convertFx(prepared)) {
        Tensor x = torch.randn(2, 3);
        assertThat(values(converted, x)).isEqualTo(values(net, x));
      }
    }
  }

  @Test
  void statesAreLoadedIntoANewlyPreparedModule() {
    try (Fixtures.Cnn net = Fixtures.cnn();
        GraphModule one = QuantizeFx.prepareFx(net, FxConfig.of(Backend.X86), Fixtures.images(2));
        GraphModule other =
            QuantizeFx.prepareFx(net, FxConfig.of(Backend.X86), Fixtures.images(2))) {
      Fixtures.calibrate(one, Fixtures.images(8));
      Map<String, Tensor> state = one.stateDict();
      assertThat(other.loadStateDict(state, true).missing()).isEmpty();
      other.loadExtraStates(one.extraStates());
      Tensor x = Fixtures.images(3);
      try (ConvertedModule a = QuantizeFx.convertFx(one);
          ConvertedModule b = QuantizeFx.convertFx(other)) {
        assertThat(values(b, x)).isEqualTo(values(a, x));
      }
    }
  }

  @Test
  void refusesAWrongNumberOfInputs() {
    try (Fixtures.Cnn net = Fixtures.cnn();
        GraphModule prepared =
            QuantizeFx.prepareFx(net, FxConfig.of(Backend.X86), Fixtures.images(2))) {
      Fixtures.calibrate(prepared, Fixtures.images(4));
      try (ConvertedModule converted = QuantizeFx.convertFx(prepared)) {
        assertThatThrownBy(() -> converted.run(Fixtures.images(1), Fixtures.images(1)))
            .hasMessageContaining("[input], not 2");
        assertThatThrownBy(() -> converted.inputQuantization(0))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("holds no integers");
        assertThat(Tensors.shape(converted.run(Fixtures.images(2)).get("output")))
            .containsExactly(2, 5);
      }
    }
  }
}
