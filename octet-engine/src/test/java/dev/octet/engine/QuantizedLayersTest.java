package dev.octet.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.engine.reference.Closeness;
import dev.octet.engine.reference.ModelBuilder;
import dev.octet.engine.reference.OrtReference;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantizedLayersTest {
  private static final DataType U8 = DataType.UINT8;
  private static final DataType S8 = DataType.INT8;
  private static final Map<String, long[]> PADDED = Map.of("pads", new long[] {1, 1, 1, 1});

  /** Runs on both sides: integers may differ by one quantum, and few may. */
  private static Explanation check(ModelBuilder net) {
    Model model = net.model();
    Map<String, Tensor> inputs = net.feeds();
    Map<String, Tensor> wanted = OrtReference.run(model, inputs);
    try (Engine engine = Engine.load(model, EngineOptions.defaults().withThreads(1))) {
      Map<String, Tensor> made = engine.run(inputs);
      made.forEach(
          (name, tensor) -> {
            Tensor other = wanted.get(name);
            assertThat(other).as(name).isNotNull();
            assertThat(tensor.type()).isEqualTo(other.type());
            if (tensor.type().isFloat()) {
              Closeness.check(name, tensor, other, 1e-4);
            } else {
              assertThat(Closeness.largestDifference(tensor, other))
                  .as(name)
                  .isLessThanOrEqualTo(1);
              assertThat(differing(tensor, other)).isLessThan(0.01);
            }
          });
      return engine.profile(inputs, 1);
    }
  }

  private static double differing(Tensor a, Tensor b) {
    long[] left = a.toLongs();
    long[] right = b.toLongs();
    int count = 0;
    for (int i = 0; i < left.length; i++) {
      count += left[i] == right[i] ? 0 : 1;
    }
    return (double) count / left.length;
  }

  @ParameterizedTest
  @CsvSource({
    "UINT8, 0, UINT8, 0",
    "UINT8, 117, UINT8, 0",
    "UINT8, 0, UINT8, 130",
    "INT8, 0, INT8, 0",
    "INT8, -7, INT8, 12",
    "UINT8, 255, INT8, -128"
  })
  void convolutionOfIntegersWithAnyZeroPoint(DataType in, int zeroIn, DataType out, int zeroOut) {
    QuantizedNet q = new QuantizedNet(7);
    Value x = q.grid(q.net.input(2, 8, 9, 11), 0.03, in, zeroIn);
    Value y = q.biased(x, 0.03, PADDED, 24, 8, 3, 3);
    q.quantize(y, 0.05, out, zeroOut);
    Explanation plan = check(q.net);
    assertThat(plan.steps()).hasSize(4); // quantize, permute, convolve, permute
    assertThat(plan.steps().get(2).what()).isEqualTo("convolution");
  }

  @Test
  void zeroPointOfAnUnpaddedConvolutionGoesIntoTheBias() {
    QuantizedNet q = new QuantizedNet(8);
    Value x = q.grid(q.net.input(1, 32, 7, 7), 0.03, U8, 101);
    q.quantize(q.biased(x, 0.03, Map.of(), 48, 32, 1, 1), 0.05, U8, 77);
    check(q.net);
  }

  @Test
  void reluIsTheSaturationOfUnsignedIntegers() {
    QuantizedNet q = new QuantizedNet(9);
    Value x = q.grid(q.net.input(1, 16, 8, 8), 0.03, U8, 128);
    Value y = q.net.node("Relu", q.biased(x, 0.03, PADDED, 16, 16, 3, 3));
    q.quantize(y, 0.02, U8, 0);
    assertThat(check(q.net).steps().get(2).what()).isEqualTo("convolution");
  }

  @Test
  void reluAboveTheLowestIntegerIsComputed() {
    QuantizedNet q = new QuantizedNet(9);
    Value x = q.grid(q.net.input(1, 16, 8, 8), 0.03, U8, 128);
    Value y = q.net.node("Relu", q.biased(x, 0.03, PADDED, 16, 16, 3, 3));
    q.quantize(y, 0.02, S8, 0);
    assertThat(check(q.net).steps().get(2).what()).isEqualTo("convolution+relu");
  }

  @Test
  void clipWithinTheRangeIsComputedAndOutsideItIsNot() {
    for (boolean inside : new boolean[] {true, false}) {
      QuantizedNet q = new QuantizedNet(10);
      Value x = q.grid(q.net.input(1, 16, 8, 8), 0.03, U8, 128);
      Value y = q.biased(x, 0.03, PADDED, 16, 16, 3, 3);
      Value cut = q.net.node("Clip", y, q.net.floats(0), q.net.floats(inside ? 2 : 6));
      q.quantize(cut, 6 / 255.0, U8, 0);
      assertThat(check(q.net).steps().get(2).what())
          .isEqualTo(inside ? "convolution+clip" : "convolution");
    }
  }

  @ParameterizedTest
  @CsvSource({"UINT8, 0, UINT8, 128", "UINT8, 3, UINT8, 120", "INT8, 0, INT8, 5"})
  void residualSumIsFusedAndRoundsAsTheGraphSays(
      DataType type, int zeroResidual, DataType between, int zeroBetween) {
    QuantizedNet q = new QuantizedNet(11);
    Value x = q.grid(q.net.input(1, 16, 10, 10), 0.02, type, zeroResidual);
    Value y = q.grid(q.biased(x, 0.02, PADDED, 16, 16, 3, 3), 0.06, between, zeroBetween);
    Value sum = q.net.node("Relu", q.net.node("Add", y, x));
    q.quantize(sum, 0.05, U8, 0);
    Explanation plan = check(q.net);
    assertThat(plan.steps()).hasSize(4);
    assertThat(plan.steps().get(2).what()).startsWith("convolution+round+clip+linear+add");
  }

  @Test
  void residualSumWithoutRoundingBetween() {
    QuantizedNet q = new QuantizedNet(12);
    Value x = q.grid(q.net.input(1, 16, 10, 10), 0.02, U8, 9);
    Value y = q.biased(x, 0.02, PADDED, 16, 16, 3, 3);
    q.quantize(q.net.node("Relu", q.net.node("Add", y, x)), 0.05, U8, 0);
    assertThat(check(q.net).steps()).hasSize(4);
  }

  @Test
  void groupedDilatedStridedAndDepthwise() {
    QuantizedNet q = new QuantizedNet(13);
    Value x = q.grid(q.net.input(1, 32, 12, 12), 0.03, U8, 20);
    q.quantize(
        q.biased(x, 0.03, Map.of("group", 32, "pads", new long[] {1, 1, 1, 1}), 32, 1, 3, 3),
        0.03,
        U8,
        100);
    q.quantize(
        q.convolution(x, Map.of("group", 4, "strides", new long[] {2, 1}), 16, 8, 3, 3),
        0.05,
        S8,
        1);
    q.quantize(
        q.convolution(
            x,
            Map.of("dilations", new long[] {2, 3}, "pads", new long[] {0, 2, 1, 1}),
            8,
            32,
            3,
            2),
        0.06,
        U8,
        128);
    check(q.net);
  }

  @Test
  void oneAndThreeSpatialDimensions() {
    QuantizedNet line = new QuantizedNet(14);
    Value x = line.grid(line.net.input(2, 12, 40), 0.03, U8, 66);
    line.quantize(
        line.biased(x, 0.03, Map.of("pads", new long[] {2, 2}), 20, 12, 5), 0.05, U8, 128);
    check(line.net);
    QuantizedNet space = new QuantizedNet(15);
    Value v = space.grid(space.net.input(1, 4, 5, 6, 7), 0.03, U8, 66);
    space.quantize(space.biased(v, 0.03, Map.of(), 8, 4, 2, 3, 3), 0.05, U8, 128);
    check(space.net);
  }

  @Test
  void matrixProductsOfIntegers() {
    QuantizedNet q = new QuantizedNet(16);
    Value x = q.grid(q.net.input(3, 40), 0.03, U8, 66);
    Value w = q.weights(1, 40, 24);
    q.quantize(q.net.node("MatMul", x, w), 0.05, U8, 120);
    q.net.node("Gemm", Map.of("transB", 1), x, q.weights(0, 10, 40), q.net.weight(1, 10));
    check(q.net);
  }

  @Test
  void poolingsConcatenationAndSums() {
    QuantizedNet q = new QuantizedNet(17);
    Value x = q.grid(q.net.input(1, 16, 9, 9), 0.0313, U8, 30);
    Value y = q.grid(q.net.input(1, 8, 9, 9), 0.0529, U8, 90);
    q.quantize(q.net.node("MaxPool", Map.of("kernel_shape", new long[] {2, 2}), x), 0.0313, U8, 30);
    q.quantize(q.net.node("GlobalAveragePool", x), 0.01073, U8, 100);
    q.quantize(
        q.net.node(
            "AveragePool",
            Map.of("kernel_shape", new long[] {3, 3}, "pads", new long[] {1, 1, 1, 1}),
            x),
        0.02171,
        U8,
        100);
    q.quantize(q.net.node("Concat", Map.of("axis", 1), x, y), 0.0617, U8, 80);
    q.quantize(q.net.node("Add", x, x), 0.0617, U8, 80);
    q.quantize(q.net.node("Mul", x, x), 0.0617, U8, 80);
    q.quantize(q.net.node("Sigmoid", y), 1 / 256.0, U8, 0);
    check(q.net);
  }

  @Test
  void clipBetweenEqualParametersIsOneOfIntegers() {
    for (double top : new double[] {3.07, 6}) {
      QuantizedNet q = new QuantizedNet(19);
      Value x = q.grid(q.net.input(1, 16, 8, 8), 0.03, U8, 128);
      Value y = q.grid(q.biased(x, 0.03, PADDED, 16, 16, 3, 3), 6 / 255.0, U8, 0);
      q.quantize(q.net.node("Clip", y, q.net.floats(0), q.net.floats(top)), 6 / 255.0, U8, 0);
      assertThat(check(q.net).steps().get(2).what())
          .isEqualTo(top < 6 ? "convolution+clip" : "convolution");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "Relu, 0.0413, 3",
    "Clip, 0.0307, 9",
    "HardSwish, 0.035, 12",
    "HardSigmoid, 0.00390625, 0",
    "Sigmoid, 0.00390625, 0",
    "Tanh, 0.0078125, 128",
    "LeakyRelu, 0.0413, 90",
    "Gelu, 0.0413, 12"
  })
  void functionBetweenOtherParametersRoundsTwiceInOneConvolution(
      String op, double scale, int zero) {
    QuantizedNet q = new QuantizedNet(20);
    Value x = q.grid(q.net.input(1, 16, 8, 8), 0.03, U8, 128);
    Value y = q.grid(q.biased(x, 0.03, PADDED, 16, 16, 3, 3), 0.051, U8, 120);
    q.quantize(function(q, op, y), scale, U8, zero);
    Explanation plan = check(q.net);
    assertThat(plan.steps()).hasSize(4);
    assertThat(plan.steps().get(2).what()).startsWith("convolution+linear+round+clip+linear+");
  }

  @Test
  void sumsOfIntegersTakeAFunctionAlong() {
    QuantizedNet q = new QuantizedNet(21);
    Value x = q.grid(q.net.input(1, 16, 9, 9), 0.0313, U8, 30);
    Value sum = q.grid(q.net.node("Add", x, x), 0.0617, U8, 80);
    q.quantize(q.net.node("Relu", sum), 0.0617, U8, 80);
    q.quantize(
        q.net.node("HardSwish", q.grid(q.net.node("Add", x, x), 0.0617, U8, 81)), 0.07, S8, 5);
    Explanation plan = check(q.net);
    assertThat(plan.steps()).hasSize(3);
  }

  @ParameterizedTest
  @CsvSource({"4, false", "64, true"})
  void functionsOfBytesAreTablesOrPrimitives(int channels, boolean primitive) {
    for (String op :
        List.of("Relu", "Clip", "Sigmoid", "HardSwish", "Elu", "Neg", "Erf", "Selu", "Softsign")) {
      QuantizedNet q = new QuantizedNet(22);
      Value x = q.grid(q.net.input(1, channels, 9, 9), 0.041, U8, 120);
      q.quantize(function(q, op, x), 0.0307, S8, 3);
      Explanation plan = check(q.net);
      boolean known = !List.of("Erf", "Selu", "Softsign").contains(op);
      assertThat(plan.steps()).as(op).hasSize(2);
      assertThat(plan.steps().get(1).what()).startsWith(primitive && known ? "binary" : "table");
    }
  }

  private static Value function(QuantizedNet q, String op, Value x) {
    return op.equals("Clip")
        ? q.net.node(op, x, q.net.floats(-0.5), q.net.floats(2))
        : q.net.node(op, x);
  }

  @ParameterizedTest
  @CsvSource({"7, 0, 1", "0, 7, 9", "120, 0, 9", "0, 0, 1", "7, 9, 9"})
  void productsOfIntegersWithAZeroPoint(int left, int right, int size) {
    QuantizedNet q = new QuantizedNet(23);
    Value x = q.grid(q.net.input(1, 16, 9, 9), 0.0313, U8, left);
    Value gate = q.grid(q.net.node("Sigmoid", q.net.input(1, 16, size, size)), 0.0041, U8, right);
    q.quantize(q.net.node("Mul", x, gate), 0.0217, U8, 80);
    check(q.net);
  }

  @Test
  void pairsThatCancelCostNothingAndOthersOneConversion() {
    QuantizedNet q = new QuantizedNet(18);
    Value x = q.grid(q.net.input(1, 4, 5, 5), 0.0313, U8, 30);
    Value same = q.grid(x, 0.0313, U8, 30);
    q.quantize(same, 0.0437, S8, 3);
    assertThat(check(q.net).steps()).hasSize(2);
  }
}
