package dev.octet.torch.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

/** Who frees what. */
final class OwnershipTest {
  @Test
  void aLayerBuiltOutsideAnyScopeIsFreedByClose() {
    Conv2d conv = Conv2d.builder(3, 4, 3).build();
    Tensor weight = conv.weight();
    conv.close();
    assertThat(weight.isNull()).isTrue();
  }

  @Test
  void aLayerBuiltInsideAScopeOutlivesItAndIsFreedByClose() {
    Conv2d conv;
    try (Scope scope = Scope.open()) {
      conv = Conv2d.builder(3, 4, 3).build();
    }
    Tensor weight = conv.weight();
    assertThat(Tensors.toFloats(weight)).hasSize(108);
    conv.close();
    assertThat(weight.isNull()).isTrue();
  }

  @Test
  void aSharedParameterIsFreedWithItsLastOwner() {
    Linear first = Linear.builder(2, 2).build();
    Linear second = new Linear(first);
    Tensor weight = first.weight();
    first.close();
    assertThat(Tensors.toFloats(weight)).hasSize(4);
    second.close();
    assertThat(weight.isNull()).isTrue();
  }

  @Test
  void namesTheNumberOfInputsThatIsWrong() {
    try (Add add = Add.of();
        Scope scope = Scope.open()) {
      assertThatThrownBy(() -> add.call(Tensors.scalar(1)))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("2 inputs");
    }
  }
}
