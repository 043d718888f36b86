package dev.octet.engine.reference;

import static dev.octet.graph.DataType.BOOL;
import static dev.octet.graph.DataType.INT32;
import static dev.octet.graph.DataType.INT64;

import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What moves, picks and resizes agrees with ONNX Runtime. */
class MovementsTest {

  static Stream<Trial> trials() {
    return Stream.of(movements(), indexing(), resizing()).flatMap(List::stream);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("trials")
  void agreesWithOnnxRuntime(Trial trial) {
    trial.check();
  }

  private static long[] of(long... values) {
    return values;
  }

  private static List<Trial> movements() {
    long[] shape = {2, 3, 4, 6};
    return List.of(
        Trial.of(
            "Shape", net -> net.node("Shape", Map.of("start", 1, "end", -1), net.input(shape))),
        Trial.of("Size", net -> net.node("Size", net.input(shape))),
        Trial.of("Flatten", net -> net.node("Flatten", Map.of("axis", 2), net.input(shape))),
        Trial.of(
            "Transpose",
            net -> net.node("Transpose", Map.of("perm", of(2, 0, 3, 1)), net.input(shape))),
        Trial.of("Transpose all", net -> net.node("Transpose", net.input(shape))),
        Trial.of("Expand", net -> net.node("Expand", net.input(3, 1), net.longs(2, 1, 4))),
        Trial.of("Tile", net -> net.node("Tile", net.input(2, 3), net.longs(2, 2))),
        Trial.of("Reshape", net -> net.node("Reshape", net.input(shape), net.longs(0, -1, 6))),
        Trial.of(
            "Slice",
            net ->
                net.node(
                    "Slice",
                    net.input(shape),
                    net.longs(-1, 1),
                    net.longs(Long.MIN_VALUE, Long.MAX_VALUE),
                    net.longs(3, 2),
                    net.longs(-2, 1))),
        Trial.of(
            "Concat",
            net -> net.node("Concat", Map.of("axis", -1), net.input(2, 3), net.input(2, 1))),
        Trial.of(
            "Split",
            net -> net.nodes("Split", 2, Map.of("axis", 3), net.input(shape), net.longs(2, 4))),
        new Trial(
            "uneven Split",
            18,
            net ->
                net.nodes("Split", 3, Map.of("axis", 3, "num_outputs", 3), net.input(1, 1, 1, 7))),
        pad("constant"),
        pad("edge"),
        pad("reflect"),
        new Trial(
            "Pad wraps",
            19,
            net -> net.node("Pad", Map.of("mode", "wrap"), net.input(3, 4), net.longs(1, 2, 2, 1))),
        Trial.of(
            "DepthToSpace",
            net -> net.node("DepthToSpace", Map.of("blocksize", 2), net.input(2, 8, 3, 2))),
        Trial.of(
            "DepthToSpace by columns",
            net ->
                net.node(
                    "DepthToSpace", Map.of("blocksize", 2, "mode", "CRD"), net.input(2, 8, 3, 2))),
        Trial.of(
            "SpaceToDepth",
            net -> net.node("SpaceToDepth", Map.of("blocksize", 2), net.input(2, 3, 4, 6))),
        Trial.of(
            "half and back",
            net ->
                net.node(
                    "Cast", Map.of("to", 1), net.node("Cast", Map.of("to", 10), net.input(3, 9)))));
  }

  private static Trial pad(String mode) {
    return new Trial(
        "Pad " + mode,
        18,
        net ->
            net.node(
                "Pad",
                Map.of("mode", mode),
                net.input(4, 5, 3),
                net.longs(1, 2, 3, 0),
                net.floats(7),
                net.longs(0, 1)));
  }

  private static List<Trial> indexing() {
    return List.of(
        Trial.of(
            "Gather",
            net ->
                net.node(
                    "Gather",
                    Map.of("axis", 1),
                    net.input(2, 5, 3),
                    net.input(net.whole(INT64, -5, 4, 2, 2)))),
        Trial.of(
            "GatherElements",
            net ->
                net.node(
                    "GatherElements",
                    Map.of("axis", 1),
                    net.input(2, 5),
                    net.input(net.whole(INT64, -5, 4, 2, 3)))),
        Trial.of(
            "GatherND",
            net ->
                net.node(
                    "GatherND",
                    Map.of("batch_dims", 1),
                    net.input(2, 4, 4, 3),
                    net.input(net.whole(INT64, -4, 3, 2, 5, 2)))),
        Trial.of(
            "ScatterElements",
            net ->
                net.node(
                    "ScatterElements",
                    Map.of("axis", 1, "reduction", "add"),
                    net.input(2, 5),
                    net.input(net.whole(INT64, -5, 4, 2, 3)),
                    net.input(2, 3))),
        Trial.of(
            "ScatterND",
            net ->
                net.node(
                    "ScatterND",
                    net.input(4, 3),
                    net.constant(Tensor.ofLongs(of(2, -4), 2, 1)),
                    net.input(2, 3))),
        Trial.of(
            "OneHot",
            net ->
                net.node(
                    "OneHot",
                    Map.of("axis", 1),
                    net.input(net.whole(INT64, -4, 4, 2, 3)),
                    net.longScalar(4),
                    net.floats(0.5, 2))),
        Trial.of(
            "Trilu",
            net -> net.node("Trilu", Map.of("upper", 0), net.input(2, 4, 5), net.longScalar(1))),
        Trial.of("EyeLike", net -> net.node("EyeLike", Map.of("k", 1), net.input(3, 5))),
        Trial.of("NonZero", net -> net.node("NonZero", net.input(net.whole(INT32, 0, 1, 3, 4)))),
        Trial.of(
            "Compress",
            net ->
                net.node(
                    "Compress",
                    Map.of("axis", 1),
                    net.input(2, 4, 3),
                    net.constant(net.whole(BOOL, 1, 1, 3)))),
        Trial.of(
            "ReverseSequence",
            net -> {
              Value lengths = net.longs(3, 1);
              net.node("ReverseSequence", net.input(4, 2, 3), lengths);
            }));
  }

  private static List<Trial> resizing() {
    List<Trial> trials = new ArrayList<>();
    for (String mode : List.of("nearest", "linear")) {
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
    return trials;
  }
}
