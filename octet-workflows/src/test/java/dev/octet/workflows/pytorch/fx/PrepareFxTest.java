package dev.octet.workflows.pytorch.fx;

import static dev.octet.workflows.pytorch.fx.Fixtures.op;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import dev.octet.workflows.pytorch.Backend;
import dev.octet.workflows.pytorch.QConfig;
import dev.octet.workflows.pytorch.QConfigMapping;
import dev.octet.workflows.pytorch.QConfigs;
import dev.octet.workflows.pytorch.observer.HistogramObserver;
import dev.octet.workflows.pytorch.observer.MinMaxObserver;
import dev.octet.workflows.pytorch.observer.ReadyMade;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

final class PrepareFxTest {
  private static final QConfig PLAIN = QConfigs.DEFAULT_QCONFIG;
  private static final QConfig HISTOGRAM = Backend.QNNPACK.qconfig();

  private static GraphModule prepare(QConfigMapping mapping, String backend) {
    try (Fixtures.Cnn net = Fixtures.cnn()) {
      return QuantizeFx.prepareFx(
          net, FxConfig.of(mapping).backend(BackendConfig.forBackend(backend)), Fixtures.images(2));
    }
  }

  @Test
  void laterRulesOfTheMappingBeatEarlierKinds() {
    QConfigMapping mapping = new QConfigMapping().setGlobal(PLAIN);
    expect(mapping, true, true, true, true);
    for (String type : new String[] {"Conv2d", "BatchNorm2d", "ReLU", "add"}) {
      mapping.setObjectType(type, null);
    }
    expect(mapping, false, false, false, true);
    mapping.setModuleNameRegex("b.*", PLAIN);
    expect(mapping, false, true, true, true);
    mapping.setModuleName("block", null);
    expect(mapping, false, false, true, true);
    mapping.setModuleName("block.conv", PLAIN);
    expect(mapping, false, true, true, true);
    mapping.setModuleNameObjectTypeOrder("", "Conv2d", 0, PLAIN);
    mapping.setModuleNameObjectTypeOrder("", "Linear", 0, null);
    expect(mapping, true, true, true, false);
  }

  private static void expect(
      QConfigMapping mapping, boolean conv1, boolean inBlock, boolean branch, boolean fc) {
    try (GraphModule prepared = prepare(mapping, "x86")) {
      FxReport report = prepared.report();
      assertThat(op(report, "conv1/Conv").mode() == Mode.STATIC).isEqualTo(conv1);
      assertThat(op(report, "block.conv/Conv").mode() == Mode.STATIC).isEqualTo(inBlock);
      assertThat(op(report, "branch/Conv").mode() == Mode.STATIC).isEqualTo(branch);
      assertThat(op(report, "fc/Gemm").mode() == Mode.STATIC).isEqualTo(fc);
      report.leftInFloat().forEach(left -> assertThat(left.reason()).isNotEmpty());
      if (!fc) {
        assertThat(op(report, "fc/Gemm").reason()).contains("no qconfig");
      }
    }
  }

  @Test
  void concatenationAndPoolingShareTheirInputsObserver() {
    try (GraphModule prepared = prepare(new QConfigMapping().setGlobal(PLAIN), "x86")) {
      // x, relu, conv of the block, sum with pool, branch, cat, average and flatten, and output
      assertThat(prepared.activationModules()).hasSize(5);
      assertThat(prepared.weightModules()).isEmpty();
      assertThat(prepared.report().operators())
          .extracting(PreparedOp::kind)
          .containsExactly(
              "ConvReLU2d",
              "Conv2d",
              "add_relu",
              "MaxPool2d",
              "Conv2d",
              "cat",
              "AdaptiveAvgPool2d",
              "flatten",
              "Linear");
      Fixtures.calibrate(prepared, Fixtures.images(4));
    }
  }

  @Test
  void aBackendThatAddsToConvolutionsTakesTheSumAlong() {
    try (GraphModule prepared = prepare(new QConfigMapping().setGlobal(HISTOGRAM), "onednn")) {
      assertThat(op(prepared.report(), "block.conv/Conv").kind()).isEqualTo("ConvAddReLU2d");
      assertThat(prepared.activationModules()).hasSize(4);
      assertThat(prepared.activationModules().values())
          .allMatch(HistogramObserver.class::isInstance);
    }
  }

  @Test
  void observersAreThoseOfTheQConfigThatHolds() {
    QConfigMapping mapping =
        new QConfigMapping().setGlobal(HISTOGRAM).setModuleName("block", PLAIN);
    try (GraphModule prepared = prepare(mapping, "x86")) {
      assertThat(prepared.activationModules().values())
          .anyMatch(MinMaxObserver.class::isInstance)
          .anyMatch(HistogramObserver.class::isInstance);
    }
  }

  @Test
  void fusedOperatorsNeedOneQConfigForTheirTypes() {
    QConfigMapping mapping =
        new QConfigMapping().setGlobal(PLAIN).setObjectType(Conv2d.class, HISTOGRAM);
    assertThatThrownBy(() -> prepare(mapping, "x86"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("conv1/Conv")
        .hasMessageContaining("different qconfigs");
    mapping.setObjectType("BatchNorm2d", HISTOGRAM).setObjectType("ReLU", HISTOGRAM);
    prepare(mapping, "x86").close();
  }

  @Test
  void whatTheBackendDoesNotKnowIsLeftAndNamed() {
    BackendConfig convolutions =
        BackendConfig.of("convolutions")
            .backendPatternConfigs(
                BackendConfig.forBackend("x86").configs().stream()
                    .filter(config -> config.pattern().get(0).equals("Conv2d"))
                    .toList());
    try (Fixtures.Cnn net = Fixtures.cnn();
        GraphModule prepared =
            QuantizeFx.prepareFx(
                net,
                FxConfig.of(new QConfigMapping().setGlobal(PLAIN)).backend(convolutions),
                Fixtures.images(2))) {
      assertThat(op(prepared.report(), "fc/Gemm").reason())
          .isEqualTo("backend 'convolutions' has no pattern for Linear");
      assertThat(prepared.report().quantized()).hasSize(3);
    }
  }

  private static final class Gate extends Module {
    private final dev.octet.torch.nn.Child<dev.octet.torch.nn.Linear> fc =
        child("fc", dev.octet.torch.nn.Linear.builder(6, 6).build());

    @Override
    protected Tensor forward(Tensor x) {
      return Ops.mul(Ops.sigmoid(fc.call(x)), Ops.tanh(fc.call(x)));
    }
  }

  @Test
  void fixedParametersAreUsedOnlyWhereTheyMatch() {
    try (Gate gate = new Gate()) {
      try (GraphModule prepared =
          QuantizeFx.prepareFx(gate, FxConfig.of(Backend.X86), torch.randn(2, 6))) {
        assertThat(prepared.report().leftInFloat()).isEmpty();
      }
      QConfigMapping plain = new QConfigMapping().setGlobal(PLAIN);
      try (GraphModule prepared = QuantizeFx.prepareFx(gate, plain, torch.randn(2, 6))) {
        assertThat(op(prepared.report(), "Sigmoid").reason()).contains("not fixed");
      }
      plain.setObjectType(
          "Tanh", new QConfig(ReadyMade.DEFAULT_FIXED_QPARAMS_RANGE_NEG1TO1_OBSERVER, null));
      try (GraphModule prepared = QuantizeFx.prepareFx(gate, plain, torch.randn(2, 6))) {
        assertThat(op(prepared.report(), "Tanh").mode()).isEqualTo(Mode.STATIC);
      }
    }
  }

  @Test
  void theModuleStaysAsItIs() {
    try (Fixtures.Cnn net = Fixtures.cnn()) {
      Tensor x = Fixtures.images(2);
      float[] before = Fixtures.values(net, x);
      try (GraphModule prepared = QuantizeFx.prepareFx(net, FxConfig.of(Backend.X86), x)) {
        assertThat(net.isTraining()).isFalse();
        assertThat(prepared.isTraining()).isFalse();
        assertThat(Fixtures.values(net, x)).isEqualTo(before);
        assertThat(Fixtures.values(prepared, x))
            .containsExactly(before, org.assertj.core.api.Assertions.within(1e-4f));
      }
      try (var fused = QuantizeFx.fuseFx(net, x)) {
        assertThat(fused.toModel().graph().nodes())
            .noneMatch(node -> node.is("BatchNormalization"));
        assertThat(Fixtures.values(fused, x))
            .containsExactly(before, org.assertj.core.api.Assertions.within(1e-4f));
      }
    }
  }
}
