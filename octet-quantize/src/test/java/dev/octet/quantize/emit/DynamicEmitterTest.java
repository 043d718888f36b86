package dev.octet.quantize.emit;

import static dev.octet.quantize.emit.SmallNet.integer;
import static dev.octet.quantize.emit.SmallNet.ints;
import static dev.octet.quantize.emit.SmallNet.real;
import static dev.octet.quantize.emit.Trial.noise;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.recipe.Recipe;
import dev.octet.core.recipe.Target;
import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.quantize.NothingToQuantizeException;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.report.Warning;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DynamicEmitterTest {
  /**
   * Gaussian x over +-4 sigma in 256 steps has noise (8/255)^2/12 of its power: 40.9 dB; weights
   * per channel in 255 steps about the same; together 38 dB. A few dB are left for luck.
   */
  private static final double ONE_LAYER_DB = 34;

  @TempDir Path folder;

  @Test
  void aMatMulWithConstantWeightsMultipliesIntegers() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", "length", 64);
    Trial trial = dynamic(net.returning(net.apply("MatMul", "y", x, net.weights("w", 64, 96))));
    assertThat(trial.operators())
        .containsExactlyInAnyOrder("DynamicQuantizeLinear", "MatMulInteger", "Cast", "Mul", "Mul");
    assertThat(trial.storedTypes(96)).containsExactly(DataType.INT8);
    assertThat(trial.bytesAfter).isLessThan(trial.bytesBefore / 2);
    assertThat(trial.difference(Map.of("x", noise(1, 2, 5, 64))).sqnr())
        .isGreaterThan(ONE_LAYER_DB);
    assertThat(trial.difference(Map.of("x", noise(2, 1, 9, 64))).sqnr())
        .isGreaterThan(ONE_LAYER_DB);
  }

  @Test
  void aBatchOfMatricesHasOneScale() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, 3, "n", 32);
    Trial trial = dynamic(net.returning(net.apply("MatMul", "y", x, net.weights("w", 3, 32, 16))));
    assertThat(trial.operators()).contains("MatMulInteger");
    // The smallest matrix is a third of the largest, whose scale it shares: 9.5 dB less for it.
    assertThat(trial.difference(Map.of("x", noise(1, 3, 4, 32))).sqnr()).isGreaterThan(30);
  }

  @Test
  void aGemmKeepsItsScalesItsTranspositionAndItsBias() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 48);
    Value y =
        net.apply(
            "Gemm",
            "y",
            Map.of("transB", integer(1), "alpha", real(0.5f), "beta", real(2)),
            x,
            net.weights("w", 40, 48),
            net.weights("b", 40));
    Trial trial = dynamic(net.returning(y));
    assertThat(trial.operators()).contains("MatMulInteger", "Add").doesNotContain("Gemm");
    assertThat(trial.quantized.graph().value("w_q").initializer().shape()).containsExactly(48, 40);
    assertThat(trial.quantized.graph().value("w")).as("the float weights").isNull();
    assertThat(trial.quantized.graph().value("b")).as("the bias before scaling").isNull();
    assertThat(trial.difference(Map.of("x", noise(1, 7, 48))).sqnr()).isGreaterThan(ONE_LAYER_DB);
  }

  @Test
  void aBiasThatIsComputedIsAddedAndScaledToo() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 48);
    Value c = net.input("c", DataType.FLOAT, "n", 32);
    Value y = net.apply("Gemm", "y", Map.of("beta", real(3)), x, net.weights("w", 48, 32), c);
    Trial trial = dynamic(net.returning(y));
    assertThat(trial.operators()).contains("MatMulInteger");
    assertThat(trial.difference(Map.of("x", noise(1, 5, 48), "c", noise(2, 5, 32))).sqnr())
        .isGreaterThan(ONE_LAYER_DB);
  }

  @Test
  void aConvolutionKeepsItsWindowItsGroupsAndItsScalePerChannel() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 8, "h", "w");
    Value y =
        net.apply(
            "Conv",
            "y",
            Map.of("pads", ints(1, 1, 1, 1), "strides", ints(2, 2), "group", integer(2)),
            x,
            net.weights("k", 12, 4, 3, 3),
            net.weights("b", 12));
    Trial trial = dynamic(net.returning(y));
    assertThat(trial.operators())
        .containsExactlyInAnyOrder(
            "DynamicQuantizeLinear", "ConvInteger", "Cast", "Mul", "Mul", "Add");
    assertThat(trial.quantized.graph().value("k_q").initializer().type()).isEqualTo(DataType.UINT8);
    assertThat(trial.quantized.graph().value("k_s").initializer().shape())
        .containsExactly(12, 1, 1);
    // Padding is with the zero point: were it with the integer 0, the border would be far off.
    assertThat(trial.difference(Map.of("x", noise(1, 2, 8, 9, 7))).sqnr())
        .isGreaterThan(ONE_LAYER_DB);
  }

  @Test
  void aConvolutionOverTimeHasNoBias() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, 1, 16, "t");
    Trial trial = dynamic(net.returning(net.apply("Conv", "y", x, net.weights("k", 16, 16, 5))));
    assertThat(trial.operators()).contains("ConvInteger").doesNotContain("Add");
    assertThat(trial.difference(Map.of("x", noise(1, 1, 16, 30))).sqnr())
        .isGreaterThan(ONE_LAYER_DB);
  }

  @Test
  void readersOfOneValueShareItsIntegersAndReadersOfOneConstantToo() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 64);
    Value w = net.weights("w", 64, 64);
    Value a = net.apply("MatMul", "a", x, w);
    Value b = net.apply("MatMul", "b", x, net.weights("v", 64, 32));
    Value c = net.apply("MatMul", "c", a, w);
    Trial trial = dynamic(net.returning(b, c));
    assertThat(trial.operators().stream().filter("DynamicQuantizeLinear"::equals)).hasSize(2);
    assertThat(trial.storedTypes(64)).containsExactly(DataType.INT8, DataType.INT8);
    assertThat(trial.difference(Map.of("x", noise(1, 6, 64))).sqnr())
        .as("two layers: 3 dB less than one") // the noise of both adds up
        .isGreaterThan(ONE_LAYER_DB - 3);
  }

  @Test
  void unsignedWeightsKeepTheirZeroPoints() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 64);
    Model model = net.returning(net.apply("MatMul", "y", x, net.weights("w", 64, 48)));
    Trial trial = dynamic(model, recipe -> recipe.weight(affine(recipe.build())));
    assertThat(trial.storedTypes(48)).containsExactly(DataType.UINT8);
    Node product = node(trial, "MatMulInteger");
    assertThat(product.inputs()).hasSize(4);
    assertThat(trial.difference(Map.of("x", noise(1, 6, 64))).sqnr()).isGreaterThan(ONE_LAYER_DB);
  }

  @Test
  void fourBitWeightsAreWidened() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 64);
    Model model = net.returning(net.apply("MatMul", "y", x, net.weights("w", 64, 48)));
    Trial trial =
        dynamic(
            model, recipe -> recipe.weight(recipe.build().weight().toBuilder().bits(4).build()));
    assertThat(trial.storedTypes(48)).containsExactly(DataType.INT8);
    // 15 levels over +-3 sigma: (6/14)^2/12 of the power is 18.2 dB.
    assertThat(trial.difference(Map.of("x", noise(1, 6, 64))).sqnr()).isGreaterThan(15);
  }

  @Test
  void anLstmOfTwoDirectionsRunsInOnnxRuntimesDynamicForm() throws IOException {
    Trial trial = dynamic(lstm());
    Node node = node(trial, "DynamicQuantizeLSTM");
    assertThat(node.domain()).isEqualTo("com.microsoft");
    assertThat(trial.quantized.opsets()).containsEntry("com.microsoft", 1L);
    assertThat(trial.quantized.graph().value("w_q").initializer().shape())
        .containsExactly(2, 24, 128);
    assertThat(trial.storedTypes(1024)).containsOnly(DataType.INT8);
    // A step's error comes back in the next; 12 steps cost a few dB over one layer.
    assertThat(trial.difference(Map.of("x", noise(1, 12, 3, 24))).sqnr()).isGreaterThan(28);
  }

  @Test
  void anLstmForAnotherTargetComputesInFloatFromIntegerWeights() throws IOException {
    Trial trial = dynamic(lstm(), recipe -> recipe.target(Target.OPENVINO));
    assertThat(trial.operators()).contains("LSTM", "DequantizeLinear");
    assertThat(trial.quantized.opsets()).doesNotContainKey("com.microsoft");
    assertThat(trial.report.warnings().stream().map(Warning::text))
        .anyMatch(text -> text.contains("only ONNX Runtime has a dynamic form of LSTM"));
    assertThat(trial.difference(Map.of("x", noise(1, 12, 3, 24))).sqnr()).isGreaterThan(34);
  }

  @Test
  void aLookupTableIsStoredSmallAndLookedUp() throws IOException {
    SmallNet net = new SmallNet();
    Value ids = net.input("ids", DataType.INT64, "n", "length");
    Value rows = net.apply("Gather", "rows", net.weights("table", 200, 32), ids);
    Trial trial = dynamic(net.returning(net.apply("MatMul", "y", rows, net.weights("w", 32, 16))));
    assertThat(trial.operators()).contains("Gather", "DequantizeLinear", "MatMulInteger");
    assertThat(trial.report.warnings()).isEmpty();
    long[] some = {0, 7, 199, 31, 5, 150};
    assertThat(trial.difference(Map.of("ids", HostTensor.ofLongs(new int[] {2, 3}, some))).sqnr())
        .isGreaterThan(ONE_LAYER_DB - 3);
  }

  @Test
  void whatStaysInFloatHasAReason() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, 8, 8);
    Value y = net.apply("MatMul", "y", x, net.weights("w", 8, 8));
    Value square = net.apply("MatMul", "square", y, y);
    Trial trial = dynamic(net.returning(net.apply("Softmax", "p", net.apply("Relu", "r", square))));
    List<String> reasons = new ArrayList<>();
    trial.report.layers().forEach(layer -> reasons.add(layer.node() + ": " + layer.floatReason()));
    assertThat(reasons)
        .contains(
            "square-node: it has no constant weights",
            "r-node: it has no weights, and the recipe quantizes weights only",
            "p-node: softmax loses its small probabilities in 8 bits");
  }

  @Test
  void aModelWithoutWeightsIsRefused() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 8);
    Model model = net.returning(net.apply("Relu", "y", x));
    assertThatThrownBy(() -> dynamic(model)).isInstanceOf(NothingToQuantizeException.class);
    assertThat(folder.resolve("model.dynamic-int8.onnx")).doesNotExist();
  }

  private static Model lstm() {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "t", 3, 24);
    Value y =
        net.apply(
            "LSTM",
            "y",
            Map.of(
                "hidden_size",
                integer(32),
                "direction",
                new Attribute.StringValue("bidirectional")),
            x,
            net.weights("w", 2, 128, 24),
            net.weights("r", 2, 128, 32),
            net.weights("b", 2, 256));
    return net.returning(y);
  }

  private static dev.octet.core.descriptor.QuantDescriptor affine(Recipe recipe) {
    return recipe.weight().toBuilder().signed(false).symmetric(false).narrow(false).build();
  }

  private static Node node(Trial trial, String op) {
    return trial.quantized.graph().nodes().stream()
        .filter(node -> node.op().equals(op))
        .findFirst()
        .orElseThrow();
  }

  private Trial dynamic(Model model) throws IOException {
    return Trial.of(model, "dynamic-int8", folder);
  }

  private Trial dynamic(Model model, UnaryOperator<Recipe.Builder> change) throws IOException {
    Recipe.Builder builder = Recipe.preset("dynamic-int8").toBuilder();
    return Trial.of(model, change.apply(builder).build(), null, folder);
  }
}
