package dev.octet.quantize.emit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.quantize.fixture.Net;
import dev.octet.quantize.fixture.Quantized;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The form that quantized models are written in, and that ONNX Runtime computes with it. */
class QdqFormTest {

  @Test
  void aValueIsQuantizedOnceHoweverManyReadIt() {
    Net net = Net.create();
    Value x = net.input("x", -1, 4, 8, 8);
    Value a = net.node("Relu", "a", net.conv("c", x, 4, 4));
    Quantized q =
        Quantized.of(net.returns(4, net.conv("y", a, 4, 4), net.node("Tanh", "z", a)).model());

    assertThat(q.model().graph().value("a").uses()).hasSize(1);
    Node dequantize = q.quantizer("a").output().onlyConsumer();
    assertThat(dequantize.op()).isEqualTo("DequantizeLinear");
    assertThat(dequantize.output().consumers()).hasSize(2);
  }

  /** ONNX Runtime refuses a Clip before a QuantizeLinear to 4 bits. */
  @Test
  void aClipBeforeFourBitsIsWrittenAsMaxAndMin() {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 3, 8, 8);
    Value c = net.apply("Conv", "c", x, net.weights("w", 4, 3, 3, 3));
    Value clipped =
        net.apply(
            "Clip",
            "clipped",
            c,
            net.constant("zero", Tensor.ofFloats(new float[] {0})),
            net.constant("six", Tensor.ofFloats(new float[] {6})));
    Model model = net.returning(net.apply("Conv", "y", clipped, net.weights("v", 2, 4, 3, 3)));
    Recipe recipe = Recipe.int8();
    recipe = recipe.toBuilder().activation(recipe.activation().toBuilder().bits(4).build()).build();

    Quantized q = Quantized.of(model, recipe);

    assertThat(q.maker("clipped").op()).isEqualTo("Min");
    assertThat(q.model().graph().nodes()).extracting(Node::op).contains("Max");
    assertThat(q.quantizer("clipped").input(2).constant().type()).isEqualTo(DataType.UINT4);
  }

  /** As int32 it would need room for scales too, and the layer computes in float anyway. */
  @Test
  void besideFourBitWeightsABiasIsRoundedAndStaysFloat() {
    Quantized q = Quantized.of(layers(), Recipe.preset("w4a8-channel"));
    for (String layer : List.of("c", "y")) {
      Node node = q.maker(layer);
      float inputScale = node.input(0).producer().input(1).constant().toFloats()[0];
      float[] weightScales = node.input(1).producer().input(1).constant().toFloats();
      float[] bias = node.input(2).constant().toFloats();
      for (int i = 0; i < bias.length; i++) {
        double code = (double) bias[i] / (inputScale * weightScales[i]);
        assertThat(code).isCloseTo(Math.rint(code), within(1e-4));
      }
      assertThat(bias).isNotEqualTo(new float[bias.length]);
    }
  }

  @Test
  void biasScalesAreTheProductOfInputAndWeightScalesInFloat32() {
    Quantized q = Quantized.of(layers());
    Node bias = q.maker("c").input(2).producer();
    float[] weightScales = q.maker("c").input(1).producer().input(1).constant().toFloats();
    float[] expected = new float[weightScales.length];
    for (int i = 0; i < expected.length; i++) {
      expected[i] = q.scale("x") * weightScales[i];
    }

    assertThat(bias.input(0).constant().type()).isEqualTo(DataType.INT32);
    assertThat(bias.input(1).constant().toFloats()).containsExactly(expected);
    assertThat(bias.input(2)).isNull();
  }

  @Test
  void zeroPointsAreWrittenForActivationsAndGemmWeightsOnly() {
    Quantized q = Quantized.of(layers());

    assertThat(q.maker("c").input(1).producer().input(2)).isNull();
    assertThat(q.maker("y").input(1).producer().input(2).constant().type())
        .isEqualTo(DataType.INT8);
    assertThat(q.quantizer("x").input(2).constant().type()).isEqualTo(DataType.UINT8);
  }

  @Test
  void namesOfInputsOutputsAndValuesStay() {
    Quantized q = Quantized.of(layers());

    assertThat(q.model().graph().inputs()).extracting(Value::name).containsExactly("x");
    assertThat(q.model().graph().outputs()).extracting(Value::name).containsExactly("y");
    assertThat(List.of("c", "a", "m", "f")).allMatch(n -> q.model().graph().value(n) != null);
    assertThat(q.model().opset()).isEqualTo(17);
  }

  @Test
  void theFileShrinks() {
    Net net = Net.create();
    Value x = net.input("x", -1, 64);
    Model model = net.returns(2, net.gemm("y", net.gemm("a", x, 64, 256), 256, 64)).model();

    assertThat(Quantized.of(model).bytes())
        .isLessThan((long) (0.3 * dev.octet.graph.onnx.OnnxWriter.toBytes(model).length));
  }

  @ParameterizedTest
  @CsvSource({"2, 2", "3, 7", "4, 12", "5, 18", "6, 22", "7, 26", "8, 30", "12, 33", "16, 33"})
  void everyWidthOfWeightsLoadsAndIsAsGoodAsItsBits(int bits, double decibels) {
    QuantDescriptor weight = Recipe.int8().weight().toBuilder().bits(bits).build();
    Quantized q = Quantized.of(layers(), Recipe.int8().toBuilder().weight(weight).build());

    DataType stored = bits <= 4 ? DataType.INT4 : bits <= 8 ? DataType.INT8 : DataType.INT16;
    assertThat(q.maker("c").input(1).producer().input(0).constant().type()).isEqualTo(stored);
    assertThat(q.model().opset()).isEqualTo(bits <= 4 || bits > 8 ? 21 : 17);
    assertThat(q.model().irVersion()).isGreaterThanOrEqualTo(bits <= 4 || bits > 8 ? 10 : 8);
    assertThat(q.sqnr()).isGreaterThan(decibels);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void sixteenBitActivationsAreNearlyExact(boolean signed) {
    QuantDescriptor activation =
        Recipe.int8().activation().toBuilder().bits(16).signed(signed).build();
    QuantDescriptor weight = Recipe.int8().weight().toBuilder().bits(16).build();
    Quantized q =
        Quantized.of(
            layers(), Recipe.int8().toBuilder().weight(weight).activation(activation).build());

    assertThat(q.sqnr()).isGreaterThan(45); // the rest is values beyond the calibrated range
  }

  @ParameterizedTest
  @CsvSource({"4, 10", "8, 25"})
  void blocksOfAConvolutionRunOverItsWholeWindow(int bits, double decibels) {
    Net net = Net.create();
    Value y = net.conv("y", net.input("x", -1, 10, 6, 6), 10, 6); // 90 weights an output
    Quantized q = Quantized.of(net.returns(4, y).model(), blocks(bits));
    Node reshape = q.maker("y").input(1).producer();

    assertThat(reshape.op()).isEqualTo("Reshape");
    assertThat(reshape.input(0).producer().input(1).constant().shape()).containsExactly(6, 3);
    assertThat(q.sqnr()).isGreaterThan(decibels);
  }

  @Test
  void theLastBlockOfAMatrixMayBeShort() {
    Net net = Net.create();
    Value a = net.node("MatMul", "a", net.input("x", -1, 50), net.weight("wa", 50, 70));
    Quantized q = Quantized.of(net.returns(2, net.gemm("y", a, 70, 5)).model(), blocks(4));

    assertThat(q.maker("a").input(1).producer().input(1).constant().shape()).containsExactly(2, 70);
    assertThat(q.maker("y").input(1).producer().input(1).constant().shape()).containsExactly(5, 3);
    assertThat(q.sqnr()).isGreaterThan(10);
  }

  @Test
  void productsOfEightBitsHaveNoBlocks() {
    Net net = Net.create();
    Value a = net.node("MatMul", "a", net.input("x", -1, 64), net.weight("wa", 64, 64));
    Value b = net.node("Gemm", "b", a, net.weight("wb", 64, 64));
    Value y = net.node("MatMul", "y", b, net.weight("wy", 64, 4));
    Quantized q = Quantized.of(net.returns(2, y).model(), blocks(8));

    assertThat(q.maker("a").input(1).producer().input(1).constant().shape()).containsExactly(64);
    assertThat(q.maker("b").input(1).producer().input(1).constant().shape()).containsExactly(64);
    assertThat(q.sqnr()).isGreaterThan(22);
  }

  @Test
  void otherConvolutionsRunTheSame() {
    Net net = Net.create();
    Value x = net.input("x", -1, 4, 8, 8);
    Value grouped =
        net.node(
            "Conv",
            "grouped",
            Map.of("group", 2L),
            x,
            net.weight("wg", 6, 2, 3, 3),
            net.weight("bg", 6));
    Value deep =
        net.node("Conv", "deep", Map.of("group", 6L), grouped, net.weight("wd", 6, 1, 3, 3));
    Value up =
        net.node(
            "ConvTranspose",
            "up",
            Map.of("group", 2L, "strides", new long[] {2, 2}),
            deep,
            net.weight("wu", 6, 2, 2, 2),
            net.weight("bu", 4));
    Value one = net.node("Conv", "one", up, net.weight("wo", 1, 4, 1, 1), net.weight("bo", 1));
    Model model = net.returns(4, one).model();

    Quantized q = Quantized.of(model);
    assertThat(q.sqnr()).isGreaterThan(22);
    assertThat(q.maker("one").input(2).producer().op()).isEqualTo("DequantizeLinear");
    assertThat(Quantized.of(model, Recipe.preset("w4a8")).sqnr()).isGreaterThan(8);
  }

  @Test
  void aChannelOfZerosIsReportedAndHarmless() {
    Net net = Net.create();
    float[] weights = new float[2 * 4];
    weights[5] = 1;
    Value w = net.floats("w", weights, 2, 4);
    Value b = net.floats("b", new float[] {0.5f, -0.5f}, 2);
    Value y = net.node("Gemm", "y", Map.of("transB", 1L), net.input("x", -1, 4), w, b);
    Quantized q = Quantized.of(net.returns(2, y).model());

    assertThat(q.report().tensors())
        .filteredOn(tensor -> tensor.name().equals("w"))
        .singleElement()
        .satisfies(
            tensor -> {
              assertThat(tensor.allZeroChannels()).isEqualTo(1);
              assertThat(tensor.observed().max()).isEqualTo(1);
              assertThat(tensor.sqnrDb()).isGreaterThan(40);
            });
    assertThat(q.sqnr()).isGreaterThan(20);
  }

  @ParameterizedTest
  @ValueSource(floats = {1e-30f, 1e-6f, 1e6f, 1e30f})
  void tinyAndHugeWeightsKeepTheirRelativePrecision(float size) {
    Net net = Net.create();
    float[] weights = net.weight("base", 4, 8).constant().toFloats();
    for (int i = 0; i < weights.length; i++) {
      weights[i] *= size;
    }
    Value y = net.node("MatMul", "y", net.input("x", -1, 8), net.floats("w", weights, 8, 4));

    assertThat(Quantized.of(net.returns(2, y).model()).sqnr()).isGreaterThan(22);
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
  void weightsThatAreNoNumbersAreRefusedByName(float bad) {
    Net net = Net.create();
    Value w = net.floats("w", new float[] {1, 2, bad, 4}, 2, 2);
    Value y = net.node("MatMul", "y", net.input("x", -1, 2), w);
    Model model = net.returns(2, y).model();

    assertThatThrownBy(() -> Quantized.of(model))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("weights 'w' of node 'y/node'");
  }

  @Test
  void aBiasThatIsNoNumberIsRefusedByName() {
    Net net = Net.create();
    Value b = net.floats("b", new float[] {1, Float.NaN}, 2);
    Value y = net.node("Gemm", "y", net.input("x", -1, 2), net.weight("w", 2, 2), b);
    Model model = net.returns(2, y).model();

    assertThatThrownBy(() -> Quantized.of(model))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("bias of node 'y/node' holds NaN");
  }

  @Test
  void aBiasThatDoesNotFitWidensItsChannelAndIsReported() {
    Net net = Net.create();
    Value w = net.floats("w", new float[] {1e-9f, 1, -1e-9f, 1}, 2, 2);
    Value b = net.floats("b", new float[] {1000, 1}, 2);
    Value y = net.node("Gemm", "y", net.input("x", -1, 2), w, b);
    Quantized q = Quantized.of(net.returns(2, y).model());

    assertThat(q.warnings())
        .contains("the bias of node 'y/node' does not fit int32 in 1 of 2 channels");
    assertThat(q.maker("y").input(2).producer().input(0).constant().type())
        .isEqualTo(DataType.INT32);
    assertThat(q.sqnr()).isGreaterThan(40); // the bias is nearly all there is
  }

  @Test
  void embeddingTablesShrinkByTheRow() {
    Net net = Net.create();
    Value ids = net.input("ids", DataType.INT64, -1, 5);
    Value rows = net.node("Gather", "rows", net.weight("table", 64, 80), ids);
    Quantized q =
        Quantized.of(net.returns(3, net.node("MatMul", "y", rows, net.weight("w", 80, 4))).model());
    Node table = q.maker("rows").input(0).producer();

    assertThat(table.input(0).constant().type()).isEqualTo(DataType.INT8);
    assertThat(table.input(1).constant().shape()).containsExactly(64);
    assertThat(q.sqnr()).isGreaterThan(22);
  }

  private static Recipe blocks(int bits) {
    QuantDescriptor weight =
        Recipe.int8().weight().toBuilder()
            .bits(bits)
            .granularity(Granularity.perBlock(1, 32))
            .build();
    return Recipe.int8().toBuilder().weight(weight).build();
  }

  /** A convolution with Relu, a mean, and a Gemm. */
  private static Model layers() {
    Net net = Net.create();
    Value x = net.input("x", -1, 4, 8, 8);
    Value a = net.node("Relu", "a", net.conv("c", x, 4, 16));
    Value f = net.node("Flatten", "f", net.node("GlobalAveragePool", "m", a));
    return net.returns(2, net.gemm("y", f, 16, 5)).model();
  }
}
