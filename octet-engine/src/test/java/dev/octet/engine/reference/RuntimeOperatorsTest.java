package dev.octet.engine.reference;

import static dev.octet.graph.DataType.INT32;
import static dev.octet.graph.DataType.INT8;
import static dev.octet.graph.DataType.UINT8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The operators that ONNX Runtime adds agree with it, codes within one. */
class RuntimeOperatorsTest {

  static Stream<Trial> trials() {
    return Stream.of(
        binary("Add", UINT8),
        binary("Mul", UINT8),
        binary("Add", INT8),
        unary("Sigmoid", Map.of(), 1.0 / 256, 0, 4, 9),
        unary("LeakyRelu", Map.of("alpha", 0.1), 0.02, 100, 4, 9),
        unary("GlobalAveragePool", Map.of(), 0.01, 120, 2, 3, 5, 4),
        unary(
            "AveragePool",
            Map.of("kernel_shape", new long[] {3, 2}, "pads", new long[] {1, 0, 1, 1}),
            0.02,
            100,
            2,
            3,
            5,
            4),
        Trial.of(
            "QLinearConcat",
            net ->
                net.node(
                    "com.microsoft.QLinearConcat",
                    Map.of("axis", 1),
                    inputs(
                        parameters(net, 0.03, 90, UINT8),
                        codes(net, 0.02, 100, UINT8, 2, 3, 4),
                        codes(net, 0.04, 20, UINT8, 2, 1, 4)))),
        gemm("rounded", true),
        gemm("float", false),
        Trial.of(
            "MatMulIntegerToFloat",
            net ->
                net.node(
                    "com.microsoft.MatMulIntegerToFloat",
                    net.input(net.whole(UINT8, 0, 255, 3, 7)),
                    net.constant(net.whole(INT8, -127, 127, 7, 4)),
                    net.floats(0.02),
                    net.floats(0.01, 0.02, 0.03, 0.005),
                    net.constant(net.whole(UINT8, 0, 255)),
                    net.constant(net.whole(INT8, 0, 0, 4)),
                    net.weight(1, 4))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("trials")
  void agreesWithOnnxRuntime(Trial trial) {
    trial.check((wanted, made) -> Closeness.largestDifference(wanted, made) <= 1);
  }

  /** The runtime rounds activations by their range, one step of 255 each. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("lstms")
  void comesCloseToTheDynamicLstm(String name, long directions, boolean perRow) {
    ModelBuilder net = new ModelBuilder(17, name.hashCode());
    long hidden = 6;
    long[] scaleShape = perRow ? new long[] {directions, 4 * hidden} : new long[] {directions};
    int scales = (int) Arrays.stream(scaleShape).reduce(1, (a, b) -> a * b);
    float[] steps = new float[scales];
    Arrays.fill(steps, 0.004f);
    Value scale = net.constant(Tensor.ofFloats(steps, scaleShape));
    Value zero = net.constant(net.whole(INT8, 0, 0, scaleShape));
    net.nodes(
        "com.microsoft.DynamicQuantizeLSTM",
        3,
        Map.of("hidden_size", hidden, "direction", directions == 2 ? "bidirectional" : "forward"),
        net.input(5, 2, 4),
        net.constant(net.whole(INT8, -127, 127, directions, 4, 4 * hidden)),
        net.constant(net.whole(INT8, -127, 127, directions, hidden, 4 * hidden)),
        net.weight(0.5, directions, 8 * hidden),
        null,
        null,
        null,
        null,
        scale,
        zero,
        scale,
        zero);
    Model model = net.model();
    Map<String, Tensor> made = Reference.outputs(model, net.feeds());
    OrtReference.outputs(model, net.feeds())
        .forEach((value, tensor) -> Closeness.check(value, made.get(value), tensor, 0.05));
  }

  static Stream<Arguments> lstms() {
    return Stream.of(
        Arguments.of("one direction", 1L, false), Arguments.of("two directions, rows", 2L, true));
  }

  @ParameterizedTest
  @MethodSource("unknown")
  void refusesWhatItDoesNotKnow(String op) {
    ModelBuilder net = new ModelBuilder(17, 0);
    Value y = net.node(op, net.input(2));
    assertThat(Reference.knows(y.producer())).isFalse();
  }

  static List<String> unknown() {
    return List.of("com.microsoft.NoSuchOperator", "other.Add", "NoSuchOperator");
  }

  private static Value[] codes(
      ModelBuilder net, double scale, int zero, DataType type, long... shape) {
    int low = type == INT8 ? -128 : 0;
    Value[] parameters = parameters(net, scale, zero, type);
    return new Value[] {
      net.input(net.whole(type, low, low + 255, shape)), parameters[0], parameters[1]
    };
  }

  private static Value[] parameters(ModelBuilder net, double scale, int zero, DataType type) {
    int shifted = type == INT8 ? zero - 128 : zero;
    return new Value[] {net.floats(scale), net.constant(net.whole(type, shifted, shifted))};
  }

  private static Value[] inputs(Value[]... parts) {
    return Arrays.stream(parts).flatMap(Arrays::stream).toArray(Value[]::new);
  }

  private static Trial binary(String op, DataType type) {
    return Trial.of(
        "QLinear" + op + type,
        net ->
            net.node(
                "com.microsoft.QLinear" + op,
                inputs(
                    codes(net, 0.02, 100, type, 2, 3, 4),
                    codes(net, 0.03, 150, type, 3, 1),
                    parameters(net, 0.05, 120, type))));
  }

  private static Trial unary(
      String op, Map<String, ?> attributes, double scale, int zero, long... shape) {
    return Trial.of(
        "QLinear" + op,
        net ->
            net.node(
                "com.microsoft.QLinear" + op,
                attributes,
                inputs(codes(net, 0.02, 100, UINT8, shape), parameters(net, scale, zero, UINT8))));
  }

  private static Trial gemm(String name, boolean rounded) {
    return Trial.of(
        "QGemm " + name,
        net -> {
          Value[] weights = {
            net.constant(net.whole(INT8, -127, 127, 4, 7)),
            net.floats(0.01, 0.02, 0.03, 0.005),
            net.constant(net.whole(INT8, 0, 0, 4))
          };
          Value[] bias = {net.constant(net.whole(INT32, -900, 900, 4))};
          Value[] x = codes(net, 0.02, 100, UINT8, 3, 7);
          Value[] y = rounded ? parameters(net, 0.2, 120, UINT8) : new Value[0];
          net.node("com.microsoft.QGemm", Map.of("transB", 1), inputs(x, weights, bias, y));
        });
  }
}
