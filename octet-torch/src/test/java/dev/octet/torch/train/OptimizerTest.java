package dev.octet.torch.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

final class OptimizerTest {
  private static Tensor parameter(float... values) {
    Tensor made = Tensors.of(values, values.length);
    made.set_requires_grad(true);
    return made;
  }

  /** One step on half the squared distance to (1, 1, ...), whose gradient is p - 1. */
  private static void step(Optimizer optimizer, Tensor... parameters) {
    try (Scope scope = Scope.open()) {
      optimizer.zeroGrad();
      for (Tensor parameter : parameters) {
        parameter.sub(Tensors.scalar(1)).square().mul(Tensors.scalar(0.5f)).sum().backward();
      }
      optimizer.step();
    }
  }

  @Test
  void everyGroupHasItsOwnRateAndDecay() {
    try (Scope scope = Scope.open()) {
      Tensor a = parameter(3);
      Tensor b = parameter(3);
      try (Optimizer sgd =
          Optimizer.sgd(
              List.of(ParameterGroup.of(List.of(a), 0.5, 0), ParameterGroup.of(List.of(b), 0.1, 1)),
              0,
              false)) {
        step(sgd, a, b);
        assertThat(Tensors.toFloats(a)[0]).isCloseTo(3 - 0.5f * 2, within(1e-6f));
        assertThat(Tensors.toFloats(b)[0]).isCloseTo(3 - 0.1f * (2 + 3), within(1e-6f));
        sgd.scaleLearningRate(0.1);
        step(sgd, a, b);
        assertThat(Tensors.toFloats(a)[0]).isCloseTo(2 - 0.05f, within(1e-6f));
      }
    }
  }

  @Test
  void trainsOthersInTheirPlacesWithMomentaAnew() {
    try (Scope scope = Scope.open()) {
      Tensor a = parameter(3, 5);
      Tensor b = parameter(3);
      Tensor smaller = parameter(3);
      try (Optimizer sgd =
          Optimizer.sgd(
              List.of(ParameterGroup.of(List.of(a), 0.5, 0), ParameterGroup.of(List.of(b), 0.1, 0)),
              0.9,
              false)) {
        sgd.scaleLearningRate(0.5);
        step(sgd, a, b);
        float left = Tensors.toFloats(b)[0];
        float[] before = Tensors.toFloats(a);
        sgd.exchange(Map.of(a, smaller));
        step(sgd, smaller, b);
        // No momentum of before, the groups' rates, and the factor that was set.
        assertThat(Tensors.toFloats(smaller)[0]).isCloseTo(3 - 0.25f * 2, within(1e-6f));
        assertThat(Tensors.toFloats(b)[0]).isCloseTo(left - 0.05f * (left - 1), within(1e-6f));
        assertThat(Tensors.toFloats(a)).containsExactly(before);
        assertThat(sgd.groups().get(0).parameters()).containsExactly(smaller);
      }
    }
  }

  @Test
  void takesFurtherGroups() {
    try (Scope scope = Scope.open()) {
      Tensor a = parameter(3);
      Tensor b = parameter(3);
      try (Optimizer sgd = Optimizer.sgd(List.of(ParameterGroup.of(List.of(a), 0.5, 0)), 0, false);
          Optimizer adam =
              Optimizer.adamW(List.of(ParameterGroup.of(List.of(a), 0.5, 0)), 0.9, 0.999)) {
        sgd.addGroup(ParameterGroup.of(List.of(b), 0.1, 1));
        step(sgd, a, b);
        assertThat(Tensors.toFloats(a)[0]).isCloseTo(3 - 0.5f * 2, within(1e-6f));
        assertThat(Tensors.toFloats(b)[0]).isCloseTo(3 - 0.1f * (2 + 3), within(1e-6f));
        assertThat(sgd.groups()).hasSize(2);
        assertThatThrownBy(() -> sgd.addGroup(ParameterGroup.of(List.of(b), 0.1, 1)))
            .hasMessageContaining("in a group already");
        ParameterGroup withMomentum =
            new ParameterGroup(List.of(b), 0.1, 0, OptionalDouble.of(0.5));
        assertThatThrownBy(() -> adam.addGroup(withMomentum))
            .hasMessageContaining("AdamW has no momentum");
      }
    }
  }

  @Test
  void aSavedStateContinuesBitForBit() {
    continuesBitForBit(groups -> Optimizer.sgd(groups, 0.9, true));
    continuesBitForBit(groups -> Optimizer.adamW(groups, 0.9, 0.999));
  }

  private static void continuesBitForBit(Function<List<ParameterGroup>, Optimizer> make) {
    try (Scope scope = Scope.open()) {
      Tensor whole = parameter(3, -2, 0.1f);
      Tensor resumed = parameter(0, 0, 0);
      byte[] state;
      try (Optimizer optimizer =
          make.apply(List.of(ParameterGroup.of(List.of(whole), 0.1, 0.01)))) {
        for (int i = 0; i < 3; i++) {
          step(optimizer, whole);
        }
        state = optimizer.state();
        resumed.set_requires_grad(false).copy_(whole.detach());
        resumed.set_requires_grad(true);
        for (int i = 0; i < 3; i++) {
          step(optimizer, whole);
        }
      }
      try (Optimizer optimizer =
          make.apply(List.of(ParameterGroup.of(List.of(resumed), 0.1, 0.01)))) {
        optimizer.load(state);
        for (int i = 0; i < 3; i++) {
          step(optimizer, resumed);
        }
      }
      assertThat(Tensors.toFloats(resumed)).containsExactly(Tensors.toFloats(whole));
    }
  }

  @Test
  void adamWFollowsItsFormula() {
    double beta1 = 0.5;
    double beta2 = 0.9;
    double expected = 3;
    double mean = 0;
    double square = 0;
    try (Scope scope = Scope.open()) {
      Tensor p = parameter(3);
      try (Optimizer adamW =
          Optimizer.adamW(List.of(ParameterGroup.of(List.of(p), 0.1, 0.01)), beta1, beta2)) {
        for (int t = 1; t <= 4; t++) {
          step(adamW, p);
          double gradient = expected - 1;
          expected -= 0.1 * 0.01 * expected;
          mean = beta1 * mean + (1 - beta1) * gradient;
          square = beta2 * square + (1 - beta2) * gradient * gradient;
          expected -=
              0.1
                  * (mean / (1 - Math.pow(beta1, t)))
                  / (Math.sqrt(square / (1 - Math.pow(beta2, t))) + 1e-8);
        }
      }
      assertThat(Tensors.toFloats(p)[0]).isCloseTo((float) expected, within(1e-5f));
    }
  }

  @Test
  void clipsTheCommonNorm() {
    try (Scope scope = Scope.open()) {
      Tensor a = parameter(4);
      Tensor b = parameter(5);
      try (Optimizer sgd =
          Optimizer.sgd(List.of(ParameterGroup.of(List.of(a, b), 1, 0)), 0, false)) {
        assertThat(sgd.clipGradients(1)).isZero();
        a.mul(Tensors.scalar(3)).sum().backward();
        b.mul(Tensors.scalar(4)).sum().backward();
        assertThat(sgd.clipGradients(1)).isCloseTo(5, within(1e-6));
        sgd.step();
        assertThat(Tensors.toFloats(a)[0]).isCloseTo(4 - 0.6f, within(1e-5f));
        a.mul(Tensors.scalar(Float.POSITIVE_INFINITY)).sum().backward();
        assertThatThrownBy(() -> sgd.clipGradients(1)).isInstanceOf(ArithmeticException.class);
      }
    }
  }

  @Test
  void schedulesStartAndEndWhereTheySay() {
    LearningRate cosine = LearningRate.cosine(0.01);
    assertThat(cosine.factor(0, 100)).isEqualTo(1);
    assertThat(cosine.factor(50, 100)).isCloseTo(0.505, within(1e-12));
    assertThat(cosine.factor(100, 100)).isCloseTo(0.01, within(1e-12));
    LearningRate steps = LearningRate.steps(0.1, 0.5, 0.75);
    assertThat(steps.factor(49, 100)).isEqualTo(1);
    assertThat(steps.factor(75, 100)).isCloseTo(0.01, within(1e-12));
    LearningRate warm = LearningRate.constant().afterWarmup(0.1);
    assertThat(warm.factor(0, 100)).isBetween(0.05, 0.1);
    assertThat(warm.factor(10, 100)).isEqualTo(1);
  }

  @Test
  void refusesSettingsThatMakeNoSense() {
    try (Scope scope = Scope.open()) {
      List<ParameterGroup> groups = List.of(ParameterGroup.of(List.of(parameter(1)), 1, 0));
      assertThatThrownBy(() -> Optimizer.sgd(groups, 1, false))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> Optimizer.sgd(groups, 0, true)).hasMessageContaining("momentum");
      assertThatThrownBy(() -> ParameterGroup.of(List.of(), 1, 0)).hasMessageContaining("without");
      assertThatThrownBy(() -> ParameterGroup.of(List.of(parameter(1)), Double.NaN, 0))
          .hasMessageContaining("NaN");
      Tensor closed = parameter(1);
      closed.close();
      assertThatThrownBy(
              () -> Optimizer.sgd(List.of(ParameterGroup.of(List.of(closed), 1, 0)), 0, false))
          .hasMessageContaining("closed");
    }
  }
}
