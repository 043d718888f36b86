package dev.octet.torch.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each operation, traced on a batch of two and run on five in ONNX Runtime. */
final class OpsTraceTest {
  private static Arguments op(
      String name, Function<Tensor[], Tensor> function, String operators, long... shape) {
    return arguments(name, function, operators, shape);
  }

  static Stream<Arguments> operations() {
    return Stream.of(
        op("a + b", x -> Ops.add(x[0], x[1]), "Add", 2, 3),
        op("a + 2", x -> Ops.add(x[0], 2), "Add", 2, 3),
        op("a - b", x -> Ops.sub(x[0], x[1]), "Sub", 2, 3),
        op("a - 2", x -> Ops.sub(x[0], 2), "Sub", 2, 3),
        op("2 - a", x -> Ops.sub(2, x[0]), "Sub", 2, 3),
        op("a b", x -> Ops.mul(x[0], x[1]), "Mul", 2, 3),
        op("a 0.5", x -> Ops.mul(x[0], 0.5), "Mul", 2, 3),
        op("a / b", x -> Ops.div(x[0], x[1]), "Div", 2, 3),
        op("a / 3", x -> Ops.div(x[0], 3), "Div", 2, 3),
        op("3 / a", x -> Ops.div(3, x[0]), "Div", 2, 3),
        op("|a| ^ b", x -> Ops.pow(Ops.abs(x[0]), x[1]), "Abs,Pow", 2, 3),
        op("a ^ 3", x -> Ops.pow(x[0], 3), "Pow", 2, 3),
        op("max", x -> Ops.maximum(x[0], x[1]), "Max", 2, 3),
        op("min", x -> Ops.minimum(x[0], x[1]), "Min", 2, 3),
        op("-exp", x -> Ops.neg(Ops.exp(x[0])), "Exp,Neg", 2, 3),
        op("log sqrt", x -> Ops.log(Ops.sqrt(Ops.abs(x[0]))), "Abs,Sqrt,Log", 2, 3),
        op("1/a", x -> Ops.reciprocal(x[0]), "Reciprocal", 2, 3),
        op("erf", x -> Ops.erf(x[0]), "Erf", 2, 3),
        op("clamp above", x -> Ops.clamp(x[0], Double.NEGATIVE_INFINITY, 0.5), "Clip", 2, 3),
        op("clamp below", x -> Ops.clamp(x[0], 0.5, Double.POSITIVE_INFINITY), "Clip", 2, 3),
        op(
            "where",
            x -> Ops.where(Ops.to(Ops.relu(x[0]), ScalarType.Bool), x[0], x[1]),
            "Relu,Cast,Where",
            2,
            3),
        op(
            "masked fill",
            x -> Ops.maskedFill(x[0], Ops.to(Ops.relu(x[1]), ScalarType.Bool), -7),
            "Relu,Cast,Where",
            2,
            3),
        op(
            "promotes",
            x -> Ops.add(Ops.to(Ops.mul(x[0], 9), ScalarType.Long), x[1]),
            "Mul,Cast,Cast,Add",
            2,
            3),
        op(
            "quotient of integers",
            x -> Ops.div(Ops.to(Ops.mul(x[0], 9), ScalarType.Long), 4),
            "Mul,Cast,Cast,Div",
            2,
            3),
        op("softmax", x -> Ops.softmax(x[0], 1), "Softmax", 2, 3, 4),
        op("matmul", x -> Ops.matmul(x[0], Ops.transpose(x[1], 1, 2)), "Transpose,MatMul", 2, 3, 4),
        op("mean", x -> Ops.mean(x[0]), "ReduceMean", 2, 3, 4),
        op("mean over", x -> Ops.mean(x[0], 1, -1), "ReduceMean", 2, 3, 4),
        op("mean kept", x -> Ops.mean(x[0], true, 2), "ReduceMean", 2, 3, 4),
        op("sum", x -> Ops.sum(x[0], 2), "ReduceSum", 2, 3, 4),
        op("sum kept", x -> Ops.sum(x[0], true), "ReduceSum", 2, 3, 4),
        op("amax", x -> Ops.amax(x[0], -1), "ReduceMax", 2, 3, 4),
        op("amin", x -> Ops.amin(x[0], true, 1, 2), "ReduceMin", 2, 3, 4),
        op("argmax", x -> Ops.argmax(x[0], -1, false), "ArgMax", 2, 3, 4),
        op("heads", x -> Ops.reshape(x[0], x[0].size(0), 3, 2, 2), "Reshape", 2, 3, 4),
        op("rows", x -> Ops.reshape(x[0], x[0].size(0) * 3, 4), "Reshape", 2, 3, 4),
        op("computed", x -> Ops.reshape(x[0], -1, 2), "Reshape", 2, 3, 4),
        op("computed last", x -> Ops.reshape(x[0], x[0].size(0), -1), "Reshape", 2, 3, 4),
        op("flatten", x -> Ops.flatten(x[0], 1, -1), "Flatten", 2, 3, 4),
        op("flatten one", x -> Ops.relu(Ops.flatten(x[0], -1, 2)), "Relu", 2, 3, 4),
        op("permute", x -> Ops.permute(x[0], 0, -1, 1), "Transpose", 2, 3, 4),
        op("squeeze", x -> Ops.squeeze(x[0], -2), "Squeeze", 2, 1, 4),
        op("squeeze nothing", x -> Ops.relu(Ops.squeeze(x[0], 1)), "Relu", 2, 3, 4),
        op("unsqueeze", x -> Ops.unsqueeze(x[0], -1), "Unsqueeze", 2, 3),
        op("expand", x -> Ops.expand(x[0], 2, -1, 3, 4), "Expand", 2, 1, 4),
        op("cat", x -> Ops.cat(List.of(x[0], x[1], x[0]), -1), "Concat", 2, 3),
        op("stack", x -> Ops.stack(List.of(x[0], x[1]), -1), "Unsqueeze,Unsqueeze,Concat", 2, 3),
        op("chunk", x -> Ops.chunk(x[0], 2, -1).get(1), "Split", 2, 5),
        op("split", x -> product(Ops.split(x[0], 2, 1)), "Split,Mul,Mul", 2, 6),
        op("split sizes", x -> Ops.split(x[0], new long[] {1, 3}, 1).get(1), "Split", 2, 4),
        op("slice", x -> Ops.slice(x[0], 1, -3, Long.MAX_VALUE, 2), "Slice", 2, 6),
        op("slice two", x -> Ops.slice(x[0], -1, 1, 3), "Slice", 2, 6),
        op("select", x -> Ops.select(x[0], 1, -1), "Gather", 2, 3, 4),
        op("pad", x -> Ops.pad(x[0], Ops.Padding.CONSTANT, 1.5, 1, 2, 0, 1), "Pad", 2, 3, 4),
        op("crop", x -> Ops.pad(x[0], -1, 2), "Pad", 2, 3, 4),
        op("pad circular", x -> Ops.pad(x[0], Ops.Padding.CIRCULAR, 0, 0, 2), "Slice,Concat", 2, 3, 4),
        op("full", x -> Ops.add(x[0], Ops.full(2, 3)), "Add", 2, 3),
        op("constant", x -> Ops.mul(x[0], Ops.constant(Tensors.scalar(4))), "Mul", 2, 3));
  }

  private static Tensor product(List<Tensor> parts) {
    return Ops.mul(Ops.mul(parts.get(0), parts.get(1)), parts.get(2));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("operations")
  void computesTheSameInOnnxRuntime(
      String name, Function<Tensor[], Tensor> function, String operators, long[] shape) {
    try (Module module = InOnnx.module(function);
        Scope scope = Scope.open()) {
      long[] larger = shape.clone();
      larger[0] = 5;
      List<String> traced =
          InOnnx.assertSame(
              module,
              new Tensor[] {Peer.random(1, shape), Peer.random(2, shape)},
              new Tensor[] {Peer.random(3, larger), Peer.random(4, larger)});
      assertThat(String.join(",", traced)).as(name).isEqualTo(operators);
    }
  }

  @Test
  void keepsIntegersWhereNumbersAreWhole() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensors.of(new long[] {-3, 5}, 2);
      assertThat(Tensors.type(Ops.add(x, 1))).isEqualTo(ScalarType.Long);
      assertThat(Tensors.toLongs(Ops.sub(1, x))).containsExactly(4, -4);
      assertThat(Tensors.type(Ops.mul(x, 0.5))).isEqualTo(ScalarType.Float);
      assertThat(Tensors.toFloats(Ops.div(x, 2))).containsExactly(-1.5f, 2.5f);
      assertThat(Tensors.toLongs(Ops.clamp(x, -1, 2))).containsExactly(-1, 2);
    }
  }

  @Test
  void freesWhatItMakesAtTheEndOfTheScope() {
    List<Tensor> parts;
    Tensor sum;
    try (Scope scope = Scope.open()) {
      parts = Ops.split(Peer.random(1, 4, 2), 2, 0);
      sum = Ops.add(parts.get(0), 1);
      assertThat(Tensors.shape(parts.get(1))).containsExactly(2, 2);
    }
    assertThat(parts).allMatch(part -> part.isNull());
    assertThat(sum.isNull()).isTrue();
  }

  @Test
  void namesWhatIsWrong() {
    try (Scope scope = Scope.open()) {
      Tensor x = Peer.random(1, 2, 3);
      assertThatThrownBy(() -> Ops.cat(List.of(), 0)).hasMessageContaining("no tensors");
      assertThatThrownBy(() -> Ops.split(x, 0, 0)).hasMessageContaining("parts of 0");
      assertThatThrownBy(() -> Ops.pad(x, 1)).hasMessageContaining("two sizes for each");
      assertThatThrownBy(() -> Ops.dropout(x, 1.5, true)).hasMessageContaining("1.5");
      assertThatThrownBy(() -> Ops.add(x, Peer.random(1, 4))).isInstanceOf(RuntimeException.class);
      Tensor closed = Tensors.scalar(1);
      closed.close();
      assertThatThrownBy(() -> Ops.cat(List.of(x, closed), 0)).hasMessageContaining("part 1 is closed");
      assertThatThrownBy(() -> Ops.add(x, closed)).isInstanceOf(RuntimeException.class);
    }
  }
}
