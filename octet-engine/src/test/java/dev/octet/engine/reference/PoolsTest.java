package dev.octet.engine.reference;

import static dev.octet.graph.DataType.UINT8;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Pooling agrees with ONNX Runtime. */
class PoolsTest {

  static Stream<Trial> trials() {
    return pools().stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("trials")
  void agreesWithOnnxRuntime(Trial trial) {
    trial.check();
  }

  private static long[] of(long... values) {
    return values;
  }

  private static Trial pool(String op, Map<String, ?> attributes, long... x) {
    return new Trial(
        op + attributes.keySet() + x.length, 19, net -> net.node(op, attributes, net.input(x)));
  }

  private static List<Trial> pools() {
    long[] three = of(3, 3);
    return List.of(
        pool("MaxPool", Map.of("kernel_shape", of(3)), 2, 3, 8),
        pool(
            "MaxPool",
            Map.of("kernel_shape", three, "strides", of(2, 2), "pads", of(1, 1, 1, 1)),
            1,
            2,
            7,
            8),
        pool("MaxPool", Map.of("kernel_shape", three, "dilations", of(2, 1)), 1, 2, 7, 8),
        pool("MaxPool", Map.of("kernel_shape", three, "auto_pad", "SAME_LOWER"), 1, 2, 7, 8),
        new Trial(
            "MaxPool with places",
            19,
            net ->
                net.nodes("MaxPool", 2, Map.of("kernel_shape", of(2, 2)), net.input(2, 2, 5, 4))),
        new Trial(
            "MaxPool of codes",
            19,
            net ->
                net.node(
                    "MaxPool",
                    Map.of("kernel_shape", of(2, 2)),
                    net.input(net.whole(UINT8, 0, 255, 1, 2, 5, 4)))),
        pool(
            "AveragePool",
            Map.of("kernel_shape", three, "strides", of(2, 2), "pads", of(1, 1, 1, 1)),
            1,
            2,
            7,
            8),
        pool(
            "AveragePool",
            Map.of("kernel_shape", three, "pads", of(1, 0, 2, 1), "count_include_pad", 1),
            1,
            2,
            7,
            8),
        pool("AveragePool", Map.of("kernel_shape", of(2, 2, 3)), 1, 2, 4, 5, 6),
        pool("LpPool", Map.of("kernel_shape", three), 1, 2, 5, 6),
        pool("GlobalAveragePool", Map.of(), 2, 3, 4, 5),
        pool("GlobalMaxPool", Map.of(), 2, 3, 4, 5),
        pool("GlobalLpPool", Map.of("p", 1), 2, 3, 4, 5),
        ceiling("MaxPool", 3, 2, 6, 1),
        ceiling("MaxPool", 2, 3, 7, 0),
        ceiling("MaxPool", 2, 3, 4, 1),
        ceiling("AveragePool", 3, 2, 6, 0),
        ceiling("AveragePool", 2, 3, 7, 0),
        ceiling("AveragePool", 2, 3, 4, 1));
  }

  private static Trial ceiling(String op, long kernel, long stride, long size, long pad) {
    return new Trial(
        op + " rounded up " + kernel + stride + size + pad,
        19,
        net ->
            net.node(
                op,
                Map.of(
                    "kernel_shape", of(kernel, kernel),
                    "strides", of(stride, stride),
                    "pads", of(pad, pad, pad, pad),
                    "ceil_mode", 1),
                net.input(1, 2, size, size + 1)));
  }
}
