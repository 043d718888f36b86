package dev.octet.torch.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.ScaledFloat8;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.format.Float8;
import dev.octet.core.range.Range;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.run.EngineRunner;
import dev.octet.quantize.run.GraphRunner;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.op.TraceException;
import dev.octet.torch.quant.flow.Calibration;
import dev.octet.torch.quant.nn.QuantConv2d;
import dev.octet.torch.trace.Trace;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Quantizers to floats of 8 bits. */
final class Float8QuantizerTest {
  private static QuantizerConfig config(Arithmetic arithmetic, Granularity granularity) {
    return QuantizerConfig.builder(
            QuantDescriptor.e4m3().toBuilder().granularity(granularity).build())
        .arithmetic(arithmetic)
        .build();
  }

  @Test
  void isTheOriginalsInItsArithmetic() {
    Torch.seed(1);
    try (Scope scope = Scope.open();
        TensorQuantizer quantizer =
            new TensorQuantizer(config(Arithmetic.PYTORCH_QUANTIZATION, Granularity.perTensor()))) {
      Tensor x = torch.randn(4, 50);
      // Dynamic at first: the range is that of the tensor.
      float amax = Tensors.toFloats(x.abs().max())[0];
      float[] expected = new ScaledFloat8(Float8.E4M3FN, amax).fakeQuantize(Tensors.toFloats(x));
      assertThat(Tensors.toFloats(quantizer.call(x))).containsExactly(expected);
      quantizer.amax(0.7f);
      assertThat(Tensors.toFloats(quantizer.call(x)))
          .containsExactly(new ScaledFloat8(Float8.E4M3FN, 0.7f).fakeQuantize(Tensors.toFloats(x)));
      x.set_requires_grad(true);
      quantizer.call(x).sum().backward();
      float[] gradients = Tensors.toFloats(x.grad());
      float[] values = Tensors.toFloats(x.detach());
      for (int i = 0; i < values.length; i++) {
        assertThat(gradients[i]).isEqualTo(Math.abs(values[i]) <= 0.7f ? 1 : 0);
      }
      assertThat(Tensors.toFloats(quantizer.call(Tensors.of(new float[2], 2)))).containsOnly(0);
      quantizer.clearRange();
      assertThat(Tensors.toFloats(quantizer.call(Tensors.of(new float[2], 2)))).containsOnly(0);
    }
  }

  @ParameterizedTest
  @EnumSource
  void hasAScaleForEachIndexOfAnAxis(Float8 format) {
    try (Scope scope = Scope.open();
        TensorQuantizer quantizer =
            new TensorQuantizer(
                QuantDescriptor.builder()
                    .float8(format)
                    .granularity(Granularity.perAxis(0))
                    .build())) {
      quantizer.setRanges(List.of(Range.symmetric(1), Range.symmetric(64)), new long[] {2, 1});
      float[] values = {0.3f, -1, 5, 0.011f, 33.3f, -64, 100, 0};
      float[] made = Tensors.toFloats(quantizer.call(Tensors.of(values, 2, 4)));
      for (int i = 0; i < values.length; i++) {
        float scale = (i < 4 ? 1 : 64) / format.maxValue();
        assertThat(made[i]).isEqualTo(format.decode(format.encode(values[i] / scale)) * scale);
      }
    }
  }

  @Test
  void itsStateKeepsTheFormat() {
    try (Scope scope = Scope.open();
        TensorQuantizer one = new TensorQuantizer(QuantDescriptor.e4m3());
        TensorQuantizer other = new TensorQuantizer(QuantDescriptor.int8Activation())) {
      one.amax(3);
      other.loadExtraStates(one.extraStates());
      other.loadStateDict(one.stateDict(), true);
      assertThat(other.config()).isEqualTo(one.config());
      assertThat(other.toString()).contains("8bit E4M3FN").contains("amax=3");
      Tensor x = Tensors.of(new float[] {1.1f, -2.7f}, 2);
      assertThat(Tensors.toFloats(other.call(x))).containsExactly(Tensors.toFloats(one.call(x)));
    }
  }

  @Test
  void itsExportComputesTheSameInOnnxRuntime() {
    Torch.seed(5);
    QuantizerConfig input = QuantizerConfig.of(QuantDescriptor.e4m3());
    QuantizerConfig weight = config(Arithmetic.ONNX, Granularity.perAxis(0));
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad();
        Module net =
            new Sequential(
                QuantConv2d.builder(input, weight, 3, 6, 3).build(),
                Activation.relu(),
                QuantConv2d.builder(input, weight, 6, 4, 3).stride(2).build())) {
      net.eval();
      Tensor x = torch.randn(2, 3, 9, 9);
      Calibration.collect(net, List.of(x));
      assertThatThrownBy(() -> Calibration.loadAmax(net, new RangeMethod.Entropy()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("choose minmax");
      Calibration.loadAmax(net, new RangeMethod.MinMax());
      Model model = Trace.of(net).input("x").output("y").opset(19).quantized(x);
      assertThat(model.graph().nodes())
          .filteredOn(node -> node.is("Conv"))
          .hasSize(2)
          .allSatisfy(
              node -> {
                assertThat(node.input(1).producer().input(0).constant().type())
                    .isEqualTo(DataType.FLOAT8E4M3FN);
                // Such weights have no integer kernel that would want an integer bias.
                assertThat(node.input(2).constant().type()).isEqualTo(DataType.FLOAT);
              });
      HostTensor host = HostTensor.ofFloats(new int[] {2, 3, 9, 9}, Tensors.toFloats(x));
      float[] expected = Tensors.toFloats(net.call(x));
      assertClose(OnnxRuntimeRunner.open(model), host, expected);
      assertThatThrownBy(
              () -> assertClose(EngineRunner.open(model, List.of("y"), 1), host, expected))
          .hasMessageContaining("QuantizeLinear")
          .hasMessageContaining("ONNX Runtime can be used instead");
      assertThat(model.graph().nodes()).anyMatch(node -> node.is("Concat"));

      assertThatThrownBy(() -> Trace.of(net).quantized(x))
          .isInstanceOf(TraceException.class)
          .hasMessageContaining("operator set 19");
    }
  }

  /** A sum on the border of two floats may take the other one. */
  private static void assertClose(GraphRunner opened, HostTensor input, float[] expected) {
    try (GraphRunner runner = opened) {
      runner.run(
          Map.of("x", input),
          (name, value) -> {
            float[] made = value.floats();
            assertThat(made).hasSameSizeAs(expected);
            for (int i = 0; i < made.length; i++) {
              assertThat(made[i]).isCloseTo(expected[i], within(0.02f));
            }
          });
    }
  }

  @Test
  void refusesWhatFloatsDoNotHave() {
    assertThatThrownBy(() -> QuantDescriptor.e4m3().toBuilder().bits(4).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("signed symmetric 8 bits");
    assertThatThrownBy(
            () -> QuantDescriptor.e4m3().toBuilder().method(new RangeMethod.Mse()).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("choose minmax");
    assertThatThrownBy(
            () ->
                QuantizerConfig.builder(QuantDescriptor.e4m3())
                    .learned(QuantizerConfig.Learned.STEP)
                    .build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("nothing of it is learned");
    try (TensorQuantizer quantizer = new TensorQuantizer(QuantDescriptor.e4m3())) {
      quantizer.amax(1);
      assertThatThrownBy(quantizer::params)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no integers");
    }
  }
}
