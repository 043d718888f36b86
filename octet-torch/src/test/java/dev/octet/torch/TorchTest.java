package dev.octet.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

final class TorchTest {
  @Test
  void gradientsComeBackAtOnceInsideAScope() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensors.scalar(1).set_requires_grad(true);
      try (Torch.Switched outer = Torch.noGrad()) {
        try (Torch.Switched inner = Torch.noGrad()) {
          assertThat(x.mul(x).requires_grad()).isFalse();
        }
        assertThat(x.mul(x).requires_grad()).isFalse();
      }
      assertThat(x.mul(x).requires_grad()).isTrue();
    }
  }

  @Test
  void randomNumbersGoOnFromASavedState() {
    try (Scope scope = Scope.open()) {
      Torch.seed(3);
      byte[] state = Torch.randomState();
      float[] first = Tensors.toFloats(torch.rand(8));
      Torch.setRandomState(state);
      assertThat(Tensors.toFloats(torch.rand(8))).containsExactly(first);
      assertThatThrownBy(() -> Torch.setRandomState(new byte[3]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("3");
    }
  }

  @Test
  void refusesNoThreads() {
    assertThatThrownBy(() -> Torch.threads(0)).isInstanceOf(IllegalArgumentException.class);
  }
}
