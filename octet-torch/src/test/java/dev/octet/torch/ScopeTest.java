package dev.octet.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

final class ScopeTest {
  @Test
  void freesWhatIsMadeInside() {
    Tensor made;
    try (Scope scope = Scope.open()) {
      made = Tensors.scalar(1);
      assertThat(Tensors.toFloats(made)).containsExactly(1);
    }
    assertThat(made.isNull()).isTrue();
  }

  @Test
  void givesToTheScopeAround() {
    Tensor made;
    try (Scope outer = Scope.open()) {
      try (Scope inner = Scope.open()) {
        made = inner.give(Tensors.scalar(2));
      }
      assertThat(Tensors.toFloats(made)).containsExactly(2);
    }
    assertThat(made.isNull()).isTrue();
  }

  @Test
  void givesToTheCallerWhereNoScopeIsAround() {
    Tensor made;
    try (Scope scope = Scope.open()) {
      made = scope.give(Tensors.scalar(3));
    }
    assertThat(Tensors.toFloats(made)).containsExactly(3);
    made.close();
    assertThat(made.isNull()).isTrue();
  }

  @Test
  void keptTensorsOutliveAllScopes() {
    Tensor made;
    try (Scope outer = Scope.open();
        Scope inner = Scope.open()) {
      made = Scope.keep(Tensors.scalar(4));
    }
    assertThat(Tensors.toFloats(made)).containsExactly(4);
    made.close();
    assertThat(made.isNull()).isTrue();
  }

  @Test
  void refusesToGiveAfterClosing() {
    Scope scope = Scope.open();
    Tensor made = Scope.keep(Tensors.scalar(5));
    scope.close();
    assertThatThrownBy(() -> scope.give(made)).isInstanceOf(IllegalStateException.class);
    made.close();
  }

  @Test
  void roundTripsHostTensors() {
    try (Scope scope = Scope.open()) {
      var host = dev.octet.graph.Tensor.ofFloats(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
      assertThat(Tensors.toHost(Tensors.of(host))).isEqualTo(host);
      assertThat(Tensors.toHost(Tensors.of(host).t()).toFloats()).containsExactly(1, 4, 2, 5, 3, 6);
      var empty = dev.octet.graph.Tensor.ofLongs(new long[0], 0, 3);
      assertThat(Tensors.toHost(Tensors.of(empty))).isEqualTo(empty);
    }
  }
}
