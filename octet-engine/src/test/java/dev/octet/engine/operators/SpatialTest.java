package dev.octet.engine.operators;

import dev.octet.engine.reference.ModelBuilder;
import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Operators on planes, signals and matrices give what ONNX Runtime gives. */
class SpatialTest {

  static Stream<Trial> trials() {
    return Stream.of(grids(), regions(), windows(), spectra(), nothing(), wide())
        .flatMap(List::stream);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("trials")
  void agreesWithOnnxRuntime(Trial trial) {
    trial.check();
  }

  private static Trial trial(String name, long opset, java.util.function.Consumer<ModelBuilder> b) {
    return new Trial(name, opset, 1e-5, b);
  }

  private static List<Trial> grids() {
    List<Trial> trials = new ArrayList<>();
    for (int corners = 0; corners < 2; corners++) {
      int align = corners;
      for (String padding : List.of("zeros", "border", "reflection")) {
        for (String mode : List.of("linear", "nearest", "cubic")) {
          trials.add(
              trial(
                  "GridSample " + mode + " " + padding + " " + align,
                  20,
                  net ->
                      net.node(
                          "GridSample",
                          Map.of("mode", mode, "padding_mode", padding, "align_corners", align),
                          net.input(2, 3, 5, 4),
                          net.input(net.normal(0.8, 2, 6, 7, 2)))));
        }
      }
      trials.add(
          trial(
              "GridSample of volumes " + align,
              20,
              net ->
                  net.node(
                      "GridSample",
                      Map.of("align_corners", align),
                      net.input(1, 2, 3, 4, 5),
                      net.input(net.normal(0.7, 1, 2, 3, 4, 3)))));
      trials.add(
          trial(
              "AffineGrid " + align,
              20,
              net ->
                  net.node(
                      "AffineGrid",
                      Map.of("align_corners", align),
                      net.input(2, 2, 3),
                      net.longs(2, 3, 4, 5))));
      trials.add(
          trial(
              "AffineGrid of volumes " + align,
              20,
              net ->
                  net.node(
                      "AffineGrid",
                      Map.of("align_corners", align),
                      net.input(1, 3, 4),
                      net.longs(1, 2, 3, 4, 5))));
    }
    trials.add(
        trial(
            "GridSample before 20",
            16,
            net ->
                net.node(
                    "GridSample",
                    Map.of("mode", "bilinear"),
                    net.input(1, 1, 4, 4),
                    net.input(net.normal(0.5, 1, 3, 3, 2)))));
    return trials;
  }

  private static List<Trial> regions() {
    List<Trial> trials = new ArrayList<>();
    Tensor boxes =
        Tensor.ofFloats(new float[] {0, 0, 9, 9, 1.5f, 2, 20, 11, -3, -4, 5, 6, 8, 8, 7, 7}, 4, 4);
    for (String mode : List.of("avg", "max")) {
      for (String transform : List.of("half_pixel", "output_half_pixel")) {
        for (int ratio : new int[] {0, 2}) {
          trials.add(
              trial(
                  "RoiAlign " + mode + " " + transform + " " + ratio,
                  16,
                  net ->
                      net.node(
                          "RoiAlign",
                          Map.of(
                              "mode",
                              mode,
                              "coordinate_transformation_mode",
                              transform,
                              "sampling_ratio",
                              ratio,
                              "output_height",
                              3,
                              "output_width",
                              2,
                              "spatial_scale",
                              0.7),
                          net.input(2, 3, 9, 8),
                          net.input(boxes),
                          net.input(Tensor.ofLongs(new long[] {0, 1, 1, 0}, 4)))));
        }
      }
    }
    return trials;
  }

  private static List<Trial> windows() {
    List<Trial> trials = new ArrayList<>();
    for (int p : new int[] {1, 2, 3}) {
      trials.add(
          trial(
              "LpPool " + p,
              18,
              net ->
                  net.node(
                      "LpPool",
                      Map.of(
                          "p", p,
                          "kernel_shape", new long[] {3, 2},
                          "strides", new long[] {2, 1},
                          "pads", new long[] {1, 0, 1, 1}),
                      net.input(2, 3, 7, 6))));
      trials.add(
          trial(
              "GlobalLpPool " + p,
              18,
              net -> net.node("GlobalLpPool", Map.of("p", p), net.input(2, 3, 7, 6))));
      if (p < 3) {
        trials.add(
            trial(
                "LpNormalization " + p,
                18,
                net -> net.node("LpNormalization", Map.of("p", p, "axis", 1), net.input(2, 3, 5))));
      }
    }
    trials.add(
        trial(
            "Col2Im",
            18,
            net -> net.node("Col2Im", net.input(2, 12, 12), net.longs(5, 4), net.longs(2, 2))));
    trials.add(
        trial(
            "Col2Im with strides",
            18,
            net ->
                net.node(
                    "Col2Im",
                    Map.of(
                        "strides", new long[] {2, 1},
                        "dilations", new long[] {1, 2},
                        "pads", new long[] {1, 0, 1, 1}),
                    net.input(1, 12, 12),
                    net.longs(6, 5),
                    net.longs(3, 2))));
    trials.add(
        trial(
            "MaxUnpool",
            11,
            net -> {
              Value x = net.input(1, 2, 6, 4);
              Map<String, ?> window =
                  Map.of("kernel_shape", new long[] {2, 2}, "strides", new long[] {2, 2});
              Tensor indices =
                  Tensor.ofLongs(
                      new long[] {0, 3, 13, 10, 17, 18, 25, 27, 33, 34, 40, 43}, 1, 2, 3, 2);
              net.node("MaxUnpool", window, net.input(1, 2, 3, 2), net.input(indices));
              net.node("Relu", x);
            }));
    for (long[] shape : List.of(new long[] {4, 9}, new long[] {7, 6}, new long[] {4, 7})) {
      trials.add(
          trial(
              "CenterCropPad " + shape[0] + " " + shape[1],
              18,
              net -> net.node("CenterCropPad", net.input(5, 6), net.longs(shape))));
    }
    trials.add(
        trial(
            "CenterCropPad of axes",
            18,
            net ->
                net.node(
                    "CenterCropPad",
                    Map.of("axes", new long[] {-1}),
                    net.input(2, 3, 6),
                    net.longs(3))));
    trials.add(trial("Det", 11, net -> net.node("Det", net.input(2, 3, 4, 4))));
    trials.add(trial("Det of one", 11, net -> net.node("Det", net.input(3, 3))));
    return trials;
  }

  private static List<Trial> spectra() {
    List<Trial> trials = new ArrayList<>();
    for (int inverse = 0; inverse < 2; inverse++) {
      Map<String, ?> attributes = Map.of("inverse", inverse);
      trials.add(
          trial(
              "DFT of complex numbers " + inverse,
              20,
              net -> net.node("DFT", attributes, net.input(2, 10, 3, 2), null, net.longScalar(1))));
      trials.add(
          trial(
              "DFT of reals " + inverse,
              20,
              net -> net.node("DFT", attributes, net.input(2, 7, 1))));
      trials.add(
          trial(
              "DFT of a length " + inverse,
              20,
              net -> net.node("DFT", attributes, net.input(2, 9, 2), net.longScalar(6))));
    }
    trials.add(
        trial(
            "DFT padded, one side",
            17,
            net ->
                net.node(
                    "DFT",
                    Map.of("onesided", 1, "axis", 1),
                    net.input(2, 9, 1),
                    net.longScalar(16))));
    trials.add(
        trial(
            "STFT",
            17,
            net ->
                net.node(
                    "STFT",
                    net.input(2, 40, 1),
                    net.longScalar(6),
                    net.node("HannWindow", net.longScalar(16)),
                    net.longScalar(16))));
    trials.add(
        trial(
            "STFT of both sides",
            17,
            net ->
                net.node(
                    "STFT",
                    Map.of("onesided", 0),
                    net.input(1, 40, 1),
                    net.longScalar(7),
                    null,
                    net.longScalar(10))));
    for (String window : List.of("HannWindow", "HammingWindow", "BlackmanWindow")) {
      trials.add(
          trial(
              window,
              17,
              net -> {
                Value made = net.node(window, net.longScalar(9));
                Value whole = net.node(window, Map.of("periodic", 0), net.longScalar(9));
                net.node("Add", net.node("Mul", made, net.input(9)), whole);
              }));
    }
    return trials;
  }

  /** What has no elements on the way, or at the end. */
  private static List<Trial> nothing() {
    List<Trial> trials = new ArrayList<>();
    for (String op : List.of("Relu", "Erf", "Softmax", "Transpose", "Identity", "Floor")) {
      trials.add(trial(op + " of nothing", 17, net -> net.node(op, none(net, 3, 4))));
    }
    trials.add(trial("Slice to nothing", 17, net -> none(net, 3, 4)));
    trials.add(
        trial(
            "Concat with nothing",
            17,
            net ->
                net.node(
                    "Concat",
                    Map.of("axis", 0),
                    none(net, 3, 4),
                    net.input(2, 4),
                    none(net, 3, 4))));
    trials.add(
        trial(
            "Concat of nothing",
            17,
            net -> net.node("Concat", Map.of("axis", 1), none(net, 3, 4), none(net, 3, 2))));
    trials.add(
        trial("sums of nothing", 17, net -> net.node("Add", none(net, 3, 4), net.input(1, 4))));
    trials.add(
        trial("Less than nothing", 17, net -> net.node("Less", none(net, 3, 4), net.input(4))));
    trials.add(
        trial(
            "Cast of nothing",
            17,
            net -> net.node("Cast", Map.of("to", DataType.INT64.code()), none(net, 3, 4))));
    trials.add(
        trial(
            "Reshape of nothing",
            17,
            net -> net.node("Reshape", none(net, 3, 4, 5), net.longs(0, 20))));
    trials.add(
        trial(
            "Gather by nothing",
            17,
            net ->
                net.node(
                    "Gather",
                    net.input(3, 4),
                    net.node("Slice", net.input(whole(3)), net.longs(0), net.longs(0)))));
    trials.add(
        trial(
            "Split to nothing",
            17,
            net -> net.nodes("Split", 2, Map.of(), net.input(3, 4), net.longs(3, 0))));
    trials.add(
        trial(
            "Expand of nothing", 17, net -> net.node("Expand", none(net, 3, 1), net.longs(0, 5))));
    trials.add(
        trial(
            "MatMul of nothing",
            17,
            net -> {
              net.node("MatMul", none(net, 3, 4), net.input(4, 2));
              net.node(
                  "Add", net.node("MatMul", net.input(2, 0L + 3), net.input(3, 2)), net.input(2));
              Value turned = net.node("Transpose", none(net, 3, 4));
              net.node("MatMul", turned, none(net, 3, 5));
            }));
    trials.add(
        trial(
            "ReduceSum of nothing",
            17,
            net -> {
              net.node("ReduceSum", none(net, 3, 4), net.longs(0));
              net.node("ReduceSum", none(net, 3, 4), net.longs(1));
            }));
    trials.add(
        trial(
            "Pad of nothing", 17, net -> net.node("Pad", none(net, 3, 4), net.longs(1, 0, 1, 0))));
    trials.add(
        trial(
            "QuantizeLinear of nothing",
            17,
            net -> {
              Value zero = net.constant(Tensor.ofRaw(DataType.UINT8, new byte[] {3}));
              Value q = net.node("QuantizeLinear", none(net, 3, 4), net.floats(0.1), zero);
              net.node("DequantizeLinear", q, net.floats(0.1), zero);
            }));
    return trials;
  }

  /** The first of {@code shape} is cut to 0. */
  private static Value none(ModelBuilder net, long... shape) {
    return net.node("Slice", net.input(shape), net.longs(2), net.longs(2), net.longs(0));
  }

  private static Tensor whole(int count) {
    return Tensor.ofLongs(new long[count], count);
  }

  /** 16-bit quantization, and operators of sets above 20. */
  private static List<Trial> wide() {
    List<Trial> trials = new ArrayList<>();
    for (DataType type : List.of(DataType.INT16, DataType.UINT16)) {
      trials.add(
          trial(
              "Q and DQ of " + type,
              21,
              net -> {
                Value zero = net.constant(net.whole(type, 7, 7));
                Value scale = net.floats(0.0001);
                Value x = net.input(net.normal(3, 4, 50));
                net.node(
                    "DequantizeLinear", net.node("QuantizeLinear", x, scale, zero), scale, zero);
              }));
      trials.add(
          trial(
              "Q and DQ by rows of " + type,
              21,
              net -> {
                Value zero = net.constant(net.whole(type, 0, 9, 4));
                Value scale = net.floats(0.0001, 0.0002, 0.003, 0.0007);
                Map<String, ?> axis = Map.of("axis", 0);
                Value q = net.node("QuantizeLinear", axis, net.input(4, 50), scale, zero);
                net.node("DequantizeLinear", axis, q, scale, zero);
              }));
    }
    trials.add(
        trial(
            "RMSNormalization",
            23,
            net -> {
              Value x = net.input(2, 3, 8);
              net.node("RMSNormalization", x, net.weight(1, 8));
              net.node(
                  "RMSNormalization", Map.of("axis", 1, "epsilon", 0.01), x, net.weight(1, 3, 8));
            }));
    return trials;
  }
}
