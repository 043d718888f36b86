package dev.octet.engine.operators;

import static dev.octet.graph.DataType.DOUBLE;
import static dev.octet.graph.DataType.INT32;
import static dev.octet.graph.DataType.INT64;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Reductions, normalizations, and what looks along one axis, against ONNX Runtime. */
class ReductionTest {

  static Stream<Trial> trials() {
    return Stream.of(reductions(), orders(), softmaxes(), normalizations()).flatMap(List::stream);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("trials")
  void agreesWithOnnxRuntime(Trial trial) {
    trial.check();
  }

  private static long[] of(long... values) {
    return values;
  }

  private static List<Trial> reductions() {
    List<Trial> trials = new ArrayList<>();
    for (String op :
        List.of(
            "ReduceMean",
            "ReduceMax",
            "ReduceMin",
            "ReduceProd",
            "ReduceL1",
            "ReduceL2",
            "ReduceSumSquare",
            "ReduceLogSumExp")) {
      for (long[] axes : List.of(of(0, -1), of(1), of(-1), of(0), of(0, 1, 2))) {
        for (int keep : new int[] {0, 1}) {
          trials.add(
              Trial.of(
                  op + java.util.Arrays.toString(axes) + keep,
                  net -> net.node(op, Map.of("axes", axes, "keepdims", keep), net.input(3, 4, 5))));
        }
      }
      trials.add(Trial.of(op + " of all", net -> net.node(op, net.input(3, 4, 5))));
    }
    trials.add(
        Trial.of(
            "ReduceLogSum", net -> net.node("ReduceLogSum", net.node("Abs", net.input(3, 4)))));
    trials.add(
        Trial.of(
            "ReduceSum",
            net -> net.node("ReduceSum", Map.of("keepdims", 0), net.input(3, 4, 5), net.longs(1))));
    trials.add(
        Trial.of(
            "ReduceSum of nothing",
            net -> {
              Value none = net.constant(Tensor.ofLongs(new long[0], 0));
              Value x = net.node("Relu", net.input(3, 4));
              net.node("ReduceSum", Map.of("noop_with_empty_axes", 1), x, none);
              net.node("ReduceSum", Map.of("keepdims", 0), x, none);
            }));
    trials.add(
        Trial.of(
            "ReduceMean of axes that are an input",
            18,
            net -> net.node("ReduceMean", Map.of("keepdims", 0), net.input(3, 4), net.longs(-1))));
    for (int keep : new int[] {0, 1}) {
      trials.add(
          Trial.of(
              "ReduceMean of planes, " + keep,
              net ->
                  net.node(
                      "ReduceMean",
                      Map.of("axes", of(-1, 2), "keepdims", keep),
                      net.node("Relu", net.input(2, 3, 4, 5)))));
    }
    for (DataType type : List.of(INT32, INT64, DOUBLE)) {
      for (String op : List.of("ReduceMax", "ReduceMin", "ReduceProd", "ReduceMean")) {
        if (type == INT64 && op.equals("ReduceMean")) {
          continue;
        }
        trials.add(
            Trial.of(
                op + " of " + type,
                net ->
                    net.node(
                        op, Map.of("axes", of(1)), net.input(net.whole(type, 1, 9, 3, 4, 2)))));
      }
    }
    return trials;
  }

  private static List<Trial> orders() {
    List<Trial> trials = new ArrayList<>();
    for (String op : List.of("ArgMax", "ArgMin")) {
      for (int last : new int[] {0, 1}) {
        trials.add(
            Trial.of(
                op + last,
                net ->
                    net.node(
                        op,
                        Map.of("axis", 1, "keepdims", 0, "select_last_index", last),
                        net.input(net.whole(INT32, 0, 4, 3, 6, 2)))));
      }
      trials.add(Trial.of(op, net -> net.node(op, Map.of("axis", -1), net.input(3, 6, 7))));
    }
    for (int exclusive : new int[] {0, 1}) {
      for (int reverse : new int[] {0, 1}) {
        trials.add(
            Trial.of(
                "CumSum " + exclusive + reverse,
                net ->
                    net.node(
                        "CumSum",
                        Map.of("exclusive", exclusive, "reverse", reverse),
                        net.input(3, 4, 2),
                        net.longScalar(-2))));
      }
    }
    for (int largest : new int[] {0, 1}) {
      for (int k : new int[] {1, 3, 7}) {
        trials.add(
            Trial.of(
                "TopK " + largest + k,
                net ->
                    net.nodes(
                        "TopK",
                        2,
                        Map.of("axis", 1, "largest", largest),
                        net.input(2, 7, 3),
                        net.longs(k))));
      }
    }
    trials.add(
        Trial.of(
            "TopK of equal numbers",
            net ->
                net.nodes(
                    "TopK", 2, Map.of(), net.input(net.whole(INT64, 0, 3, 4, 9)), net.longs(5))));
    return trials;
  }

  private static List<Trial> softmaxes() {
    List<Trial> trials = new ArrayList<>();
    for (String op : List.of("Softmax", "LogSoftmax", "Hardmax")) {
      for (int axis = -3; axis < 3; axis++) {
        int along = axis;
        trials.add(
            Trial.of(op + axis, net -> net.node(op, Map.of("axis", along), net.input(3, 4, 17))));
      }
      trials.add(Trial.of(op + " of several axes", 11, net -> net.node(op, net.input(3, 4, 5))));
    }
    trials.add(
        Trial.of(
            "Softmax of DOUBLE",
            net -> net.node("Softmax", net.input(net.whole(DOUBLE, -3, 3, 4, 5)))));
    return trials;
  }

  private static List<Trial> normalizations() {
    List<Trial> trials = new ArrayList<>();
    trials.add(
        Trial.of(
            "LayerNormalization",
            net ->
                net.node(
                    "LayerNormalization", net.input(2, 3, 8), net.weight(1, 8), net.weight(1, 8))));
    trials.add(
        Trial.of(
            "LayerNormalization of more axes",
            net ->
                net.node(
                    "LayerNormalization",
                    Map.of("axis", 1, "epsilon", 0.1),
                    net.input(2, 3, 8),
                    net.weight(1, 3, 8))));
    trials.add(
        Trial.of(
            "LayerNormalization written out",
            net -> {
              Value x = net.input(2, 3, 8);
              Value mean = net.node("ReduceMean", Map.of("axes", of(-1)), x);
              Value away = net.node("Sub", x, mean);
              Value square = net.node("Pow", away, net.floats(2));
              Value variance = net.node("ReduceMean", Map.of("axes", of(-1)), square);
              Value root = net.node("Sqrt", net.node("Add", variance, net.floats(1e-5)));
              Value scaled = net.node("Mul", net.node("Div", away, root), net.weight(1, 8));
              net.node("Add", scaled, net.weight(1, 8));
            }));
    for (String gelu : List.of("erf", "tanh")) {
      trials.add(
          new Trial(
              "Gelu written out by " + gelu,
              17,
              1e-5,
              net -> {
                Value x = net.input(3, 40);
                Value inner;
                if (gelu.equals("erf")) {
                  inner = net.node("Erf", net.node("Div", x, net.floats(Math.sqrt(2))));
                } else {
                  Value cube = net.node("Pow", x, net.floats(3));
                  Value sum = net.node("Add", x, net.node("Mul", cube, net.floats(0.044715)));
                  inner =
                      net.node("Tanh", net.node("Mul", sum, net.floats(Math.sqrt(2 / Math.PI))));
                }
                Value half = net.node("Mul", x, net.node("Add", inner, net.floats(1)));
                net.node("Mul", half, net.floats(0.5));
              }));
    }
    trials.add(
        Trial.of(
            "InstanceNormalization",
            net ->
                net.node(
                    "InstanceNormalization",
                    net.input(2, 3, 4, 5),
                    net.weight(1, 3),
                    net.weight(1, 3))));
    trials.add(
        Trial.of(
            "GroupNormalization",
            21,
            net ->
                net.node(
                    "GroupNormalization",
                    Map.of("num_groups", 2),
                    net.input(2, 6, 4, 5),
                    net.weight(1, 6),
                    net.weight(1, 6))));
    trials.add(
        Trial.of(
            "BatchNormalization",
            net ->
                net.node(
                    "BatchNormalization",
                    net.input(2, 3, 4, 5),
                    net.weight(1, 3),
                    net.weight(1, 3),
                    net.weight(1, 3),
                    net.floats(0.5, 1, 2))));
    for (int size : new int[] {1, 3, 5}) {
      trials.add(
          Trial.of(
              "LRN " + size,
              net ->
                  net.node(
                      "LRN",
                      Map.of("size", size, "alpha", 0.2, "beta", 0.6, "bias", 1.5),
                      net.input(2, 7, 4, 5))));
    }
    for (int p : new int[] {1, 2}) {
      trials.add(
          Trial.of(
              "LpNormalization " + p,
              net -> net.node("LpNormalization", Map.of("p", p, "axis", 1), net.input(2, 5, 3))));
    }
    trials.add(
        Trial.of(
            "MeanVarianceNormalization",
            net -> net.node("MeanVarianceNormalization", net.input(2, 3, 4, 5))));
    return trials;
  }
}
