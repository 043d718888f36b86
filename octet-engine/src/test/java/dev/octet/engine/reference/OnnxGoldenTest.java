package dev.octet.engine.reference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The quantized operators give the very numbers of ONNX Runtime that the golden file holds. */
class OnnxGoldenTest {

  static Stream<Golden> cases() {
    return Golden.cases("onnx-qdq");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void isExact(Golden golden) {
    String op = golden.params().text("op");
    switch (op) {
      case "QuantizeLinear+DequantizeLinear" -> quantizeAndBack(golden);
      case "DequantizeLinear" -> dequantize(golden);
      case "DynamicQuantizeLinear" -> dynamic(golden);
      case "MatMulInteger" ->
          single(golden, op, List.of("a", "b", "a_zero_point", "b_zero_point"), Map.of());
      case "ConvInteger" ->
          single(
              golden,
              op,
              List.of("x", "w", "x_zero_point", "w_zero_point"),
              convolution(golden.params()));
      case "QLinearMatMul" ->
          single(
              golden,
              op,
              List.of(
                  "a",
                  "a_scale",
                  "a_zero_point",
                  "b",
                  "b_scale",
                  "b_zero_point",
                  "y_scale",
                  "y_zero_point"),
              Map.of());
      case "QLinearConv" ->
          single(
              golden,
              op,
              List.of(
                  "x",
                  "x_scale",
                  "x_zero_point",
                  "w",
                  "w_scale",
                  "w_zero_point",
                  "y_scale",
                  "y_zero_point",
                  "bias"),
              convolution(golden.params()));
      default -> throw new AssertionError("unknown operator " + op);
    }
  }

  private static Map<String, Object> convolution(Fields params) {
    long pad = params.integer("pad");
    long stride = params.integer("stride");
    long dilation = params.integer("dilation");
    return Map.of(
        "pads", new long[] {pad, pad, pad, pad},
        "strides", new long[] {stride, stride},
        "dilations", new long[] {dilation, dilation},
        "group", params.integer("group"));
  }

  private static void quantizeAndBack(Golden golden) {
    Fields params = golden.params();
    DataType type = DataType.valueOf(params.text("dtype").toUpperCase(Locale.ROOT));
    Map<String, Object> attributes = new LinkedHashMap<>();
    for (String name : List.of("axis", "block_size")) {
      if (params.has(name)) {
        attributes.put(name, params.integer(name));
      }
    }
    ModelBuilder net = new ModelBuilder(21, 0);
    Value x = net.input(tensor(golden.inputs().array("x"), DataType.FLOAT));
    Value scale = net.constant(tensor(golden.inputs().array("scale"), DataType.FLOAT));
    Value zeroPoint = net.constant(tensor(golden.inputs().array("zero_point"), type));
    Value codes = net.node("QuantizeLinear", attributes, x, scale, zeroPoint);
    Value back = net.node("DequantizeLinear", attributes, codes, scale, zeroPoint);
    Map<String, Tensor> made = Reference.run(net.model(), net.feeds());
    assertThat(made.get(codes.name()))
        .isEqualTo(tensor(golden.expected().array("quantized"), type));
    assertThat(made.get(back.name()))
        .isEqualTo(tensor(golden.expected().array("dequantized"), DataType.FLOAT));
    golden.expected().leave("codes_from");
  }

  private static void dequantize(Golden golden) {
    Fields params = golden.params();
    DataType type = DataType.valueOf(params.text("dtype").toUpperCase(Locale.ROOT));
    ModelBuilder net = new ModelBuilder(21, 0);
    Value codes = net.input(tensor(golden.inputs().array("q"), type));
    Array zeroPoint = new Array(new int[0], new double[] {params.integer("zero_point")});
    Value back =
        net.node(
            "DequantizeLinear",
            codes,
            net.floats(params.number("scale")),
            net.constant(zeroPoint.to(type)));
    assertThat(Reference.run(net.model(), net.feeds()).get(back.name()))
        .isEqualTo(tensor(golden.expected().array("dequantized"), DataType.FLOAT));
  }

  private static void dynamic(Golden golden) {
    ModelBuilder net = new ModelBuilder(21, 0);
    Value x = net.input(tensor(golden.inputs().array("x"), DataType.FLOAT));
    List<Value> made = net.nodes("DynamicQuantizeLinear", 3, Map.of(), x);
    Map<String, Tensor> tensors = Reference.run(net.model(), net.feeds());
    List<String> names = List.of("y", "scale", "zero_point");
    for (int i = 0; i < names.size(); i++) {
      assertThat(tensors.get(made.get(i).name()))
          .as(names.get(i))
          .isEqualTo(tensor(golden.expected().array(names.get(i)), null));
    }
  }

  private static void single(
      Golden golden, String op, List<String> inputs, Map<String, ?> attributes) {
    ModelBuilder net = new ModelBuilder(21, 0);
    Value[] values = new Value[inputs.size()];
    for (int i = 0; i < values.length; i++) {
      String name = inputs.get(i);
      if (!golden.inputs().has(name)) {
        values[i] = null;
      } else if (name.equals("x_scale") || name.equals("a_scale") || name.equals("y_scale")) {
        values[i] = net.floats(golden.inputs().number(name));
      } else {
        values[i] = net.constant(tensor(golden.inputs().array(name), null));
      }
    }
    Value y = net.node(op, attributes, values);
    Model model = net.model();
    assertThat(Reference.run(model, net.feeds()).get(y.name()))
        .isEqualTo(tensor(golden.expected().array("y"), null));
  }

  /** The array as a tensor of {@code type}, or of the type that the file names. */
  private static Tensor tensor(GoldenArray array, @Nullable DataType type) {
    DataType named =
        array.dtype().equals("float32")
            ? DataType.FLOAT
            : DataType.valueOf(array.dtype().toUpperCase(Locale.ROOT));
    if (named == DataType.FLOAT) {
      long[] shape = Arrays.stream(array.shape()).asLongStream().toArray();
      return Tensor.ofFloats(array.floats(), shape);
    }
    return new Array(array.shape(), array.doubles()).to(type == null ? named : type);
  }
}
