package dev.octet.engine.operators;

import static dev.octet.graph.DataType.BOOL;
import static dev.octet.graph.DataType.DOUBLE;
import static dev.octet.graph.DataType.FLOAT;
import static dev.octet.graph.DataType.FLOAT16;
import static dev.octet.graph.DataType.INT32;
import static dev.octet.graph.DataType.INT64;
import static dev.octet.graph.DataType.INT8;
import static dev.octet.graph.DataType.UINT8;

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

/** Operators that move elements give what ONNX Runtime gives, for every type. */
class MovementTest {

  static Stream<Trial> trials() {
    return Stream.of(moves(), pads(), resizes(), indexing(), scatters(), types(), quantized())
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

  @FunctionalInterface
  private interface Body {
    Value add(ModelBuilder net, Value x);
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Move(String name, long[] shape, Body body) {}

  private static List<Move> singles() {
    long[] shape = {2, 3, 4, 6};
    return List.of(
        new Move(
            "Transpose",
            shape,
            (net, x) -> net.node("Transpose", Map.of("perm", of(2, 0, 3, 1)), x)),
        new Move("Transpose all", shape, (net, x) -> net.node("Transpose", x)),
        new Move(
            "Slice",
            shape,
            (net, x) ->
                net.node(
                    "Slice",
                    x,
                    net.longs(-1, 1),
                    net.longs(Long.MIN_VALUE, Long.MAX_VALUE),
                    net.longs(3, -3),
                    net.longs(-2, 1))),
        new Move(
            "Slice of rows",
            shape,
            (net, x) -> net.node("Slice", x, net.longs(1), net.longs(-1), net.longs(2))),
        new Move("Expand", of(3, 1), (net, x) -> net.node("Expand", x, net.longs(2, 1, 4))),
        new Move("Tile", of(2, 3), (net, x) -> net.node("Tile", x, net.longs(2, 3))),
        new Move(
            "Concat",
            of(2, 3),
            (net, x) -> net.node("Concat", Map.of("axis", -1), x, x, net.node("Identity", x))),
        new Move(
            "DepthToSpace",
            of(2, 8, 3, 2),
            (net, x) -> net.node("DepthToSpace", Map.of("blocksize", 2), x)),
        new Move(
            "DepthToSpace by columns",
            of(2, 8, 3, 2),
            (net, x) -> net.node("DepthToSpace", Map.of("blocksize", 2, "mode", "CRD"), x)),
        new Move(
            "SpaceToDepth", shape, (net, x) -> net.node("SpaceToDepth", Map.of("blocksize", 2), x)),
        new Move(
            "Gather",
            of(2, 5, 3),
            (net, x) ->
                net.node(
                    "Gather", Map.of("axis", -2), x, net.input(net.whole(INT64, -5, 4, 2, 2)))),
        new Move(
            "Gather of a row",
            of(5, 3),
            (net, x) -> net.node("Gather", x, net.input(net.whole(INT32, 2, 2)))));
  }

  private static List<Trial> moves() {
    List<Trial> trials = new ArrayList<>();
    for (Move move : singles()) {
      trials.add(Trial.of(move.name(), net -> move.body().add(net, net.input(move.shape()))));
    }
    trials.add(
        Trial.of(
            "Split",
            net -> net.nodes("Split", 2, Map.of("axis", -1), net.input(2, 3, 6), net.longs(2, 4))));
    trials.add(
        Trial.of(
            "uneven Split",
            18,
            net -> net.nodes("Split", 3, Map.of("axis", 1, "num_outputs", 3), net.input(2, 7, 3))));
    trials.add(
        Trial.of(
            "ReverseSequence",
            net -> net.node("ReverseSequence", net.input(4, 2, 3), net.longs(3, 1))));
    trials.add(
        Trial.of(
            "ReverseSequence by batch",
            net ->
                net.node(
                    "ReverseSequence",
                    Map.of("batch_axis", 0, "time_axis", 1),
                    net.input(2, 4, 3),
                    net.longs(2, 4))));
    for (int upper : new int[] {0, 1}) {
      for (int k : new int[] {-9, -1, 0, 2, 9}) {
        trials.add(
            Trial.of(
                "Trilu " + upper + " " + k,
                net ->
                    net.node(
                        "Trilu", Map.of("upper", upper), net.input(2, 4, 5), net.longScalar(k))));
      }
    }
    trials.add(
        Trial.of(
            "Transposes, then arithmetic",
            net -> {
              Value x = net.input(2, 3, 4);
              Value turned = net.node("Transpose", Map.of("perm", of(0, 2, 1)), x);
              Value sum = net.node("Add", turned, net.input(2, 4, 3));
              Value half = net.node("Mul", net.node("Relu", sum), net.floats(0.5));
              net.node("Reshape", net.node("Transpose", half), net.longs(6, 4));
            }));
    trials.add(
        Trial.of(
            "shapes of what is fused",
            net -> {
              Value x = net.input(2, 3);
              Value y = net.node("Relu", net.node("MatMul", x, net.weight(1, 3, 4)));
              Value shape = net.node("Shape", y);
              Value size = net.node("Size", y);
              Value z = net.node("Sigmoid", net.node("Add", y, net.weight(1, 4)));
              net.node("Expand", net.node("Reshape", z, net.longs(-1, 1)), shapeOf(net, size));
              net.node("Reshape", z, shape);
            }));
    trials.add(
        Trial.of(
            "Range, Trilu and EyeLike of constants",
            net -> {
              Value steps =
                  net.node("Range", net.longScalar(1), net.longScalar(9), net.longScalar(2));
              Value square = net.node("Expand", steps, net.longs(4, 4));
              Value lower = net.node("Trilu", Map.of("upper", 0), square);
              Value eye = net.node("EyeLike", Map.of("k", 1, "dtype", 7), square);
              net.node("Add", net.input(net.whole(INT64, 0, 9, 4)), net.node("Add", lower, eye));
            }));
    return trials;
  }

  private static Value shapeOf(ModelBuilder net, Value size) {
    return net.node(
        "Concat", Map.of("axis", 0), net.longs(1), net.node("Unsqueeze", size, net.longs(0)));
  }

  private static List<Trial> pads() {
    List<Trial> trials = new ArrayList<>();
    for (String mode : List.of("constant", "edge", "reflect")) {
      trials.add(
          Trial.of(
              "Pad " + mode,
              18,
              net ->
                  net.node(
                      "Pad",
                      Map.of("mode", mode),
                      net.input(4, 5, 3),
                      net.longs(1, 2, 3, 0),
                      net.floats(7),
                      net.longs(0, 1))));
      trials.add(
          Trial.of(
              "Pad takes away, " + mode,
              18,
              net ->
                  net.node("Pad", Map.of("mode", mode), net.input(4, 5), net.longs(-1, 2, 2, -2))));
    }
    trials.add(
        Trial.of(
            "Pad wraps",
            19,
            net ->
                net.node("Pad", Map.of("mode", "wrap"), net.input(3, 4), net.longs(1, 2, 2, 1))));
    return trials;
  }

  private static List<Trial> resizes() {
    List<Trial> trials = new ArrayList<>();
    for (String mode : List.of("nearest", "linear", "cubic")) {
      for (String where :
          List.of("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")) {
        for (long out : of(3, 7, 12)) {
          trials.add(
              Trial.of(
                  "Resize " + mode + " " + where + " to " + out,
                  net ->
                      net.node(
                          "Resize",
                          Map.of("mode", mode, "coordinate_transformation_mode", where),
                          net.input(1, 2, 6, 5),
                          null,
                          null,
                          net.longs(1, 2, out, out + 1))));
        }
      }
    }
    for (String rounding : List.of("floor", "ceil", "round_prefer_ceil")) {
      trials.add(
          Trial.of(
              "Resize by " + rounding,
              net ->
                  net.node(
                      "Resize",
                      Map.of("nearest_mode", rounding),
                      net.input(1, 2, 6, 5),
                      null,
                      net.floats(1, 1, 1.7, 0.6))));
    }
    trials.add(
        Trial.of(
            "Resize cubic without the outside",
            net ->
                net.node(
                    "Resize",
                    Map.of("mode", "cubic", "exclude_outside", 1, "cubic_coeff_a", -0.5),
                    net.input(1, 2, 6, 5),
                    null,
                    net.floats(1, 1, 2, 2))));
    trials.add(
        Trial.of(
            "Resize of some axes, keeping proportions",
            18,
            net ->
                net.node(
                    "Resize",
                    Map.of("axes", of(2, 3), "keep_aspect_ratio_policy", "not_larger"),
                    net.input(1, 2, 6, 4),
                    null,
                    null,
                    net.longs(12, 6))));
    trials.add(
        Trial.of(
            "Upsample",
            9,
            net -> net.node("Upsample", net.input(1, 2, 3, 3), net.floats(1, 1, 2, 2))));
    trials.add(
        Trial.of(
            "Resize by computed sizes",
            net -> {
              Value x = net.input(1, 2, 4, 6);
              Value shape = net.node("Cast", Map.of("to", 1), net.node("Shape", x));
              Value sizes = net.node("Floor", net.node("Mul", shape, net.floats(1, 1, 1.5, 2)));
              net.node("Resize", x, null, null, net.node("Cast", Map.of("to", 7), sizes));
            }));
    return trials;
  }

  private static List<Trial> indexing() {
    return List.of(
        Trial.of(
            "GatherElements",
            net ->
                net.node(
                    "GatherElements",
                    Map.of("axis", -1),
                    net.input(2, 5, 3),
                    net.input(net.whole(INT64, -3, 2, 2, 4, 7)))),
        Trial.of(
            "GatherElements of rows",
            net ->
                net.node(
                    "GatherElements", net.input(5, 3), net.input(net.whole(INT32, -5, 4, 6, 2)))),
        Trial.of(
            "GatherND",
            net ->
                net.node(
                    "GatherND",
                    Map.of("batch_dims", 1),
                    net.input(2, 4, 4, 3),
                    net.input(net.whole(INT64, -4, 3, 2, 5, 2)))),
        Trial.of(
            "GatherND of elements",
            net -> net.node("GatherND", net.input(4, 3), net.input(net.whole(INT64, -3, 2, 2, 2)))),
        Trial.of(
            "OneHot",
            net ->
                net.node(
                    "OneHot",
                    Map.of("axis", 1),
                    net.input(net.whole(INT64, -5, 5, 2, 3)),
                    net.longScalar(4),
                    net.floats(0.5, 2))),
        Trial.of(
            "OneHot of whole numbers",
            net ->
                net.node(
                    "OneHot",
                    net.input(net.whole(INT64, 0, 3, 5)),
                    net.longScalar(4),
                    net.longs(0, 1))));
  }

  private static List<Trial> scatters() {
    List<Trial> trials = new ArrayList<>();
    for (String reduction : List.of("none", "add", "mul", "max", "min")) {
      trials.add(
          Trial.of(
              "ScatterElements " + reduction,
              18,
              net ->
                  net.node(
                      "ScatterElements",
                      Map.of("axis", 1, "reduction", reduction),
                      net.input(2, 9),
                      net.constant(Tensor.ofLongs(of(1, -1, 3, 0, -3, 4), 2, 3)),
                      net.input(2, 3))));
      trials.add(
          Trial.of(
              "ScatterND " + reduction,
              18,
              net ->
                  net.node(
                      "ScatterND",
                      Map.of("reduction", reduction),
                      net.input(net.whole(INT32, -9, 9, 4, 3)),
                      net.constant(Tensor.ofLongs(of(2, -4), 2, 1)),
                      net.input(net.whole(INT32, -9, 9, 2, 3)))));
    }
    return trials;
  }

  private static List<Trial> types() {
    List<Trial> trials = new ArrayList<>();
    for (DataType type : List.of(INT64, INT32, INT8, UINT8, BOOL, DOUBLE)) {
      for (Move move : singles()) {
        if (type != DOUBLE && move.name().contains("Depth")) {
          continue; // ONNX Runtime has no code for those
        }
        trials.add(
            Trial.of(
                move.name() + " of " + type,
                net ->
                    move.body()
                        .add(
                            net,
                            net.input(net.whole(type, 0, type == BOOL ? 1 : 99, move.shape())))));
      }
    }
    for (DataType from : List.of(FLOAT, DOUBLE, FLOAT16, INT64, INT32, INT8, UINT8, BOOL)) {
      for (DataType into : List.of(FLOAT, DOUBLE, FLOAT16, INT64, INT32, INT8, UINT8, BOOL)) {
        trials.add(
            Trial.of(
                "Cast of " + from + " to " + into,
                net ->
                    net.node(
                        "Cast",
                        Map.of("to", into.code()),
                        net.node(
                            "Cast",
                            Map.of("to", from.code()),
                            net.input(
                                from.isFloat()
                                    ? spread(net)
                                    : net.whole(INT32, 0, from == BOOL ? 1 : 120, 3, 9))))));
      }
    }
    return trials;
  }

  private static Tensor spread(ModelBuilder net) {
    float[] values = new float[60];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (net.random().nextDouble() * 100);
    }
    return Tensor.ofFloats(values, 6, 10);
  }

  /** Between a DequantizeLinear and a QuantizeLinear of the same scale integers are moved. */
  private static List<Trial> quantized() {
    List<Trial> trials = new ArrayList<>();
    for (Move move : singles()) {
      trials.add(
          Trial.of(
              move.name() + " of integers with a scale",
              net -> {
                Value scale = net.floats(0.05);
                Value zero = net.constant(Tensor.ofRaw(UINT8, new byte[] {117}));
                Value q = net.node("QuantizeLinear", net.input(move.shape()), scale, zero);
                Value x = net.node("DequantizeLinear", q, scale, zero);
                Value y = move.body().add(net, x);
                net.node("QuantizeLinear", y, scale, zero);
              }));
    }
    trials.add(
        Trial.of(
            "Pad of integers with a scale",
            18,
            net -> {
              Value scale = net.floats(0.05);
              Value zero = net.constant(Tensor.ofRaw(UINT8, new byte[] {117}));
              Value q = net.node("QuantizeLinear", net.input(2, 3), scale, zero);
              Value x = net.node("DequantizeLinear", q, scale, zero);
              Value y = net.node("Pad", x, net.longs(1, 0, 0, 2));
              net.node("QuantizeLinear", y, scale, zero);
              net.node("Pad", x, net.longs(1, 0, 0, 2), net.floats(0.333));
            }));
    return trials;
  }
}
