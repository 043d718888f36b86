package dev.octet.workflows.distiller;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class LapqTest {
  private static Module net() {
    Torch.seed(9);
    return new Sequential(
        Linear.builder(6, 12).build(), Activation.relu(), Linear.builder(12, 3).build());
  }

  private static PostTrainLinearQuantizer prepared(
      Module model, LinearQuantMode mode, boolean keepFloat, Tensor x) {
    PostTrainLinearQuantizer quantizer =
        Observed.prepared(
            PostTrainLinearQuantizer.builder(model)
                .bitsActivations(4)
                .bitsParameters(3)
                .mode(mode)
                .saveFpWeights(keepFloat),
            model,
            x);
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
      ToDoubleFunction<Module> loss = mse(x, exact);
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
  void hopsFollowTheirSeedAndAreNoWorseThanOneSearch() {
    List<Lapq.Result> found = new ArrayList<>();
    for (Lapq.BasinHopping hopping :
        new Lapq.BasinHopping[] {
          null,
          new Lapq.BasinHopping(3, 0.5, 1, 7),
          new Lapq.BasinHopping(3, 0.5, 1, 7),
          new Lapq.BasinHopping(3, 0.5, 0, 8)
        }) {
      try (Scope scope = Scope.open();
          Module model = net()) {
        Tensor x = torch.randn(64, 6);
        model.eval();
        Tensor exact = model.call(x);
        PostTrainLinearQuantizer quantizer = prepared(model, LinearQuantMode.SYMMETRIC, true, x);
        Lapq.Settings settings =
            new Lapq.Settings(
                Lapq.Init.L2,
                Lapq.Method.NELDER_MEAD,
                1,
                400,
                false,
                Lapq.Method.COORDINATE,
                hopping);
        found.add(Lapq.search(quantizer, settings, new Tensor[] {x}, mse(x, exact)));
        assertThat(mse(x, exact).applyAsDouble(model))
            .isEqualTo(found.get(found.size() - 1).bestLoss());
      }
    }
    assertThat(found.get(1)).isEqualTo(found.get(2)).isNotEqualTo(found.get(3));
    assertThat(found.get(0).bestLoss()).isLessThan(found.get(0).startLoss());
    assertThat(found.get(1).bestLoss()).isLessThanOrEqualTo(found.get(0).bestLoss());
    assertThat(found.get(1).evaluations()).isGreaterThan(found.get(0).evaluations());
    assertThat(found).allSatisfy(each -> assertThat(each.evaluations()).isLessThanOrEqualTo(402));
    assertThatThrownBy(() -> new Lapq.BasinHopping(0, 0.5, 1, 1)).hasMessageContaining("0 hops");
  }

  @ParameterizedTest
  @EnumSource(LinearQuantMode.class)
  void theGreedySearchClipsWhereItHelps(LinearQuantMode mode) {
    try (Scope scope = Scope.open();
        Module model = net()) {
      Tensor x = torch.randn(256, 6);
      x.get(0).mul_(new Scalar(6)); // an outlier that a range should leave out
      model.eval();
      Tensor exact = model.call(x);
      PostTrainLinearQuantizer quantizer = prepared(model, mode, true, x);
      double start = mse(x, exact).applyAsDouble(model);
      GreedyClipSearch.Result found = GreedyClipSearch.search(quantizer, mse(x, exact));
      assertThat(found.startLoss()).isEqualTo(start);
      assertThat(found.bestLoss()).isLessThanOrEqualTo(start);
      assertThat(mse(x, exact).applyAsDouble(model)).isEqualTo(found.bestLoss());
      if (mode.isSymmetric()) {
        assertThat(found.bestLoss()).isLessThan(start);
        assertThat(found.modes().keySet()).containsExactly("0", "2");
        assertThat(found.modes().values()).anyMatch(chosen -> chosen != ClipMode.NONE);
      }
      assertThat(found.evaluations()).isEqualTo(2 + 2 * 4);
    }
  }

  private static ToDoubleFunction<Module> mse(Tensor x, Tensor exact) {
    return net -> {
      try (Scope inner = Scope.open()) {
        return net.call(x).sub(exact).square().mean().item_double();
      }
    };
  }

  /** Rosenbrock's function, whose valley no coordinate follows. */
  private static Objective valley(int evaluations) {
    return new Objective(
        p -> Math.pow(1 - p[0], 2) + 100 * Math.pow(p[1] - p[0] * p[0], 2), evaluations);
  }

  @Test
  void bothMethodsFindTheBottomOfAValley() {
    Objective byPowell = valley(20000);
    new Powell(byPowell, 0.25, 1e-6).minimize(new double[] {-1.2, 1}, 200, true);
    Objective bySimplex = valley(2000);
    new NelderMead(bySimplex, 0.25, 1e-6).minimize(new double[] {-1.2, 1}, 2);
    for (Objective found : List.of(byPowell, bySimplex)) {
      assertThat(found.bestValue()).isLessThan(1e-3);
      assertThat(found.best()[0]).isCloseTo(1, within(0.1));
    }
    assertThat(byPowell.evaluations()).isLessThanOrEqualTo(20000);
    assertThat(bySimplex.evaluations()).isLessThan(1000);
  }

  @Test
  void noSearchAsksMoreThanItMayNorMindsWhatIsNoNumber() {
    for (Lapq.Method method : Lapq.Method.values()) {
      Objective few = valley(5);
      method.minimize(few, new double[] {3, 3}, 10);
      assertThat(few.evaluations()).isEqualTo(5);
      Objective none = new Objective(p -> Double.NaN, 50);
      method.minimize(none, new double[] {3, 3}, 2);
      assertThat(none.best()).containsExactly(3, 3);
    }
  }
}
