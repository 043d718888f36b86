package dev.octet.workflows.pytorch.fx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.Model;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.workflows.pytorch.Backend;
import dev.octet.workflows.pytorch.QConfig;
import dev.octet.workflows.pytorch.QConfigMapping;
import dev.octet.workflows.pytorch.QConfigs;
import dev.octet.workflows.pytorch.observer.QuantDtype;
import dev.octet.workflows.pytorch.observer.ReadyMade;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class BackendConfigTest {

  @ParameterizedTest
  @ValueSource(
      strings = {"native", "fbgemm", "x86", "qnnpack", "onednn", "tensorrt", "executorch", "octet"})
  void everyReadyMadeOneComputesConvolutionsAndLinearLayers(String name) {
    BackendConfig backend = BackendConfig.forBackend(name);
    assertThat(backend.name()).isEqualTo(name);
    for (String pattern : new String[] {"Conv2d", "Linear", "cat", "add"}) {
      assertThat(backend.config(pattern).dtypeConfigs()).isNotEmpty();
    }
    assertThat(backend.config("Conv2d", "BatchNorm2d", "ReLU").name()).isEqualTo("ConvBnReLU2d");
    assertThat(backend.config("cat").observationType())
        .isEqualTo(ObservationType.OUTPUT_SHARE_OBSERVER_WITH_INPUT);
  }

  @Test
  void normalizationOfLayersIsInSomeBackendsOnly() {
    assertThat(BackendConfig.forBackend("native").config("LayerNorm")).isNotNull();
    assertThat(BackendConfig.forBackend("onednn").config("layer_norm")).isNotNull();
    for (String name : new String[] {"fbgemm", "x86", "qnnpack", "octet"}) {
      assertThat(BackendConfig.forBackend(name).config("LayerNorm")).isNull();
    }
    assertThat(BackendConfig.forBackend("onednn").config("Conv2d", "add", "ReLU").name())
        .isEqualTo("ConvAddReLU2d");
    assertThat(BackendConfig.forBackend("x86").config("Conv2d", "add", "ReLU")).isNull();
  }

  @Test
  void patternsAreReplacedAndNamesUnderstood() {
    BackendConfig backend =
        BackendConfig.of("own")
            .backendPatternConfig(
                BackendPatternConfig.of("linear")
                    .dtypeConfigs(DTypeConfig.of(QuantDtype.QUINT8, QuantDtype.QINT8)))
            .backendPatternConfig(
                BackendPatternConfig.of(Linear.class)
                    .addDTypeConfig(DTypeConfig.dynamic(QuantDtype.QUINT8, QuantDtype.QINT8)));
    assertThat(backend.configs()).hasSize(1);
    assertThat(backend.config("Linear").dtypeConfigs()).hasSize(1);
    assertThat(backend.config("Linear").dtypeConfigs().get(0).dynamic()).isTrue();
    assertThat(BackendPatternConfig.of(Conv2d.class).pattern()).containsExactly("Conv2d");
    assertThatThrownBy(() -> BackendPatternConfig.of(""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("names of its operators");
    assertThatThrownBy(() -> BackendConfig.forBackend("cuda"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("onednn");
  }

  /** Both convolutions before a sum are one integer operator with it: nothing rounds in between. */
  @Test
  void treesFuseBothSidesOfASum() {
    OperatorTree tree =
        OperatorTree.of(
            "relu", OperatorTree.of("add", OperatorTree.of("conv2d"), OperatorTree.of("Conv2d")));
    assertThat(tree.toString()).isEqualTo("(ReLU, (add, Conv2d, Conv2d))");
    assertThat(treed(BackendPatternConfig.of(tree).fusedModule("TwoConvAddReLU2d"), true))
        .isEqualTo(2);
    OperatorTree right =
        OperatorTree.of(
            "ReLU", OperatorTree.of("add", OperatorTree.ANY, OperatorTree.of("Conv2d")));
    assertThat(treed(BackendPatternConfig.of(right), true)).isEqualTo(3);
    // Operands are not exchanged.
    OperatorTree left =
        OperatorTree.of(
            "ReLU",
            OperatorTree.of("add", OperatorTree.of("Conv2d"), OperatorTree.of("MaxPool2d")));
    assertThat(treed(BackendPatternConfig.of(left), false)).isEqualTo(4);
    assertThatThrownBy(() -> BackendPatternConfig.of(OperatorTree.ANY))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("says nothing");
  }

  /** How many activations are rounded where x86 knows a pattern more, used or not. */
  private static long treed(BackendPatternConfig pattern, boolean used) {
    Model model =
        Fixtures.net()
            .input("x", -1, 3, 6, 6)
            .weight("a.weight", 4, 3, 1, 1)
            .weight("b.weight", 4, 3, 1, 1)
            .node("/a/Conv", "Conv", "a", "x,a.weight")
            .node("/b/Conv", "Conv", "b", "x,b.weight")
            .node("/Add", "Add", "s", "a,b")
            .node("/Relu", "Relu", "y", "s")
            .returns("y");
    BackendConfig backend =
        BackendConfig.forBackend("x86")
            .backendPatternConfig(
                pattern.dtypeConfigs(DTypeConfig.of(QuantDtype.QUINT8, QuantDtype.QINT8)));
    Torch.seed(2);
    try (Scope scope = Scope.open();
        GraphModule prepared =
            QuantizeFx.prepareFx(model, FxConfig.of(Backend.X86).backend(backend))) {
      assertThat(prepared.report().leftInFloat()).isEmpty();
      assertThat(prepared.report().operators())
          .extracting(PreparedOp::kind)
          .matches(kinds -> used == kinds.contains(pattern.name()));
      Tensor x = torch.randn(4, 3, 6, 6);
      Fixtures.calibrate(prepared, x);
      Model made = Fixtures.checkConverted(prepared, x);
      assertThat(made.graph().nodes())
          .filteredOn(node -> node.is("Conv"))
          .allSatisfy(
              node -> assertThat(node.input(1).producer().op()).isEqualTo("DequantizeLinear"));
      return made.graph().nodes().stream().filter(node -> node.is("QuantizeLinear")).count();
    }
  }

  @Test
  void constraintsRefuseWhatABackendCannotHold() {
    DTypeWithConstraints weight =
        DTypeWithConstraints.of(QuantDtype.QINT8).withRange(-127, 127).withLeastScale(0x1p-12f);
    assertThat(refusal(weight, QConfigs.DEFAULT_SYMMETRIC_QNNPACK_QCONFIG.weight())).isNull();
    assertThat(refusal(weight, ReadyMade.DEFAULT_WEIGHT_OBSERVER)).contains("-128 to 127");
    assertThat(refusal(weight, ReadyMade.DEFAULT_OBSERVER)).contains("quint8, not qint8");
    DTypeWithConstraints fixed =
        DTypeWithConstraints.of(QuantDtype.QUINT8).withExactly(1 / 256f, 0);
    assertThat(refusal(fixed, ReadyMade.DEFAULT_FIXED_QPARAMS_RANGE_0TO1_OBSERVER)).isNull();
    assertThat(refusal(fixed, ReadyMade.DEFAULT_FIXED_QPARAMS_RANGE_NEG1TO1_OBSERVER))
        .contains("not fixed");
    assertThat(refusal(fixed, ReadyMade.DEFAULT_OBSERVER)).contains("not fixed");
    assertThatThrownBy(() -> fixed.withLeastScale(1f))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("one of the two");
  }

  private static String refusal(
      DTypeWithConstraints constraints,
      dev.octet.workflows.pytorch.observer.ObserverFactory factory) {
    try (Probes probes = new Probes()) {
      return constraints.refusal(probes.of(factory));
    }
  }

  /** Defaults of a backend fit what it computes. */
  @ParameterizedTest
  @EnumSource
  void defaultsQuantizeAllLayersOfANetwork(Backend backend) {
    try (Fixtures.Cnn net = Fixtures.cnn();
        GraphModule prepared =
            QuantizeFx.prepareFx(net, FxConfig.of(backend), Fixtures.images(2))) {
      assertThat(prepared.report().leftInFloat()).isEmpty();
    }
  }

  @Test
  void otherTypesLeaveLayersInFloatAndSaySo() {
    QConfigMapping signed =
        new QConfigMapping()
            .setGlobal(
                new QConfig(
                    QConfigs.DEFAULT_SYMMETRIC_QNNPACK_QCONFIG.activation(),
                    ReadyMade.DEFAULT_WEIGHT_OBSERVER));
    try (Fixtures.Cnn net = Fixtures.cnn();
        GraphModule prepared =
            QuantizeFx.prepareFx(
                net,
                FxConfig.of(signed).backend(BackendConfig.forBackend("x86")),
                Fixtures.images(2))) {
      assertThat(prepared.report().quantized()).isEmpty();
      assertThat(Fixtures.op(prepared.report(), "conv1/Conv").reason())
          .contains("none of the qconfig's types")
          .contains("qint8, not quint8");
    }
  }
}
