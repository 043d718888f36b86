package dev.octet.torch.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.op.Normalization;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.TraceException;
import dev.octet.torch.trace.Trace;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What layers compute is what ONNX Runtime computes from their trace, for other batches too. */
final class LayerTraceTest {
  private static Arguments layer(Supplier<Module> layer, String operators, long... shape) {
    return arguments(layer, operators, shape);
  }

  static Stream<Arguments> layers() {
    return Stream.of(
        layer(() -> Linear.builder(5, 4).build(), "Gemm", 2, 5),
        layer(() -> Linear.builder(5, 4).bias(false).build(), "Gemm", 2, 5),
        layer(() -> Linear.builder(5, 4).build(), "Transpose,MatMul,Add", 2, 3, 5),
        layer(() -> Conv1d.builder(4, 6, 3).padding(2).dilation(2).build(), "Conv", 2, 4, 9),
        layer(
            () -> Conv2d.builder(4, 6, 3, 2).stride(2, 1).padding(1, 0).groups(2).build(),
            "Conv",
            2,
            4,
            7,
            6),
        layer(() -> Conv2d.builder(2, 3, 4, 3).padding("same").build(), "Conv", 2, 2, 7, 6),
        layer(
            () -> Conv2d.builder(2, 3, 3).padding("valid").bias(false).build(), "Conv", 2, 2, 7, 6),
        layer(() -> Conv3d.builder(2, 3, 2).build(), "Conv", 2, 2, 4, 5, 3),
        layer(
            () -> Conv2d.builder(2, 3, 3).padding(1, 2).paddingMode(Ops.Padding.REFLECT).build(),
            "Pad,Conv",
            2,
            2,
            5,
            6),
        layer(
            () ->
                Conv1d.builder(2, 3, 4).padding("same").paddingMode(Ops.Padding.REPLICATE).build(),
            "Pad,Conv",
            2,
            2,
            5),
        layer(
            () -> Conv2d.builder(2, 3, 3).padding(1).paddingMode(Ops.Padding.CIRCULAR).build(),
            "Slice,Slice,Concat,Slice,Slice,Concat,Conv",
            2,
            2,
            5,
            6),
        layer(() -> ConvTranspose1d.builder(4, 6, 3).stride(2).build(), "ConvTranspose", 2, 4, 5),
        layer(
            () ->
                ConvTranspose2d.builder(4, 6, 3, 2)
                    .stride(2)
                    .padding(1, 0)
                    .outputPadding(1, 0)
                    .groups(2)
                    .build(),
            "ConvTranspose",
            2,
            4,
            5,
            3),
        layer(
            () -> ConvTranspose2d.builder(2, 3, 3).stride(2).outputSize(10, 7).build(),
            "ConvTranspose",
            2,
            2,
            4,
            3),
        layer(
            () -> ConvTranspose3d.builder(2, 3, 2).dilation(2).bias(false).build(),
            "ConvTranspose",
            2,
            2,
            3,
            2,
            3),
        layer(() -> trained(BatchNorm1d.builder(3).build(), 4, 3), "BatchNormalization", 2, 3),
        layer(
            () -> trained(BatchNorm1d.builder(3).build(), 4, 3, 5), "BatchNormalization", 2, 3, 5),
        layer(
            () -> trained(BatchNorm2d.builder(3).affine(false).eps(1e-3).build(), 4, 3, 5, 5),
            "BatchNormalization",
            2,
            3,
            4,
            5),
        layer(
            () -> trained(BatchNorm3d.builder(3).build(), 4, 3, 2, 2, 2),
            "BatchNormalization",
            2,
            3,
            4,
            5,
            2),
        layer(() -> InstanceNorm1d.builder(3).build(), "InstanceNormalization", 2, 3, 5),
        layer(
            () -> trained(InstanceNorm2d.builder(3).affine(true).build(), 4, 3, 5, 5),
            "InstanceNormalization",
            2,
            3,
            4,
            5),
        layer(
            () -> trained(InstanceNorm2d.builder(3).trackRunningStats(true).build(), 4, 3, 5, 5),
            "BatchNormalization",
            2,
            3,
            4,
            5),
        layer(() -> InstanceNorm3d.builder(3).build(), "InstanceNormalization", 2, 3, 5, 2, 2),
        layer(() -> scaled(LayerNorm.builder(5).build()), "LayerNormalization", 2, 3, 5),
        layer(
            () -> LayerNorm.builder(3, 5).elementwiseAffine(false).build(),
            "LayerNormalization",
            2,
            3,
            5),
        layer(() -> LayerNorm.builder(5).bias(false).build(), "LayerNormalization", 2, 5),
        layer(
            () -> scaled(GroupNorm.builder(2, 6).build()),
            "Reshape,InstanceNormalization,Reshape,Unsqueeze,Mul,Unsqueeze,Add",
            2,
            6,
            4,
            3),
        layer(
            () -> GroupNorm.builder(3, 6).affine(false).build(),
            "Reshape,InstanceNormalization,Reshape",
            2,
            6),
        layer(() -> MaxPool1d.builder(3).build(), "MaxPool", 2, 3, 10),
        layer(() -> MaxPool2d.builder(3).stride(2).padding(1).build(), "MaxPool", 2, 3, 8, 9),
        layer(
            () -> MaxPool2d.builder(2, 3).dilation(2, 1).ceilMode(true).build(),
            "MaxPool",
            2,
            3,
            8,
            8),
        layer(
            () -> MaxPool2d.builder(2).stride(3).padding(1).ceilMode(true).build(),
            "MaxPool",
            2,
            3,
            6,
            7),
        layer(() -> MaxPool3d.builder(2).build(), "MaxPool", 2, 3, 4, 5, 6),
        layer(() -> AvgPool1d.builder(3).stride(2).padding(1).build(), "AveragePool", 2, 3, 10),
        layer(
            () -> AvgPool2d.builder(3).stride(2).padding(1).countIncludePad(false).build(),
            "AveragePool",
            2,
            3,
            8,
            9),
        layer(
            () -> AvgPool2d.builder(3).stride(2).padding(1).ceilMode(true).build(),
            "Pad,AveragePool",
            2,
            3,
            8,
            7),
        layer(
            () ->
                AvgPool2d.builder(3)
                    .stride(2)
                    .padding(1)
                    .ceilMode(true)
                    .countIncludePad(false)
                    .build(),
            "AveragePool",
            2,
            3,
            8,
            7),
        layer(() -> AvgPool2d.builder(3).ceilMode(true).build(), "AveragePool", 2, 3, 8, 7),
        layer(() -> AvgPool3d.builder(2).build(), "AveragePool", 2, 3, 4, 5, 6),
        layer(() -> AdaptiveAvgPool1d.of(1), "GlobalAveragePool", 2, 3, 7),
        layer(() -> AdaptiveAvgPool2d.of(2, 3), "AveragePool", 2, 3, 8, 9),
        layer(() -> AdaptiveAvgPool3d.of(1), "GlobalAveragePool", 2, 3, 4, 5, 2),
        layer(() -> AdaptiveMaxPool1d.of(3), "MaxPool", 2, 3, 9),
        layer(() -> AdaptiveMaxPool2d.of(1), "GlobalMaxPool", 2, 3, 8, 9),
        layer(() -> AdaptiveMaxPool3d.of(2), "MaxPool", 2, 3, 4, 2, 6),
        layer(Activation::relu, "Relu", 2, 9),
        layer(Activation::relu6, "Clip", 2, 9),
        layer(() -> Activation.leakyRelu(0.2), "LeakyRelu", 2, 9),
        layer(() -> Activation.elu(1.5), "Elu", 2, 9),
        layer(Activation::selu, "Selu", 2, 9),
        layer(Activation::gelu, "Div,Erf,Add,Mul,Mul", 2, 9),
        layer(Activation::geluTanh, "Pow,Mul,Add,Mul,Tanh,Add,Mul,Mul", 2, 9),
        layer(Activation::silu, "Sigmoid,Mul", 2, 9),
        layer(Activation::mish, "Softplus,Tanh,Mul", 2, 9),
        layer(Activation::sigmoid, "Sigmoid", 2, 9),
        layer(Activation::tanh, "Tanh", 2, 9),
        layer(Activation::hardswish, "HardSwish", 2, 9),
        layer(Activation::hardsigmoid, "HardSigmoid", 2, 9),
        layer(() -> Activation.celu(1.5), "Celu", 2, 9),
        layer(() -> Activation.threshold(0.2, -0.5), "Greater,Where", 2, 9),
        layer(() -> Activation.hardtanh(-0.5, 0.7), "Clip", 2, 9),
        layer(() -> Activation.softplus(1, 20), "Softplus", 2, 9),
        layer(() -> Activation.softplus(2, 1), "Mul,Softplus,Div,Greater,Where", 2, 9),
        layer(() -> Activation.softmax(-1), "Softmax", 2, 3, 4),
        layer(() -> Activation.logSoftmax(1), "LogSoftmax", 2, 3, 4),
        layer(PReLU::new, "PRelu", 2, 3, 4),
        layer(() -> new PReLU(3, 0.4), "Unsqueeze,PRelu", 2, 3, 4, 2),
        layer(() -> new PReLU(3, 0.4), "PRelu", 2, 3),
        layer(Flatten::new, "Flatten", 2, 3, 4, 2),
        layer(() -> new Flatten(2, -1), "Reshape", 2, 3, 4, 2),
        layer(() -> new Flatten(0, 1), "Reshape", 2, 3, 4),
        layer(() -> new ChannelShuffle(2), "Reshape,Transpose,Reshape", 2, 6, 3, 4),
        layer(() -> new ChannelShuffle(3), "Reshape,Transpose,Reshape", 2, 6, 5),
        layer(
            () -> new Sequential(new Dropout(0.5), new Identity(), Activation.relu()),
            "Relu",
            2,
            3),
        layer(
            () -> new Sequential(Map.of("drop", Dropout.of2d(0.5), "flat", new Flatten(1, 1))),
            "",
            2,
            3,
            4,
            4),
        layer(() -> Upsample.builder().scaleFactor(2).build(), "Resize", 2, 3, 4, 5),
        layer(() -> Upsample.builder().scaleFactor(1.7).build(), "Resize", 2, 3, 10),
        layer(() -> Upsample.builder().scaleFactor(2, 1, 3).build(), "Resize", 2, 1, 2, 3, 2),
        layer(() -> Upsample.builder().size(7, 6).build(), "Shape,Slice,Concat,Resize", 2, 3, 3, 4),
        layer(() -> Upsample.builder().scaleFactor(2).linear(false).build(), "Resize", 2, 3, 4, 5),
        layer(
            () -> Upsample.builder().scaleFactor(1.5, 2).linear(true).build(),
            "Resize",
            2,
            3,
            4,
            5),
        layer(
            () -> Upsample.builder().size(7).linear(true).build(),
            "Shape,Slice,Concat,Resize",
            2,
            3,
            5),
        layer(
            () -> Upsample.builder().size(1, 3).linear(false).build(),
            "Shape,Slice,Concat,Resize",
            2,
            3,
            4,
            5),
        layer(
            () -> Upsample.builder().size(3, 4, 5).linear(false).build(),
            "Shape,Slice,Concat,Resize",
            2,
            2,
            2,
            3,
            4));
  }

  @ParameterizedTest(name = "{index} {1} {2}")
  @MethodSource("layers")
  void computesTheSameInOnnxRuntime(Supplier<Module> make, String operators, long[] shape) {
    Torch.seed(3);
    try (Module layer = make.get();
        Scope scope = Scope.open()) {
      long[] larger = shape.clone();
      larger[0] = 5;
      List<String> traced =
          InOnnx.assertSame(
              layer, new Tensor[] {Peer.random(1, shape)}, new Tensor[] {Peer.random(2, larger)});
      assertThat(String.join(",", traced)).isEqualTo(operators.isEmpty() ? "Identity" : operators);
    }
  }

  @Test
  void computesTheSameWithTwoInputs() {
    try (Scope scope = Scope.open()) {
      Tensor[] two = {Peer.random(1, 2, 3, 3), Peer.random(2, 2, 3, 3)};
      Tensor[] five = {Peer.random(3, 5, 3, 3), Peer.random(4, 5, 3, 3)};
      assertThat(InOnnx.assertSame(Add.of(), two, five)).containsExactly("Add");
      assertThat(InOnnx.assertSame(Mul.of(), two, five)).containsExactly("Mul");
      assertThat(InOnnx.assertSame(MatMul.of(), two, five)).containsExactly("MatMul");
      assertThat(InOnnx.assertSame(Concat.of(-1), two, five)).containsExactly("Concat");
    }
  }

  @Test
  void refusesToTraceTraining() {
    try (Module net =
            InOnnx.module(
                x -> Normalization.batchNorm(x[0], null, null, null, null, true, 0.1, 1e-5));
        Module drop = InOnnx.module(x -> Ops.dropout(x[0], 0.5, true));
        Module norm = BatchNorm2d.builder(3).trackRunningStats(false).build();
        Scope scope = Scope.open()) {
      Tensor x = Peer.random(1, 2, 3, 4, 4);
      assertThatThrownBy(() -> Trace.of(net).graph(x))
          .isInstanceOf(TraceException.class)
          .hasMessageContaining("without running statistics");
      assertThatThrownBy(() -> Trace.of(norm).graph(x)).isInstanceOf(TraceException.class);
      assertThatThrownBy(() -> Trace.of(drop).graph(x))
          .isInstanceOf(TraceException.class)
          .hasMessageContaining("call eval() first");
      assertThatThrownBy(() -> Trace.of(AdaptiveAvgPool2d.of(3)).graph(x))
          .isInstanceOf(TraceException.class)
          .hasMessageContaining("its windows differ in size");
    }
  }

  /** Statistics other than those that a layer starts with, and parameters too. */
  private static Module trained(Module layer, long... shape) {
    scaled(layer);
    try (Scope scope = Scope.open()) {
      for (int i = 0; i < 3; i++) {
        layer.call(Ops.add(Peer.random(i, shape), 1));
      }
    }
    return layer;
  }

  private static Module scaled(Module layer) {
    layer.parameters().values().forEach(each -> Init.uniform(each, 0.5, 2));
    assertThat(Arrays.asList(layer.ownParameters().keySet())).isNotEmpty();
    return layer;
  }
}
