package dev.octet.torch.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class OperationTest {
  private static Arguments operation(Supplier<Operation> operation, int inputs, float... expected) {
    return Arguments.of(operation, inputs, expected);
  }

  /** On [[1, -2, 3, 4]], [[2, 4, -1, 8]] and so on; the second is twice, the third thrice that. */
  static Stream<Arguments> operations() {
    return Stream.of(
        operation(Operation::sub, 2, -1, -6, 4, -4),
        operation(Operation::sub, 3, -7, -18, 7, -28),
        operation(Operation::div, 2, 0.5f, -0.5f, -3, 0.5f),
        operation(() -> Operation.stack(1), 2, 1, -2, 3, 4, 2, 4, -1, 8),
        operation(() -> Operation.chunk(2, 1, 1), 1, 3, 4),
        operation(() -> Operation.split(3, 1, 0), 1, 1, -2, 3),
        operation(() -> Operation.split(3, 1, 1), 1, 4),
        operation(() -> Operation.mean(true, 1), 1, 1.5f),
        operation(() -> Operation.norm(1, false, 1), 1, 10),
        operation(() -> Operation.norm(2, false, 1), 1, (float) Math.sqrt(30)),
        operation(() -> Operation.norm(3, false, 1), 1, (float) Math.cbrt(100)),
        operation(() -> Operation.norm(Double.POSITIVE_INFINITY, true, 1), 1, 4),
        operation(() -> Operation.print(text -> {}), 1, 1, -2, 3, 4));
  }

  @ParameterizedTest
  @MethodSource("operations")
  void computesAndIsExported(Supplier<Operation> made, int count, float[] expected) {
    float[][] values = {{1, -2, 3, 4}, {2, 4, -1, 8}, {6, 12, -3, 24}};
    try (Scope scope = Scope.open();
        Operation operation = made.get()) {
      Tensor[] inputs = new Tensor[count];
      Tensor[] others = new Tensor[count];
      for (int i = 0; i < count; i++) {
        inputs[i] = Tensors.of(values[i], 1, 4);
        others[i] = torch.randn(3, 4).abs();
      }
      assertThat(Tensors.toFloats(operation.call(inputs))).containsExactly(expected, within(1e-5f));
      try (Exported exported =
          Exported.of(operation, List.of(inputs), () -> List.of(operation.call(inputs)))) {
        assertThat(exported.run(inputs).get(0)).containsExactly(expected, within(1e-5f));
        assertThat(exported.run(others).get(0))
            .containsExactly(Tensors.toFloats(operation.call(others)), within(1e-4f));
      }
    }
  }

  @Test
  void gradientsPassAndTheNameIsPrinted() {
    try (Scope scope = Scope.open();
        Module net = new Sequential(Operation.of("Twice", x -> x[0].add(x[0])))) {
      Tensor x = torch.ones(2, 3).requires_grad_(true);
      net.call(x).sum().backward();
      assertThat(Tensors.toFloats(x.grad())).containsOnly(2f);
      assertThat(net.get("0")).hasToString("Twice()");
      assertThat(Operation.chunk(2, 1, 0)).hasToString("Chunk(chunks=2, dim=1, index=0)");
      assertThat(Operation.norm(2, true, 1, 2)).hasToString("Norm(p=2.0, dims=[1, 2], keepdim)");
    }
  }

  @Test
  void printTellsWhatPasses() {
    List<String> told = new ArrayList<>();
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      Tensor x = torch.zeros(2, 3);
      assertThat(Operation.print(told::add).call(x)).isEqualTo(x);
      assertThat(told).containsExactly(Tensors.describe(x));
    }
  }

  @Test
  void refusesWhatCannotBe() {
    try (Scope scope = Scope.open()) {
      Tensor x = torch.zeros(2, 3);
      assertThatThrownBy(() -> Operation.chunk(2, 1, 5).call(x))
          .hasRootCauseInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("there is no part 5");
      assertThatThrownBy(() -> Operation.sub().call(x)).hasMessageContaining("2 inputs or more");
      assertThatThrownBy(() -> Operation.mean(false, 0).call(x, x))
          .hasMessageContaining("it takes 1 input, not 2");
      assertThatThrownBy(() -> Operation.norm(0, false, 0)).hasMessage("p is 0.0, not above 0");
      assertThatThrownBy(() -> Operation.split(1, 0, -1)).hasMessageContaining("the index is -1");
    }
  }
}
