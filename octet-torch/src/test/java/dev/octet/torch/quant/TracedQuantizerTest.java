package dev.octet.torch.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.octet.core.affine.Arithmetic;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.TraceException;
import dev.octet.torch.quant.QuantizerConfig.Learned;
import dev.octet.torch.trace.Trace;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Quantizers in traced graphs give the same numbers in ONNX Runtime. */
final class TracedQuantizerTest {
  /** {@code quantize(x) · quantize(w)}. */
  private static final class Product extends Module {
    final Child<TensorQuantizer> input;
    final Child<TensorQuantizer> weights;
    final Tensor weight;

    Product(QuantizerConfig input, QuantizerConfig weights) {
      this.input = child("input", new TensorQuantizer(input));
      this.weights = child("weights", new TensorQuantizer(weights));
      Torch.seed(11);
      weight = parameter("weight", torch.randn(3, 4));
    }

    @Override
    protected Tensor forward(Tensor x) {
      return Ops.mul(input.call(x), weights.call(weight));
    }

    /** Ranges that cut off, so that the ends of the integers are seen. */
    void calibrate(Tensor x) {
      for (TensorQuantizer each : List.of(input.get(), weights.get())) {
        boolean block = !each.hasCalibrator();
        if (block) {
          List<Range> ranges = new ArrayList<>();
          for (int i = 0; i < 6; i++) {
            ranges.add(Range.symmetric(0.5f + i));
          }
          each.setRanges(ranges, new long[] {3, 2});
        } else {
          each.enableCalib();
          each.disableQuant();
          each.call(each == input.get() ? x : weight.detach());
          each.loadCalibAmax();
          each.disableCalib();
          each.enableQuant();
        }
        each.scaleAmax(0.6f);
      }
    }
  }

  record Pair(String name, QuantizerConfig input, QuantizerConfig weights, long opset) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static QuantizerConfig config(QuantDescriptor.Builder descriptor) {
    return QuantizerConfig.of(descriptor.build());
  }

  static Stream<Pair> pairs() {
    QuantizerConfig int8 = config(QuantDescriptor.builder());
    QuantizerConfig uint8 = QuantizerConfig.of(QuantDescriptor.uint8Activation());
    QuantizerConfig weight = QuantizerConfig.of(QuantDescriptor.int8Weight(0));
    return Stream.of(
        new Pair("int8", int8, weight, 17),
        new Pair("uint8 affine", uint8, weight, 17),
        new Pair("axis 1", int8, QuantizerConfig.of(QuantDescriptor.int8Weight(-1)), 17),
        new Pair(
            "narrow 5 bits per channel",
            config(
                QuantDescriptor.builder().bits(5).narrow(true).granularity(Granularity.perAxis(1))),
            config(QuantDescriptor.builder().bits(4).granularity(Granularity.perAxis(0))),
            17),
        new Pair(
            "4 bits affine, unsigned",
            config(QuantDescriptor.builder().bits(4).signed(false).symmetric(false)),
            config(QuantDescriptor.builder().bits(4).narrow(true)),
            21),
        new Pair("12 bits", config(QuantDescriptor.builder().bits(12)), weight, 21),
        new Pair(
            "blocks",
            int8,
            config(QuantDescriptor.builder().bits(4).granularity(Granularity.perBlock(1, 2))),
            21),
        new Pair(
            "pytorch-quantization",
            QuantizerConfig.builder(QuantDescriptor.int8Activation())
                .arithmetic(Arithmetic.PYTORCH_QUANTIZATION)
                .build(),
            weight,
            17),
        new Pair(
            "learned bounds",
            QuantizerConfig.builder(
                    QuantDescriptor.int8Activation().toBuilder()
                        .fixedRange(Range.symmetric(1))
                        .build())
                .learned(Learned.BOUNDS)
                .build(),
            weight,
            17));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("pairs")
  void agreesWithOnnxRuntime(Pair pair) {
    try (Product net = new Product(pair.input(), pair.weights());
        Scope scope = Scope.open()) {
      net.eval();
      Tensor x = torch.randn(5, 3, 4);
      net.calibrate(x);
      Tensor other = torch.randn(2, 3, 4);
      float[] expected = Tensors.toFloats(net.call(other));
      Model graph = Trace.of(net).opset(pair.opset()).graph(x);
      float[] actual = run(graph, Tensors.toFloats(other));
      float[] integers =
          run(Trace.of(net).opset(pair.opset()).quantized(x), Tensors.toFloats(other));
      assertThat(actual).usingComparatorWithPrecision(1e-6f).containsExactly(expected);
      assertThat(integers).usingComparatorWithPrecision(1e-6f).containsExactly(expected);
    }
  }

  @Test
  void weightsBecomeIntegersOfTheSmallestType() {
    QuantizerConfig int8 = config(QuantDescriptor.builder());
    assertThat(weightType(int8, QuantizerConfig.of(QuantDescriptor.int8Weight(0)), 17))
        .isEqualTo(DataType.INT8);
    QuantizerConfig four = config(QuantDescriptor.builder().bits(4));
    assertThat(weightType(int8, four, 21)).isEqualTo(DataType.INT4);
    assertThat(weightType(int8, four, 17)).isEqualTo(DataType.INT8);
  }

  private static DataType weightType(QuantizerConfig input, QuantizerConfig weights, long opset) {
    try (Product net = new Product(input, weights);
        Scope scope = Scope.open()) {
      Tensor x = torch.randn(5, 3, 4);
      net.calibrate(x);
      Model model = Trace.of(net).opset(opset).quantized(x);
      for (Node node : model.graph().nodes()) {
        Value first = Objects.requireNonNull(node.input(0));
        if (node.is("DequantizeLinear") && first.constant() != null) {
          return first.constant().type();
        }
      }
      throw new AssertionError("no integer weight in " + model.graph());
    }
  }

  @Test
  void aDynamicUnsignedRangeIsDynamicInTheGraph() {
    try (TensorQuantizer quantizer = new TensorQuantizer(QuantDescriptor.uint8Activation());
        Scope scope = Scope.open()) {
      Tensor x = torch.randn(3, 4);
      Tensor other = torch.randn(2, 4).mul(new org.bytedeco.pytorch.Scalar(3.0));
      Model model = Trace.of(quantizer).graph(x);
      assertThat(model.graph().nodes()).anyMatch(node -> node.is("DynamicQuantizeLinear"));
      float[] expected = Tensors.toFloats(quantizer.call(other));
      assertThat(run(model, Tensors.toFloats(other), 2, 4))
          .usingComparatorWithPrecision(1e-6f)
          .containsExactly(expected);
    }
  }

  @Test
  void saysWhatAGraphCannotHold() {
    try (TensorQuantizer dynamic = new TensorQuantizer(QuantDescriptor.int8Activation());
        TensorQuantizer wide = new TensorQuantizer(QuantDescriptor.builder().bits(12).build());
        Scope scope = Scope.open()) {
      Tensor x = torch.randn(3, 4);
      assertThatThrownBy(() -> Trace.of(dynamic).graph(x))
          .isInstanceOf(TraceException.class)
          .hasMessageContaining("dynamic range");
      wide.amax(1);
      assertThatThrownBy(() -> Trace.of(wide).graph(x))
          .isInstanceOf(TraceException.class)
          .hasMessageContaining("operator set 21");
    }
  }

  private static float[] run(Model model, float[] values) {
    return run(model, values, 2, 3, 4);
  }

  private static float[] run(Model model, float[] values, long... shape) {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        OrtSession session = environment.createSession(OnnxWriter.toBytes(model), options);
        OnnxTensor x =
            OnnxTensor.createTensor(environment, java.nio.FloatBuffer.wrap(values), shape);
        OrtSession.Result result = session.run(Map.of("input", x))) {
      java.nio.FloatBuffer out = ((OnnxTensor) result.get(0)).getFloatBuffer();
      float[] y = new float[out.remaining()];
      out.get(y);
      return y;
    } catch (OrtException e) {
      throw new IllegalStateException(model.graph().toString(), e);
    }
  }
}
