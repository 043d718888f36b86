package dev.octet.workflows.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.ConvTranspose2d;
import dev.octet.torch.nn.Dropout;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.ParameterGroup;
import dev.octet.workflows.pytorch.observer.ActivationPostProcess;
import dev.octet.workflows.pytorch.observer.FakeQuantize;
import dev.octet.workflows.pytorch.observer.FakeQuantizeBase;
import dev.octet.workflows.pytorch.observer.HistogramObserver;
import dev.octet.workflows.pytorch.quantized.ConversionReport;
import dev.octet.workflows.pytorch.quantized.DeQuantize;
import dev.octet.workflows.pytorch.quantized.EngineModel;
import dev.octet.workflows.pytorch.quantized.QFunctional;
import dev.octet.workflows.pytorch.quantized.Quantize;
import dev.octet.workflows.pytorch.quantized.QuantizedConv;
import dev.octet.workflows.pytorch.quantized.QuantizedEmbedding;
import dev.octet.workflows.pytorch.quantized.QuantizedLinear;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Prepare, calibrate or train, convert. */
final class EagerTest {
  @BeforeEach
  void seed() {
    Torch.seed(7);
  }

  @ParameterizedTest
  @EnumSource(Backend.class)
  void aFusedModelBecomesOneThatComputesWithIntegers(Backend backend) {
    try (Nets.Net net = Nets.warm()) {
      net.eval();
      float[] expected = Nets.run(net, Nets.images(8, 99));
      Quantization.fuseModules(net, Nets.GROUPS);
      Conversion converted =
          Quantization.quantize(net, backend.qconfigMapping(), EagerTest::calibrate);
      assertThat(converted.model()).isSameAs(net);
      assertThat(converted.remarks()).isEmpty();
      assertThat(net.get("quant")).isInstanceOf(Quantize.class);
      assertThat(net.get("conv1")).isInstanceOf(QuantizedConv.class);
      assertThat(net.get("conv2")).isInstanceOf(QuantizedConv.class);
      assertThat(net.get("skip")).isInstanceOf(QFunctional.class);
      assertThat(net.get("head")).isInstanceOf(QuantizedLinear.class);
      assertThat(net.get("dequant")).isInstanceOf(DeQuantize.class);
      assertThat(converted.report().leftFloat()).isEmpty();

      float[] actual = Nets.run(net, Nets.images(8, 99));
      assertThat(Nets.sqnr(expected, actual)).isGreaterThan(20);
      try (Scope scope = Scope.open();
          EngineModel whole = EngineModel.compile(net, Nets.images(8, 99))) {
        float[] compiled = Tensors.toFloats(whole.run(Nets.images(8, 99)));
        assertThat(Nets.sqnr(expected, compiled)).isGreaterThan(20);
      }
    }
  }

  private static void calibrate(Module model) {
    for (int i = 0; i < 4; i++) {
      Nets.run(model, Nets.images(16, 20 + i));
    }
  }

  @ParameterizedTest
  @EnumSource(Backend.class)
  void aTrainedModelBecomesOneThatComputesTheSameWithIntegers(Backend backend) {
    try (Nets.Net net = Nets.warm()) {
      Quantization.fuseModulesQat(net, Nets.GROUPS);
      Prepared prepared = Quantization.prepareQat(net, backend.qatQConfigMapping());
      assertThat(net.get("conv1")).isInstanceOf(QatLayer.class);
      assertThat(net.parameters().keySet())
          .contains("conv1.weight", "conv1.bn.weight", "head.weight");
      double first = train(net, 12);
      FakeQuantizeBase.disableObserver(net);
      Quantization.freezeBnStats(net);
      assertThat(train(net, 12)).isLessThan(first);
      net.eval();
      float[] trained = Nets.run(net, Nets.images(8, 99));
      Conversion converted = Quantization.convert(prepared);
      assertThat(converted.remarks()).isEmpty();
      assertThat(converted.report().leftFloat()).isEmpty();
      assertThat(net.get("conv1")).isInstanceOf(QuantizedConv.class);
      // Integers round the mean before the head, too, which training does not see.
      assertThat(Nets.sqnr(trained, Nets.run(net, Nets.images(8, 99)))).isGreaterThan(20);
    }
  }

  /** The last loss of some steps towards a fixed answer. */
  private static double train(Module model, int steps) {
    double last = 0;
    List<ParameterGroup> groups = List.of(ParameterGroup.of(model.parameters().values(), 0.05, 0));
    try (Optimizer optimizer = Optimizer.sgd(groups, 0, false)) {
      for (int i = 0; i < steps; i++) {
        try (Scope scope = Scope.open()) {
          Tensor y = model.call(Nets.images(16, 50));
          Tensor error = y.sub(Nets.noise(51, 16, 5));
          Tensor loss = error.mul(error).mean();
          optimizer.zeroGrad();
          loss.backward(new Tensor(), new BoolOptional(), false, null);
          optimizer.step();
          last = loss.item_double();
        }
      }
    }
    return last;
  }

  @Test
  void octetTrainsAndConvertsWithTheSameWeightScales() {
    try (Module model = new Sequential(Conv2d.builder(3, 4, 3).build())) {
      Prepared prepared = Quantization.prepareQat(model, Backend.OCTET.qatQConfig());
      QatLayer layer = (QatLayer) model.get("0");
      for (int i = 0; i < 3; i++) {
        Nets.run(model, Nets.images(2, i));
        // The range is that of the weight now, however it has moved.
        try (Torch.Switched noGrad = Torch.noGrad();
            Scope scope = Scope.open()) {
          layer.weight().mul_(Tensors.scalar(3));
        }
      }
      Nets.run(model, Nets.images(2, 0));
      FakeQuantize fake = (FakeQuantize) layer.weightFakeQuant();
      float[] trained = Tensors.toFloats(fake.scale());
      float[] weights = Tensors.toFloats(layer.weight());
      float amax = 0;
      for (int i = 0; i < 27; i++) {
        amax = Math.max(amax, Math.abs(weights[i]));
      }
      assertThat(trained[0]).isEqualTo(amax / 127);
      Quantization.convert(prepared);
      QuantizedConv converted = (QuantizedConv) model.get("0");
      QuantParams params = converted.weight().params();
      assertThat(params.scales()).isEqualTo(trained);
    }
  }

  @Test
  void whatWasNotObservedIsAnErrorUnlessAllowed() {
    try (Module model =
        new Sequential(new QuantStub(), Linear.builder(4, 4).build(), new DeQuantStub())) {
      model.eval();
      Prepared prepared = Quantization.prepare(model, Backend.X86.qconfig());
      assertThatThrownBy(() -> Quantization.convert(prepared))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("'0'")
          .hasMessageContaining("'1'")
          .hasMessageContaining("withUnobserved");
      Conversion converted =
          Quantization.convert(prepared, ConvertOptions.defaults().withUnobserved());
      assertThat(converted.remarks(Remark.Kind.NOT_OBSERVED))
          .extracting(Remark::path)
          .containsExactly("0", "1");
      assertThat(model.get("1")).isExactlyInstanceOf(Linear.class);
      assertThat(model.get("1").children()).isEmpty();
      assertThatThrownBy(() -> Quantization.convert(prepared))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("converted already");
    }
  }

  @Test
  void onlyModulesThatHaveAQuantizedFormAreObserved() {
    Map<String, Module> modules = new LinkedHashMap<>();
    modules.put("quant", new QuantStub());
    modules.put("conv", Conv2d.builder(3, 4, 3).build());
    modules.put("bn", BatchNorm2d.builder(4).build());
    modules.put("relu", Activation.relu());
    modules.put("hardswish", Activation.hardswish());
    modules.put("gelu", Activation.gelu());
    modules.put("sigmoid", Activation.sigmoid());
    modules.put("dropout", new Dropout(0.5));
    modules.put("block", new Sequential(new WithAdd()));
    modules.put("dequant", new DeQuantStub());
    try (Module model = new Sequential(modules)) {
      model.eval();
      QConfigMapping mapping = Backend.FBGEMM.qconfigMapping().setModuleName("hardswish", null);
      Prepared prepared = Quantization.prepare(model, mapping);
      assertThat(
              model.modules().keySet().stream()
                  .filter(path -> path.endsWith(Quantization.POST_PROCESS)))
          .containsExactly(
              "quant.activation_post_process",
              "conv.activation_post_process",
              "bn.activation_post_process",
              "block.0.add.activation_post_process");
      assertThat(model.get("conv.activation_post_process")).isInstanceOf(HistogramObserver.class);
      assertThatThrownBy(() -> Quantization.prepare(model, mapping))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("prepared already");
      Nets.run(model, Nets.images(2, 1));
      Conversion converted = Quantization.convert(prepared);
      assertThat(converted.remarks())
          .extracting(remark -> remark.path() + " " + remark.kind())
          .containsExactlyInAnyOrder(
              "bn NOT_FUSED", "hardswish LEFT_FLOAT", "gelu NOT_SUPPORTED", "sigmoid LEFT_FLOAT");
    }
  }

  @Test
  void fixedRangesAreInsertedInTrainingAndWhereARuleNamesThem() {
    try (Module model = new Sequential(new QuantStub(), Activation.tanh(), Activation.sigmoid())) {
      Prepared prepared = Quantization.prepareQat(model, Backend.OCTET.qatQConfigMapping());
      float[] y = Nets.run(model, Nets.noise(3, 4, 4));
      assertThat(y).isNotEmpty();
      for (float value : y) {
        assertThat(value * 256).isEqualTo(Math.round(value * 256));
      }
      prepared.close();
    }
    try (Module model = new Sequential(new QuantStub(), Activation.tanh())) {
      model.eval();
      QConfigMapping mapping = Backend.OCTET.qconfigMapping();
      QConfig fixed = mapping.forObjectType("Tanh");
      Prepared prepared = Quantization.prepare(model, mapping.setModuleName("1", fixed));
      assertThat(model.get("1").children()).containsKey(Quantization.POST_PROCESS);
      prepared.close();
    }
  }

  @Test
  void anObserverWithoutMemorySeesTheInput() {
    try (Module model = new Sequential(Linear.builder(4, 3).build())) {
      Prepared prepared = Quantization.prepareQat(model, QConfigs.DEFAULT_DYNAMIC_QAT_QCONFIG);
      Nets.run(model, Nets.noise(1, 2, 4));
      ActivationPostProcess process =
          (ActivationPostProcess) model.get("0.activation_post_process");
      float[] x = Tensors.toFloats(Nets.noise(1, 2, 4));
      float min = 0;
      float max = 0;
      for (float value : x) {
        min = Math.min(min, value);
        max = Math.max(max, value);
      }
      assertThat(process.calculateQParams().scales()[0]).isEqualTo((max - min) / 255);
      prepared.close();
    }
  }

  @Test
  void aScaleAlongInputChannelsIsRefused() {
    try (Module model = new Sequential(ConvTranspose2d.builder(3, 4, 3).build())) {
      model.eval();
      assertThatThrownBy(() -> Quantization.prepare(model, Backend.FBGEMM.qconfig()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'0'")
          .hasMessageContaining("axis 1");
      for (Backend backend : new Backend[] {Backend.FBGEMM, Backend.OCTET}) {
        Prepared prepared = Quantization.prepare(model, backend.qconfigMapping());
        assertThat(prepared.remarks()).isEmpty();
        model.get("0").detach(Quantization.POST_PROCESS).close();
        prepared.close();
      }
    }
  }

  @Test
  void embeddingsAreQuantizedByTheirRows() {
    try (Module model = new Sequential(Embedding.builder(10, 8).build())) {
      model.eval();
      Tensor indices = Tensors.of(new long[] {1, 5, 9}, 3);
      float[] expected = Nets.run(model, indices);
      Prepared wrong = Quantization.prepare(model, Backend.X86.qconfig());
      assertThat(wrong.remarks()).hasSize(1);
      wrong.close();
      Prepared prepared = Quantization.prepare(model, QConfigs.FLOAT_QPARAMS_WEIGHT_ONLY_QCONFIG);
      Quantization.convert(prepared);
      assertThat(model.get("0")).isInstanceOf(QuantizedEmbedding.class);
      assertThat(Nets.sqnr(expected, Nets.run(model, indices))).isGreaterThan(35);
      indices.close();
    }
  }

  @Test
  void aModelThatIsOneLayerIsReplacedItself() {
    Module linear = Linear.builder(4, 3).build();
    Conversion converted =
        Quantization.quantize(
            new QuantWrapper(linear),
            Backend.QNNPACK.qconfigMapping(),
            model -> Nets.run(model, Nets.noise(1, 8, 4)));
    assertThat(converted.model().get("module")).isInstanceOf(QuantizedLinear.class);
    converted.model().close();

    Module alone = Linear.builder(4, 3).build();
    Conversion single =
        Quantization.quantize(
            alone, Backend.QNNPACK.qconfigMapping(), model -> Nets.run(model, Nets.noise(1, 8, 4)));
    assertThat(single.model()).isInstanceOf(QuantizedLinear.class);
    assertThat(single.report().leftFloat()).hasSize(1);
    single.model().close();
  }

  @Test
  void sharedModulesAreReplacedWhereverTheyStand() {
    Module shared = Linear.builder(4, 4).build();
    try (Module model = new Sequential(new QuantStub(), shared, shared)) {
      Conversion converted =
          Quantization.quantize(
              model, Backend.OCTET.qconfigMapping(), each -> Nets.run(each, Nets.noise(1, 8, 4)));
      assertThat(converted.model().get("1")).isInstanceOf(QuantizedLinear.class);
      assertThat(converted.model().get("2")).isSameAs(converted.model().get("1"));
    }
  }

  @Test
  void debugQConfigsKeepTheModelFloat() {
    try (Module model = new Sequential(Linear.builder(4, 3).build())) {
      model.eval();
      Prepared prepared = Quantization.prepare(model, QConfigs.DEFAULT_DEBUG_QCONFIG);
      Nets.run(model, Nets.noise(1, 8, 4));
      Conversion converted = Quantization.convert(prepared);
      assertThat(converted.remarks(Remark.Kind.LEFT_FLOAT))
          .singleElement()
          .extracting(Remark::reason)
          .asString()
          .contains("RecordingObserver");
      assertThat(model.get("0")).isExactlyInstanceOf(Linear.class);
    }
  }

  @Test
  void modulesAreMatchedByTheirExactClass() {
    final class Own extends Conv2d {
      Own() {
        super(
            new Builder<Conv2d>(
                2,
                false,
                made -> {
                  throw new AssertionError("nobody builds it");
                },
                3,
                4,
                3));
      }
    }

    try (Module model = new Sequential(new Own())) {
      model.eval();
      Prepared prepared = Quantization.prepare(model, Backend.OCTET.qconfig());
      assertThat(prepared.remarks())
          .singleElement()
          .extracting(Remark::reason)
          .asString()
          .contains("a class of its own");
      prepared.close();
    }
  }

  @Test
  void dynamicQConfigsMakeDynamicLayers() {
    try (Module model =
        new Sequential(Linear.builder(16, 16).build(), Linear.builder(16, 4).build())) {
      model.eval();
      // One row is forty times as large as its neighbours.
      Tensor x = Nets.noise(1, 8, 16);
      try (Torch.Switched noGrad = Torch.noGrad();
          Scope scope = Scope.open()) {
        x.select(0, 7).mul_(Tensors.scalar(40));
      }
      float[] expected = first(Nets.run(model, x));
      assertThatThrownBy(
              () ->
                  Quantization.quantizeDynamic(
                      model, new QConfigMapping().setGlobal(Backend.OCTET.qconfig())))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'0'")
          .hasMessageContaining("static");
      QConfigMapping mapping =
          new QConfigMapping().setModuleName("0", QConfigs.PER_TOKEN_DYNAMIC_QCONFIG);
      ConversionReport report = Quantization.quantizeDynamic(model, mapping);
      assertThat(report.quantized()).extracting(ConversionReport.Line::path).containsExactly("0");
      assertThat(report.leftFloat()).extracting(ConversionReport.Line::path).containsExactly("1");
      assertThat(Nets.sqnr(expected, first(Nets.run(model, x)))).isGreaterThan(35);
      x.close();
    }
  }

  @Test
  void aModelThatTrainsIsAGraphWithQuantizers() {
    try (Nets.Net net = Nets.warm()) {
      Quantization.fuseModulesQat(net, Nets.GROUPS);
      try (Prepared prepared = Quantization.prepareQat(net, Backend.OCTET.qatQConfigMapping())) {
        calibrate(prepared.model());
        net.eval();
        Nets.run(net, Nets.images(8, 99));
        FakeQuantizeBase.disableObserver(net);
        float[] expected = Nets.run(net, Nets.images(8, 99));
        try (Scope scope = Scope.open();
            EngineModel compiled = EngineModel.compile(net, Nets.images(8, 99))) {
          assertThat(
                  compiled.graph().graph().nodes().stream()
                      .filter(node -> node.is("QuantizeLinear")))
              .hasSizeGreaterThanOrEqualTo(8);
          float[] actual = Tensors.toFloats(compiled.run(Nets.images(8, 99)));
          assertThat(Nets.sqnr(expected, actual)).isGreaterThan(25);
        }
      }
    }
  }

  /** Adds with a module. */
  private static final class WithAdd extends Module {
    private final Child<Add> add = child("add", Add.of());

    @Override
    protected Tensor forward(Tensor x) {
      return add.call(x, x);
    }
  }

  /** Without the row that is an outlier. */
  private static float[] first(float[] rows) {
    return Arrays.copyOf(rows, rows.length / 8 * 7);
  }
}
