package dev.octet.engine.reference;

import static dev.octet.graph.DataType.BOOL;
import static dev.octet.graph.DataType.INT32;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Element-wise operators and reductions agree with ONNX Runtime. */
class ElementsTest {

  static Stream<Trial> trials() {
    return Stream.of(functions(), pairs(), reductions()).flatMap(List::stream);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("trials")
  void agreesWithOnnxRuntime(Trial trial) {
    trial.check();
  }

  private static long[] of(long... values) {
    return values;
  }

  private static Trial function(String op, Map<String, ?> attributes) {
    return new Trial(
        op + attributes, 20, net -> net.node(op, attributes, net.input(net.normal(2, 3, 40))));
  }

  private static List<Trial> functions() {
    List<Trial> trials = new ArrayList<>();
    for (String op :
        List.of(
            "Relu",
            "Sigmoid",
            "Tanh",
            "Erf",
            "Exp",
            "Abs",
            "Neg",
            "Floor",
            "Ceil",
            "Round",
            "Sign",
            "Sin",
            "Cos",
            "Atan",
            "Sinh",
            "Cosh",
            "Asinh",
            "Reciprocal",
            "Softplus",
            "Softsign",
            "HardSwish",
            "Mish",
            "LeakyRelu",
            "Elu",
            "Celu",
            "Selu",
            "HardSigmoid",
            "Gelu",
            "ThresholdedRelu",
            "Shrink",
            "IsNaN")) {
      trials.add(function(op, Map.of()));
    }
    trials.add(function("LeakyRelu", Map.of("alpha", 0.3)));
    trials.add(function("Elu", Map.of("alpha", 0.3)));
    trials.add(function("HardSigmoid", Map.of("alpha", 0.3, "beta", 0.1)));
    trials.add(function("Gelu", Map.of("approximate", "tanh")));
    for (String op : List.of("Log", "Sqrt", "Acosh")) {
      trials.add(
          Trial.of(
              op + " of large numbers",
              net -> net.node(op, net.node("Exp", net.node("Abs", net.input(3, 5))))));
    }
    for (String op : List.of("Asin", "Acos", "Atanh", "Tan")) {
      trials.add(
          Trial.of(
              op + " of small numbers", net -> net.node(op, net.node("Tanh", net.input(3, 5)))));
    }
    trials.add(
        Trial.of(
            "Clip", net -> net.node("Clip", net.input(3, 9), net.floats(-0.5), net.floats(0.7))));
    trials.add(
        Trial.of("Clip below", net -> net.node("Clip", net.input(3, 9), null, net.floats(0.7))));
    trials.add(
        new Trial(
            "Clip by attributes",
            10,
            net -> net.node("Clip", Map.of("min", 0.0, "max", 0.7), net.input(3, 9))));
    return trials;
  }

  private static List<Trial> pairs() {
    List<Trial> trials = new ArrayList<>();
    for (String op : List.of("Add", "Sub", "Mul", "Div", "PRelu")) {
      trials.add(
          Trial.of(op + " broadcast", net -> net.node(op, net.input(2, 3, 4), net.input(3, 1))));
    }
    for (String op : List.of("Add", "Sub", "Mul", "Div", "Mod", "Max", "Min")) {
      trials.add(
          Trial.of(
              op + " of integers",
              net ->
                  net.node(
                      op,
                      net.input(net.whole(INT32, -50, 50, 4, 5)),
                      net.input(net.whole(INT32, 1, 9, 4, 1)))));
    }
    for (String op : List.of("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")) {
      trials.add(
          Trial.of(
              op,
              net ->
                  net.node(
                      op,
                      net.input(net.whole(INT32, 0, 3, 4, 5)),
                      net.input(net.whole(INT32, 0, 3, 5)))));
    }
    for (String op : List.of("And", "Or", "Xor")) {
      trials.add(
          Trial.of(
              op,
              net ->
                  net.node(
                      op,
                      net.input(net.whole(BOOL, 0, 1, 4, 5)),
                      net.input(net.whole(BOOL, 0, 1, 4, 5)))));
    }
    trials.add(Trial.of("Not", net -> net.node("Not", net.input(net.whole(BOOL, 0, 1, 7)))));
    trials.add(
        Trial.of(
            "Pow",
            net ->
                net.node("Pow", net.node("Abs", net.input(3, 5)), net.floats(0.5, 1, 2, 3, -1))));
    trials.add(
        Trial.of(
            "Where",
            net ->
                net.node(
                    "Where",
                    net.input(net.whole(BOOL, 0, 1, 4, 1)),
                    net.input(4, 5),
                    net.input(5))));
    for (String op : List.of("Sum", "Mean", "Max", "Min")) {
      trials.add(
          Trial.of(
              op + " of three",
              net -> net.node(op, net.input(2, 3), net.input(3), net.input(2, 1))));
    }
    return trials;
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
      trials.add(Trial.of(op, net -> net.node(op, Map.of("axes", of(0, -1)), net.input(3, 4, 5))));
      trials.add(Trial.of(op + " of all", net -> net.node(op, net.input(3, 4, 5))));
    }
    trials.add(
        Trial.of(
            "ReduceSum",
            net -> net.node("ReduceSum", Map.of("keepdims", 0), net.input(3, 4, 5), net.longs(1))));
    trials.add(
        new Trial(
            "ReduceMean of axes that are an input",
            18,
            net -> net.node("ReduceMean", Map.of("keepdims", 0), net.input(3, 4), net.longs(-1))));
    for (String op : List.of("ArgMax", "ArgMin")) {
      trials.add(
          Trial.of(
              op,
              net ->
                  net.node(
                      op,
                      Map.of("axis", 1, "keepdims", 0),
                      net.input(net.whole(INT32, 0, 4, 3, 6, 2)))));
      trials.add(
          Trial.of(
              op + " last",
              net ->
                  net.node(
                      op,
                      Map.of("axis", 1, "select_last_index", 1),
                      net.input(net.whole(INT32, 0, 4, 3, 6, 2)))));
    }
    trials.add(Trial.of("CumSum", net -> net.node("CumSum", net.input(3, 4), net.longScalar(1))));
    trials.add(
        Trial.of(
            "CumSum backwards",
            net ->
                net.node(
                    "CumSum",
                    Map.of("exclusive", 1, "reverse", 1),
                    net.input(3, 4),
                    net.longScalar(0))));
    trials.add(
        Trial.of(
            "TopK",
            net -> net.nodes("TopK", 2, Map.of("axis", 1), net.input(2, 7, 3), net.longs(3))));
    return trials;
  }
}
