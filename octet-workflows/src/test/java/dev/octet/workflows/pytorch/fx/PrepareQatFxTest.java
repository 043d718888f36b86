package dev.octet.workflows.pytorch.fx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.Model;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.ParameterGroup;
import dev.octet.workflows.pytorch.Backend;
import dev.octet.workflows.pytorch.observer.FakeQuantize;
import dev.octet.workflows.pytorch.observer.FakeQuantizeBase;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class PrepareQatFxTest {

  /** Both have one scale rule, so that what trains is what is converted. */
  @ParameterizedTest
  @EnumSource(names = {"OCTET", "ONEDNN"})
  void trainsAndComputesInTrainingWhatTheIntegersCompute(Backend backend) {
    try (Fixtures.Cnn net = Fixtures.cnn()) {
      net.train(true);
      FxConfig config =
          FxConfig.of(backend.qatQConfigMapping(0))
              .backend(BackendConfig.forBackend(backend.toString()).quantizedOutputs(true));
      try (GraphModule prepared = QuantizeFx.prepareQatFx(net, config, Fixtures.images(2))) {
        assertThat(prepared.isTraining()).isTrue();
        assertThat(prepared.weightModules()).hasSize(4);
        assertThat(prepared.parameters()).containsKey("bn1.weight");
        double[] losses = train(prepared);
        assertThat(losses[1]).isLessThan(0.7 * losses[0]);
        prepared.eval();
        // The folded weights are rounded by their own range, seen in one call.
        Fixtures.calibrate(prepared, Fixtures.images(8));
        FakeQuantizeBase.disableObserver(prepared);
        Tensor x = Fixtures.images(8);
        float[] simulated = Fixtures.values(prepared, x);
        Model model = Fixtures.checkConverted(prepared, x);
        try (ConvertedModule converted = QuantizeFx.convertFx(prepared)) {
          Fixtures.assertAgrees(
              simulated, Fixtures.values(converted, x), Fixtures.outputScale(model));
        }
        assertThat(model.graph().nodes()).noneMatch(node -> node.is("BatchNormalization"));
      }
    }
  }

  private static double[] train(GraphModule prepared) {
    double first = 0;
    double last = 0;
    try (Scope scope = Scope.open();
        Optimizer sgd =
            Optimizer.sgd(
                List.of(ParameterGroup.of(prepared.parameters().values(), 0.05, 0)), 0.9, false)) {
      Tensor x = Fixtures.images(16);
      Tensor labels = torch.randint(5, new long[] {16}).to(torch.ScalarType.Long);
      for (int step = 0; step < 40; step++) {
        prepared.freezeStatistics(step > 30);
        try (Scope inner = Scope.open()) {
          prepared.zeroGrad();
          Tensor loss = torch.cross_entropy_loss(prepared.call(x), labels);
          loss.backward();
          sgd.step();
          last = loss.item_double();
          first = step == 0 ? last : first;
        }
      }
    }
    return new double[] {first, last};
  }

  @Test
  void anImportedModelTrainsToo() {
    Torch.seed(1);
    try (GraphModule prepared =
        QuantizeFx.prepareQatFx(Fixtures.imported(), FxConfig.qat(Backend.X86))) {
      assertThat(prepared.weightModules()).hasSize(3);
      try (Scope scope = Scope.open()) {
        Tensor y = prepared.call(torch.randn(8, 3, 6, 6));
        y.square().mean().backward();
        assertThat(prepared.parameters().get("a.weight").grad().abs().sum().item_float())
            .isPositive();
      }
      prepared.eval();
      Fixtures.checkConverted(prepared, torch.randn(4, 3, 6, 6));
    }
  }

  @Test
  void weightsOfMatrixProductsAreRoundedByOutput() {
    Torch.seed(4);
    try (Fixtures.Transformer net = new Fixtures.Transformer()) {
      try (GraphModule prepared =
          QuantizeFx.prepareQatFx(
              net,
              FxConfig.of(Backend.ONEDNN.qatQConfigMapping(0))
                  .backend(BackendConfig.forBackend("onednn")),
              torch.randn(2, 6, 16))) {
        prepared.eval();
        Fixtures.calibrate(prepared, torch.randn(8, 6, 16));
        OutputsFirst turned =
            (OutputsFirst)
                prepared.weightModules().values().stream()
                    .filter(OutputsFirst.class::isInstance)
                    .findFirst()
                    .orElseThrow();
        assertThat(((FakeQuantize) turned.process()).calculateQParams().count()).isIn(16, 32);
        Fixtures.checkConverted(prepared, torch.randn(4, 6, 16));
      }
    }
  }

  @Test
  void refusesAModuleInEvalModeAndEqualization() {
    try (Fixtures.Cnn net = Fixtures.cnn()) {
      assertThatThrownBy(
              () -> QuantizeFx.prepareQatFx(net, FxConfig.qat(Backend.X86), Fixtures.images(2)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("eval mode");
      net.train(true);
      assertThatThrownBy(
              () ->
                  QuantizeFx.prepareQatFx(
                      net,
                      FxConfig.qat(Backend.X86).equalization(EqualizationMapping.all()),
                      Fixtures.images(2)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("equalize");
    }
  }
}
