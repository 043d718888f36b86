package dev.octet.engine;

import static dev.octet.graph.DataType.INT32;
import static dev.octet.graph.DataType.INT8;
import static dev.octet.graph.DataType.UINT8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.engine.reference.Closeness;
import dev.octet.engine.reference.ModelBuilder;
import dev.octet.engine.reference.OrtReference;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IntegerFormsTest {
  private final ModelBuilder net = new ModelBuilder(21, 12);

  /** Integers within one quantum of ONNX Runtime's, floats within {@code tolerance}. */
  private Explanation check(double tolerance) {
    Model model = net.model();
    Map<String, Tensor> inputs = net.feeds();
    Map<String, Tensor> wanted = OrtReference.run(model, inputs);
    try (Engine engine = Engine.load(model, EngineOptions.defaults().withThreads(1))) {
      Map<String, Tensor> made = engine.run(inputs);
      assertThat(made).isNotEmpty();
      made.forEach(
          (name, tensor) -> {
            Tensor other = Objects.requireNonNull(wanted.get(name));
            if (tensor.type().isFloat()) {
              Closeness.check(name, tensor, other, tolerance);
            } else {
              assertThat(tensor.type()).isEqualTo(other.type());
              assertThat(Closeness.largestDifference(tensor, other)).isLessThanOrEqualTo(1);
            }
          });
      return engine.profile(inputs, 1);
    }
  }

  private Value zero(DataType type, int zero) {
    return net.constant(Tensor.ofRaw(type, new byte[] {(byte) zero}));
  }

  private Value codes(DataType type, long... shape) {
    return net.input(
        type == UINT8 ? net.whole(type, 0, 255, shape) : net.whole(type, -128, 127, shape));
  }

  private Value weightScales(int count) {
    double[] scales = new double[count];
    for (int i = 0; i < count; i++) {
      scales[i] = 0.004 + 0.0005 * i;
    }
    return net.floats(scales);
  }

  @ParameterizedTest
  @CsvSource({"UINT8, 17, 3", "INT8, -4, 9"})
  void convolution(DataType type, int zeroIn, int zeroOut) {
    Value x = codes(type, 1, 8, 9, 9);
    Value w = net.constant(net.whole(INT8, -127, 127, 12, 8, 3, 3));
    Value bias = net.constant(net.whole(INT32, -3000, 3000, 12));
    net.node(
        "QLinearConv",
        Map.of("pads", new long[] {1, 1, 1, 1}),
        x,
        net.floats(0.02),
        zero(type, zeroIn),
        w,
        weightScales(12),
        net.constant(Tensor.ofRaw(INT8, new byte[12], 12)),
        net.floats(0.4),
        zero(type, zeroOut),
        bias);
    assertThat(check(0).steps()).anyMatch(step -> step.what().equals("convolution"));
  }

  @Test
  void matrixProduct() {
    Value a = codes(UINT8, 2, 6, 40);
    Value b = net.constant(net.whole(INT8, -127, 127, 40, 16));
    net.node(
        "QLinearMatMul",
        a,
        net.floats(0.02),
        zero(UINT8, 99),
        b,
        net.floats(0.01),
        zero(INT8, 0),
        net.floats(0.3),
        zero(UINT8, 128));
    assertThat(check(0).steps()).anyMatch(step -> step.implementation().startsWith("brg"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void gemm(boolean rounded) {
    List<Value> inputs = new ArrayList<>();
    inputs.add(codes(UINT8, 5, 30));
    inputs.add(net.floats(0.02));
    inputs.add(zero(UINT8, 99));
    inputs.add(net.constant(net.whole(INT8, -127, 127, 12, 30)));
    inputs.add(weightScales(12));
    inputs.add(net.constant(Tensor.ofRaw(INT8, new byte[12], 12)));
    inputs.add(net.constant(net.whole(INT32, -3000, 3000, 12)));
    if (rounded) {
      inputs.add(net.floats(0.2));
      inputs.add(zero(UINT8, 100));
    }
    net.node("com.microsoft.QGemm", Map.of("transB", 1), inputs.toArray(new Value[0]));
    check(1e-5);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Add", "Mul"})
  void pairs(String op) {
    Value a = codes(UINT8, 2, 3, 5);
    Value b = codes(UINT8, 2, 3, 5);
    net.node(
        "com.microsoft.QLinear" + op,
        a,
        net.floats(0.02),
        zero(UINT8, 99),
        b,
        net.floats(0.03),
        zero(UINT8, 128),
        net.floats(0.05),
        zero(UINT8, 120));
    check(0);
  }

  @Test
  void poolsConcatenationAndActivations() {
    Value x = codes(UINT8, 1, 4, 6, 6);
    Value[] parameters = {x, net.floats(0.02), zero(UINT8, 99), net.floats(0.03), zero(UINT8, 90)};
    net.node("com.microsoft.QLinearGlobalAveragePool", parameters);
    net.node(
        "com.microsoft.QLinearAveragePool",
        Map.of("kernel_shape", new long[] {2, 2}, "strides", new long[] {2, 2}),
        parameters);
    net.node("com.microsoft.QLinearLeakyRelu", Map.of("alpha", 0.1), parameters);
    net.node(
        "com.microsoft.QLinearSigmoid",
        x,
        net.floats(0.02),
        zero(UINT8, 99),
        net.floats(1 / 256.0),
        zero(UINT8, 0));
    net.node(
        "com.microsoft.QLinearConcat",
        Map.of("axis", 1),
        net.floats(0.03),
        zero(UINT8, 90),
        x,
        net.floats(0.02),
        zero(UINT8, 99),
        codes(UINT8, 1, 2, 6, 6),
        net.floats(0.04),
        zero(UINT8, 20));
    check(0);
  }

  @Test
  void productsThatGiveFloats() {
    net.node(
        "com.microsoft.MatMulIntegerToFloat",
        codes(UINT8, 3, 70),
        net.constant(net.whole(INT8, -127, 127, 70, 4)),
        net.floats(0.02),
        weightScales(4),
        zero(UINT8, 77),
        net.constant(Tensor.ofRaw(INT8, new byte[4], 4)),
        net.weight(1, 4));
    net.node(
        "com.microsoft.DynamicQuantizeMatMul",
        net.input(3, 64),
        net.constant(net.whole(INT8, -127, 127, 64, 8)),
        net.floats(0.02),
        zero(INT8, 0),
        net.weight(1, 8));
    assertThat(check(1e-5).steps()).filteredOn(step -> step.what().equals("matmul")).hasSize(2);
  }

  @Test
  void dynamicLstmIsComputedInFloats() {
    long units = 8;
    net.nodes(
        "com.microsoft.DynamicQuantizeLSTM",
        3,
        Map.of("hidden_size", units),
        net.input(5, 2, 6),
        net.constant(net.whole(INT8, -127, 127, 1, 6, 4 * units)),
        net.constant(net.whole(INT8, -127, 127, 1, units, 4 * units)),
        net.weight(0.1, 1, 8 * units),
        null,
        null,
        null,
        null,
        net.constant(Tensor.ofFloats(new float[] {0.003f}, 1)),
        net.constant(Tensor.ofRaw(INT8, new byte[1], 1)),
        net.constant(Tensor.ofFloats(new float[] {0.004f}, 1)),
        net.constant(Tensor.ofRaw(INT8, new byte[1], 1)));
    assertThat(check(0.02).steps()).anyMatch(step -> step.what().equals("lstm"));
  }
}
