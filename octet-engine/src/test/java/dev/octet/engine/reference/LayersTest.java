package dev.octet.engine.reference;

import static dev.octet.graph.DataType.INT32;
import static dev.octet.graph.DataType.INT8;
import static dev.octet.graph.DataType.UINT8;

import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Convolutions, products, normalization and recurrence agree with ONNX Runtime. */
class LayersTest {

  static Stream<Trial> trials() {
    return Stream.of(convolutions(), products(), integers(), normalizations(), recurrences())
        .flatMap(List::stream);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("trials")
  void agreesWithOnnxRuntime(Trial trial) {
    trial.check();
  }

  private static long[] of(long... values) {
    return values;
  }

  private static Trial conv(String op, Map<String, ?> attributes, long[] x, long... w) {
    long made = op.equals("Conv") ? w[0] : w[1] * ((Number) groups(attributes)).longValue();
    return Trial.of(
        op + attributes.keySet() + x.length,
        net -> net.node(op, attributes, net.input(x), net.weight(0.3, w), net.weight(1, made)));
  }

  private static Object groups(Map<String, ?> attributes) {
    Object group = attributes.get("group");
    return group == null ? 1 : group;
  }

  private static List<Trial> convolutions() {
    return List.of(
        conv("Conv", Map.of(), of(2, 3, 9), 4, 3, 3),
        conv("Conv", Map.of("pads", of(1, 0, 2, 1)), of(2, 3, 7, 6), 4, 3, 3, 2),
        conv("Conv", Map.of("strides", of(2, 1, 2), "group", 2), of(1, 4, 5, 6, 7), 6, 2, 3, 2, 1),
        conv(
            "Conv", Map.of("dilations", of(2, 3), "strides", of(1, 2)), of(1, 2, 9, 9), 3, 2, 3, 2),
        conv("Conv", Map.of("group", 4, "pads", of(1, 1, 1, 1)), of(2, 4, 6, 6), 8, 1, 3, 3),
        conv(
            "Conv",
            Map.of("auto_pad", "SAME_UPPER", "strides", of(2, 3)),
            of(1, 2, 8, 7),
            3,
            2,
            3,
            2),
        conv("Conv", Map.of("auto_pad", "SAME_LOWER"), of(1, 2, 8, 7), 3, 2, 4, 2),
        conv("Conv", Map.of("auto_pad", "VALID"), of(1, 2, 8, 7), 3, 2, 4, 2),
        conv("ConvTranspose", Map.of(), of(1, 3, 5), 3, 4, 3),
        conv(
            "ConvTranspose",
            Map.of("strides", of(2, 3), "pads", of(1, 0, 2, 1), "output_padding", of(1, 2)),
            of(2, 3, 4, 5),
            3,
            2,
            3,
            3),
        conv(
            "ConvTranspose",
            Map.of("group", 2, "dilations", of(2, 1), "strides", of(2, 2)),
            of(1, 4, 4, 3),
            4,
            3,
            3,
            2),
        conv(
            "ConvTranspose",
            Map.of("auto_pad", "SAME_UPPER", "strides", of(2, 2)),
            of(1, 2, 4, 3),
            2,
            3,
            3,
            3),
        conv(
            "ConvTranspose",
            Map.of("output_shape", of(9, 8), "strides", of(2, 2)),
            of(1, 2, 4, 3),
            2,
            3,
            3,
            3));
  }

  private static List<Trial> products() {
    return List.of(
        product(of(3, 4), of(4, 5)),
        product(of(2, 1, 3, 4), of(5, 4, 2)),
        product(of(4), of(2, 4, 3)),
        product(of(2, 3, 4), of(4)),
        product(of(4), of(4)),
        Trial.of(
            "Gemm transposed",
            net ->
                net.node(
                    "Gemm",
                    Map.of("transA", 1, "transB", 1, "alpha", 0.5, "beta", 2.0),
                    net.input(4, 3),
                    net.input(5, 4),
                    net.weight(1, 5))),
        Trial.of("Gemm without bias", net -> net.node("Gemm", net.input(3, 4), net.input(4, 5))));
  }

  private static Trial product(long[] a, long[] b) {
    return Trial.of(
        "MatMul " + a.length + b.length, net -> net.node("MatMul", net.input(a), net.input(b)));
  }

  private static List<Trial> integers() {
    return List.of(
        Trial.of(
            "MatMulInteger",
            net ->
                net.node(
                    "MatMulInteger",
                    net.input(net.whole(UINT8, 0, 255, 2, 3, 9)),
                    net.constant(net.whole(INT8, -128, 127, 9, 4)),
                    net.constant(net.whole(UINT8, 0, 255)),
                    net.constant(net.whole(INT8, -128, 127, 4)))),
        Trial.of(
            "ConvInteger",
            net ->
                net.node(
                    "ConvInteger",
                    Map.of("group", 2, "auto_pad", "SAME_UPPER", "strides", of(2, 1)),
                    net.input(net.whole(UINT8, 0, 255, 2, 4, 7, 6)),
                    net.constant(net.whole(INT8, -128, 127, 6, 2, 3, 3)),
                    net.constant(net.whole(UINT8, 0, 255)),
                    net.constant(net.whole(INT8, 0, 0)))),
        Trial.of(
            "dynamic quantization",
            net -> {
              Value x = net.input(4, 6);
              List<Value> q = net.nodes("DynamicQuantizeLinear", 3, Map.of(), x);
              Value w = net.constant(net.whole(INT8, -127, 127, 6, 5));
              Value sums = net.node("MatMulInteger", q.get(0), w, q.get(2));
              Value real = net.node("Cast", Map.of("to", 1), sums);
              net.node("Mul", real, q.get(1));
            }),
        Trial.of(
            "a bias of 32 bits",
            net ->
                net.node(
                    "DequantizeLinear",
                    Map.of("axis", 0),
                    net.constant(net.whole(INT32, -2_000_000_000, 2_000_000_000, 6)),
                    net.floats(1e-3, 2e-4, 3e-5, 0.1, 1.0, 7e-4))));
  }

  private static List<Trial> normalizations() {
    return List.of(
        Trial.of("Softmax", net -> net.node("Softmax", Map.of("axis", 1), net.input(2, 5, 3))),
        new Trial("flat Softmax", 11, net -> net.node("Softmax", net.input(2, 5, 3))),
        Trial.of("LogSoftmax", net -> net.node("LogSoftmax", net.input(2, 5, 3))),
        Trial.of(
            "LayerNormalization",
            net ->
                net.nodes(
                    "LayerNormalization",
                    3,
                    Map.of("axis", 1, "epsilon", 1e-3),
                    net.input(2, 3, 4),
                    net.weight(1, 3, 4),
                    net.weight(1, 3, 4))),
        Trial.of(
            "BatchNormalization",
            net ->
                net.node(
                    "BatchNormalization",
                    net.input(2, 3, 4, 2),
                    net.weight(1, 3),
                    net.weight(1, 3),
                    net.weight(1, 3),
                    net.floats(0.5, 1, 2))),
        Trial.of(
            "InstanceNormalization",
            net ->
                net.node(
                    "InstanceNormalization",
                    net.input(2, 3, 4, 2),
                    net.weight(1, 3),
                    net.weight(1, 3))),
        new Trial(
            "GroupNormalization",
            21,
            net ->
                net.node(
                    "GroupNormalization",
                    Map.of("num_groups", 2),
                    net.input(2, 4, 3, 2),
                    net.weight(1, 4),
                    net.weight(1, 4))),
        Trial.of(
            "LRN", net -> net.node("LRN", Map.of("size", 3, "alpha", 0.5), net.input(2, 5, 3, 2))),
        Trial.of("LpNormalization", net -> net.node("LpNormalization", net.input(2, 5, 3))));
  }

  private static Trial recurrent(String op, int gates, Map<String, ?> attributes) {
    long directions = "bidirectional".equals(attributes.get("direction")) ? 2 : 1;
    return Trial.of(
        op + attributes,
        net -> {
          boolean lstm = op.equals("LSTM");
          Value[] inputs = new Value[lstm ? 8 : 6];
          inputs[0] = net.input(5, 3, 4);
          inputs[1] = net.weight(0.5, directions, gates * 6L, 4);
          inputs[2] = net.weight(0.5, directions, gates * 6L, 6);
          inputs[3] = net.weight(0.5, directions, gates * 12L);
          inputs[4] = net.constant(Tensor.ofInts(new int[] {5, 2, 3}, 3));
          inputs[5] = net.input(directions, 3, 6);
          if (lstm) {
            inputs[6] = net.input(directions, 3, 6);
            inputs[7] = net.weight(0.5, directions, 18);
          }
          net.nodes(op, lstm ? 3 : 2, attributes, inputs);
        });
  }

  private static List<Trial> recurrences() {
    return List.of(
        recurrent("LSTM", 4, Map.of("hidden_size", 6)),
        recurrent("LSTM", 4, Map.of("hidden_size", 6, "direction", "reverse", "clip", 0.5)),
        recurrent("LSTM", 4, Map.of("hidden_size", 6, "direction", "bidirectional")),
        recurrent("GRU", 3, Map.of("hidden_size", 6)),
        recurrent("GRU", 3, Map.of("hidden_size", 6, "linear_before_reset", 1)),
        recurrent("GRU", 3, Map.of("hidden_size", 6, "direction", "bidirectional")),
        recurrent("GRU", 3, Map.of("hidden_size", 6, "direction", "reverse")),
        recurrent("RNN", 1, Map.of("hidden_size", 6, "direction", "bidirectional")),
        Trial.of(
            "LSTM with nothing but weights",
            net ->
                net.nodes(
                    "LSTM",
                    3,
                    Map.of("hidden_size", 6),
                    net.input(5, 1, 4),
                    net.weight(0.5, 1, 24, 4),
                    net.weight(0.5, 1, 24, 6))));
  }
}
