package dev.octet.workflows.distiller;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import java.util.function.ToDoubleFunction;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class LapqTest {
  private static Module net() {
    Torch.seed(9);
    return new Sequential(
        Linear.builder(6, 12).build(), Activation.relu(), Linear.builder(12, 3).build());
  }

  private static PostTrainLinearQuantizer prepared(
      Module model, LinearQuantMode mode, boolean keepFloat, Tensor x) {
    PostTrainLinearQuantizer quantizer =
        PostTrainLinearQuantizer.builder(model)
            .bitsActivations(4)
            .bitsParameters(3)
            .mode(mode)
            .saveFpWeights(keepFloat)
            .modelActivationStats(Observed.stats(model, x))
            .build();
    quantizer.prepareModel(x);
    model.eval();
    return quantizer;
  }

  @ParameterizedTest
  @CsvSource({
    "SYMMETRIC, RANGES, POWELL, false",
    "SYMMETRIC, L2, COORDINATE, false",
    "SYMMETRIC, L3, POWELL, true",
    "ASYMMETRIC_SIGNED, L2, POWELL, true"
  })
  void findsALesserLossAndLeavesIt(
      LinearQuantMode mode, Lapq.Init init, Lapq.Method method, boolean ranges) {
    try (Scope scope = Scope.open();
        Module model = net()) {
      Tensor x = torch.randn(64, 6);
      model.eval();
      Tensor exact = model.call(x);
      ToDoubleFunction<Module> loss =
          net -> {
            try (Scope inner = Scope.open()) {
              return net.call(x).sub(exact).square().mean().item_double();
            }
          };
      PostTrainLinearQuantizer quantizer = prepared(model, mode, true, x);
      Lapq.Result found =
          Lapq.search(
              quantizer, new Lapq.Settings(init, method, 2, 300, ranges), new Tensor[] {x}, loss);
      assertThat(found.bestLoss()).isLessThan(0.9 * found.startLoss());
      assertThat(found.bestLoss()).isLessThanOrEqualTo(found.initLoss());
      assertThat(loss.applyAsDouble(model)).isEqualTo(found.bestLoss());
      assertThat(found.evaluations()).isLessThanOrEqualTo(302);
    }
  }

  @Test
  void saysWhatItNeeds() {
    try (Scope scope = Scope.open();
        Module model = net()) {
      Tensor x = torch.randn(8, 6);
      PostTrainLinearQuantizer quantizer = prepared(model, LinearQuantMode.SYMMETRIC, false, x);
      assertThatThrownBy(
              () -> Lapq.search(quantizer, Lapq.Settings.DEFAULT, new Tensor[] {x}, net -> 0))
          .hasMessageContaining("saveFpWeights(true)");
    }
    try (Scope scope = Scope.open();
        Module model = net()) {
      Tensor x = torch.randn(8, 6);
      PostTrainLinearQuantizer quantizer =
          prepared(model, LinearQuantMode.ASYMMETRIC_SIGNED, true, x);
      assertThatThrownBy(
              () -> Lapq.search(quantizer, Lapq.Settings.DEFAULT, new Tensor[] {x}, net -> 0))
          .hasMessageContaining("searchClipping");
    }
  }

  @Test
  void powellFindsTheBottomOfAValley() {
    // Rosenbrock's function, whose valley no coordinate follows.
    Powell powell =
        new Powell(
            p -> Math.pow(1 - p[0], 2) + 100 * Math.pow(p[1] - p[0] * p[0], 2), 20000, 0.25, 1e-6);
    powell.minimize(new double[] {-1.2, 1}, 200, true);
    assertThat(powell.bestValue()).isLessThan(1e-3);
    assertThat(powell.evaluations()).isLessThanOrEqualTo(20000);
  }
}
