package dev.octet.engine;

import static dev.octet.graph.DataType.BFLOAT16;
import static dev.octet.graph.DataType.FLOAT16;
import static dev.octet.graph.DataType.INT4;
import static dev.octet.graph.DataType.INT8;
import static dev.octet.graph.DataType.UINT4;
import static dev.octet.graph.DataType.UINT8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.format.BFloat16;
import dev.octet.core.format.Float16;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.engine.reference.Closeness;
import dev.octet.engine.reference.ModelBuilder;
import dev.octet.engine.reference.OrtReference;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WeightOnlyProductsTest {
  private final ModelBuilder net = new ModelBuilder(21, 9);

  private Explanation check() {
    Model model = net.model();
    Map<String, Tensor> inputs = net.feeds();
    Map<String, Tensor> wanted = OrtReference.run(model, inputs);
    try (Engine engine = Engine.load(model, EngineOptions.defaults().withThreads(1))) {
      Map<String, Tensor> made = engine.run(inputs);
      assertThat(made).isNotEmpty();
      made.forEach(
          (name, tensor) ->
              Closeness.check(name, tensor, Objects.requireNonNull(wanted.get(name)), 2e-6));
      return engine.profile(inputs, 1);
    }
  }

  private Tensor codes(DataType type, long... shape) {
    return switch (type) {
      case UINT4 -> net.whole(type, 0, 15, shape);
      case INT4 -> net.whole(type, -8, 7, shape);
      case UINT8 -> net.whole(type, 0, 255, shape);
      default -> net.whole(type, -128, 127, shape);
    };
  }

  private Value scales(long... shape) {
    float[] values = net.normal(1, shape).toFloats();
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.01f + 0.01f * Math.abs(values[i]);
    }
    return net.constant(Tensor.ofFloats(values, shape));
  }

  /** Weights of {@code shape} in blocks along {@code axis}; a scale for each index without. */
  private Value weights(DataType type, int axis, int block, boolean zeros, long... shape) {
    long[] parts = block == 0 ? new long[] {shape[axis]} : shape.clone();
    Map<String, Object> attributes = new HashMap<>(Map.of("axis", axis));
    if (block > 0) {
      parts[axis] = (shape[axis] + block - 1) / block;
      attributes.put("block_size", block);
    }
    Value integers = net.constant(codes(type, shape));
    Value scale = scales(parts);
    return zeros
        ? net.node(
            "DequantizeLinear", attributes, integers, scale, net.constant(codes(type, parts)))
        : net.node("DequantizeLinear", attributes, integers, scale);
  }

  @ParameterizedTest
  @CsvSource({
    "INT4, 1, 32, false",
    "INT4, 1, 32, true",
    "UINT4, 1, 32, true",
    "UINT4, 3, 16, false",
    "INT4, 1, 0, true",
    "INT4, 2, 30, false",
    "INT4, 9, 32, false",
    "UINT4, 9, 32, true",
    "INT4, 9, 30, true",
    "INT4, 9, 0, true",
    "INT8, 1, 32, true",
    "INT8, 9, 0, false",
    "UINT8, 1, 32, true",
    "UINT8, 9, 0, true",
    "UINT8, 5, 96, true"
  })
  void productsByWeightsInBlocks(DataType type, int rows, int block, boolean zeros) {
    Value x = net.input(rows, 96);
    net.node("MatMul", x, weights(type, block == 0 ? 1 : 0, block, zeros, 96, 50));
    check();
  }

  @ParameterizedTest
  @CsvSource({"INT4, 1", "UINT4, 7", "INT8, 1", "UINT8, 7"})
  void transposedWithBiasInBlocks(DataType type, int rows) {
    Value x = net.input(rows, 64);
    Value w = weights(type, 1, 32, true, 40, 64);
    net.node("Relu", net.node("Gemm", Map.of("transB", 1), x, w, net.weight(1, 40)));
    check();
  }

  @Test
  void blocksAcrossColumnsAndOneScale() {
    Value x = net.input(2, 3, 64);
    net.node("MatMul", x, weights(INT4, 1, 16, true, 64, 48));
    Value one = net.node("DequantizeLinear", net.constant(codes(INT4, 64, 48)), net.floats(0.02));
    net.node("MatMul", x, one);
    net.node("MatMul", net.input(1, 64), one);
    check();
  }

  @ParameterizedTest
  @CsvSource({"INT8, false, 1", "INT8, true, 3", "UINT8, true, 1", "UINT8, false, 4"})
  void bytesWithOneScaleAColumnAreProductsOfIntegers(DataType type, boolean zeros, int rows) {
    Value x = net.input(rows, 96);
    net.node("MatMul", x, weights(type, 1, 0, zeros, 96, 50));
    net.node("Gemm", Map.of("transB", 1), x, weights(type, 0, 0, zeros, 40, 96), net.weight(1, 40));
    Explanation plan = check();
    assertThat(plan.steps().stream().map(step -> step.what()))
        .filteredOn(what -> what.equals("split"))
        .hasSize(2);
  }

  @Test
  void whatIsNotFiniteStaysInItsRow() {
    float[] values = new float[2 * 96];
    Arrays.fill(values, 1e-30f);
    values[7] = Float.NaN;
    net.node(
        "MatMul", net.input(Tensor.ofFloats(values, 2, 96)), weights(INT8, 1, 0, true, 96, 50));
    try (Engine engine = Engine.load(net.model(), EngineOptions.defaults())) {
      float[] made = engine.run(net.feeds()).values().iterator().next().toFloats();
      assertThat(Arrays.copyOf(made, 50)).containsOnly(Float.NaN);
      for (int i = 50; i < 100; i++) {
        assertThat(made[i]).isFinite().isNotZero();
      }
    }
  }

  @Test
  void weightsAreDecompressedInsideTheProduct() {
    net.node("MatMul", net.input(1, 256), weights(INT4, 0, 32, false, 256, 64));
    net.node("MatMul", net.input(16, 256), weights(INT4, 0, 32, false, 256, 64));
    net.node("MatMul", net.input(1, 256), weights(INT8, 0, 32, true, 256, 64));
    Explanation plan = check();
    assertThat(plan.steps().stream().map(step -> step.what()))
        .containsExactlyInAnyOrder("4-bit matmul", "matmul", "matmul");
    assertThat(plan.weightBytes()).isLessThan(256 * 64 * 2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"FLOAT16", "BFLOAT16"})
  void sixteenBitWeights(String name) {
    DataType type = DataType.valueOf(name);
    for (int rows : new int[] {1, 12}) {
      net.node("MatMul", net.input(rows, 1024), halves(type, 1024, 1024));
    }
    assertThat(check().steps()).hasSize(2);
  }

  private Value halves(DataType type, long... shape) {
    float[] values = net.normal(0.1, shape).toFloats();
    ByteBuffer bytes = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putShort(type == BFLOAT16 ? BFloat16.encode(value) : Float16.encode(value));
    }
    return net.node(
        "Cast", Map.of("to", 1), net.constant(Tensor.ofRaw(type, bytes.array(), shape)));
  }

  @Test
  void otherLayersReadCompressedWeightsToo() {
    net.node("Conv", net.input(1, 4, 6, 6), halves(FLOAT16, 8, 4, 3, 3));
    net.node("Conv", net.input(1, 32, 6, 6), weights(INT8, 1, 16, true, 8, 32, 1, 1));
    Value flat = weights(INT4, 1, 12, false, 8, 36);
    net.node("Conv", net.input(1, 4, 6, 6), net.node("Reshape", flat, net.longs(8, 4, 3, 3)));
    check();
  }

  @ParameterizedTest
  @CsvSource({"INT8, 0", "INT8, 16", "UINT8, 16", "INT4, 16"})
  void recurrentWeights(DataType type, int block) {
    Value x = net.input(5, 2, 32);
    Value w = weights(type, block == 0 ? 1 : 2, block, false, 1, 64, 32);
    Value r = weights(type, block == 0 ? 1 : 2, block, false, 1, 64, 16);
    net.nodes("LSTM", 3, Map.of("hidden_size", 16), x, w, r);
    check();
  }

  @Test
  void severalShapesShareTheirWeights() {
    Value x = net.input(1, 64);
    Value w = weights(INT4, 0, 32, false, 64, 32);
    net.node("MatMul", x, w);
    Model model = net.model();
    model
        .graph()
        .setType(
            x,
            new dev.octet.graph.ValueType.TensorType(
                DataType.FLOAT,
                java.util.List.of(
                    new dev.octet.graph.Dimension.Symbolic("n"),
                    new dev.octet.graph.Dimension.Fixed(64))));
    try (Engine engine = Engine.load(model, EngineOptions.defaults())) {
      long bytes = 0;
      for (int rows = 8; rows < 16; rows++) {
        Map<String, Tensor> inputs = Map.of(x.name(), net.normal(1, rows, 64));
        engine.run(inputs);
        long now = engine.profile(inputs, 1).weightBytes();
        assertThat(bytes == 0 || bytes == now).isTrue();
        bytes = now;
      }
    }
  }

  @Test
  void scalesThatDoNotFitAreNamed() {
    Value w =
        net.node(
            "DequantizeLinear",
            Map.of("axis", 0, "block_size", 32),
            net.constant(codes(INT4, 64, 8)),
            scales(3, 8));
    net.node("MatMul", net.input(1, 64), w);
    try (Engine engine = Engine.load(net.model(), EngineOptions.defaults())) {
      assertThatThrownBy(() -> engine.run(net.feeds()))
          .isInstanceOf(UnsupportedNodeException.class)
          .hasMessageContaining("(DequantizeLinear)")
          .hasMessageContaining("[3, 8] and should be [2, 8]");
    }
  }
}
