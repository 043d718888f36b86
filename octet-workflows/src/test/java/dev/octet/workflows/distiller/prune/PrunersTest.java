package dev.octet.workflows.distiller.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

final class PrunersTest {
  private static final PrunerEpochs ONCE = new PrunerEpochs(0, 1, 1, 0);

  /** A layer with the weights 1 to 8, signs alternating, in two rows. */
  private static Linear layer() {
    Linear layer = Linear.builder(4, 2).build();
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      layer.weight().copy_(Tensors.of(new float[] {1, -2, 3, -4, 5, -6, 7, -8}, 2, 4));
      Tensor bias = layer.bias();
      assertThat(bias).isNotNull();
      bias.fill_(new Scalar(0.5));
    }
    return layer;
  }

  @Test
  void pruneByThresholdLevelAndSensitivity() {
    try (Module net = layer();
        ZerosMaskDict masks = new ZerosMaskDict(net)) {
      new MagnitudeParameterPruner("m", Map.of("weight", 2.5)).prune(masks, ONCE);
      assertThat(masks.values("weight")).containsExactly(0, -0f, 3, -4, 5, -6, 7, -8);
      new SparsityLevelParameterPruner("l", Map.of("*", 0.5)).prune(masks, ONCE);
      assertThat(masks.values("weight")).containsExactly(0, -0f, 0, -0f, 5, -6, 7, -8);
      assertThat(masks.sparsities()).containsExactly(Map.entry("weight", 0.5));
      assertThat(masks.values("bias")).containsExactly(0.5f, 0.5f);
      SensitivityPruner sensitivity = new SensitivityPruner("s", Map.of("module.weight", 1.0));
      sensitivity.prune(masks, ONCE);
      double deviation = sensitivity.state().get("weight")[0];
      assertThat(deviation).isBetween(4.6, 4.8);
      assertThat(masks.sparsity("weight")).isEqualTo(0.5);
    }
  }

  @Test
  void sparsityGrowsAsTheFormulaHasIt() {
    AutomatedGradualPruner pruner = new AutomatedGradualPruner("a", 0.25, 0.75, List.of("weight"));
    assertThat(pruner.sparsity(new PrunerEpochs(2, 11, 2, 2))).isEqualTo(0.25);
    // Four uses after the first, of which this is the second: (1 - 1/2)^3.
    assertThat(pruner.sparsity(new PrunerEpochs(2, 11, 2, 6)))
        .isCloseTo(0.75 - 0.5 * 0.125, within(1e-12));
    assertThat(pruner.sparsity(new PrunerEpochs(2, 11, 2, 10))).isEqualTo(0.75);
    assertThat(pruner.sparsity(new PrunerEpochs(2, 3, 1, 2))).isEqualTo(0.75);
    try (Module net = layer();
        ZerosMaskDict masks = new ZerosMaskDict(net)) {
      pruner.prune(masks, new PrunerEpochs(0, 3, 1, 0));
      assertThat(masks.sparsity("weight")).isEqualTo(0.25);
      pruner.prune(masks, new PrunerEpochs(0, 3, 1, 2));
      assertThat(masks.sparsity("weight")).isEqualTo(0.75);
      assertThat(masks.values("weight")[7]).isEqualTo(-8);
    }
  }

  @Test
  void masksHoldAgainstWhatMovesTheParameter() {
    try (Module net = layer();
        ZerosMaskDict masks = new ZerosMaskDict(net);
        ZerosMaskDict other = new ZerosMaskDict(net)) {
      masks.setMask("weight", new boolean[] {true, false, true, true, true, true, true, false});
      try (Torch.Switched noGrad = Torch.noGrad();
          Scope scope = Scope.open()) {
        net.parameters().get("weight").add_(new Scalar(1.0));
      }
      assertThat(masks.sparsity("weight")).isZero();
      masks.apply();
      assertThat(masks.sparsity("weight")).isEqualTo(0.25);
      other.restore(masks.state());
      assertThat(other.mask("weight")).containsExactly(masks.mask("weight"));
      assertThat(other.mask("bias")).isNull();
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (Module net = layer();
        ZerosMaskDict masks = new ZerosMaskDict(net)) {
      assertThatThrownBy(() -> masks.setMask("weight", new boolean[3]))
          .hasMessageContaining("3 elements does not fit 'weight'");
      assertThatThrownBy(() -> masks.sparsity("wight"))
          .hasMessage("the model has no parameter 'wight'; it has [weight, bias]");
      assertThatThrownBy(() -> new MagnitudeParameterPruner("m", Map.of("w", 1.0)).check(masks))
          .hasMessageContaining("no parameter 'w'");
      assertThatThrownBy(() -> new SparsityLevelParameterPruner("l", Map.of("weight", 1.5)))
          .hasMessage("the level of 'weight' is 1.5; choose 0 to 1.0");
      assertThatThrownBy(() -> new AutomatedGradualPruner("a", 0.5, 0.2, List.of("weight")))
          .hasMessageContaining("it must grow inside [0, 1]");
    }
  }
}
