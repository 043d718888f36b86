package dev.octet.engine.operators;

import static dev.octet.graph.DataType.BOOL;
import static dev.octet.graph.DataType.DOUBLE;
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

/** Element-wise operators give what ONNX Runtime gives, broadcast and of every type. */
class ArithmeticTest {

  static Stream<Trial> trials() {
    return Stream.of(functions(), functionsOfOtherTypes(), clips(), pairs(), wholePairs(), tests())
        .flatMap(List::stream);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("trials")
  void agreesWithOnnxRuntime(Trial trial) {
    trial.check();
  }

  private static Trial function(String op, Map<String, ?> attributes) {
    return new Trial(
        op + attributes,
        20,
        1e-5,
        net -> net.node(op, attributes, net.input(net.normal(2, 3, 40))));
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
            "IsNaN",
            "IsInf")) {
      trials.add(function(op, Map.of()));
    }
    trials.add(function("LeakyRelu", Map.of("alpha", 0.3)));
    trials.add(function("Elu", Map.of("alpha", 0.3)));
    trials.add(function("Celu", Map.of("alpha", 0.3)));
    trials.add(function("HardSigmoid", Map.of("alpha", 0.3, "beta", 0.1)));
    trials.add(function("Gelu", Map.of("approximate", "tanh")));
    for (String op : List.of("Log", "Sqrt", "Acosh")) {
      trials.add(
          new Trial(
              op + " of large numbers",
              17,
              1e-5,
              net ->
                  net.node(
                      op, net.node("Add", net.node("Abs", net.input(3, 5)), net.floats(1.01)))));
    }
    for (String op : List.of("Asin", "Acos", "Atanh", "Tan")) {
      trials.add(
          Trial.of(
              op + " of small numbers", net -> net.node(op, net.node("Tanh", net.input(3, 5)))));
    }
    float nan = Float.NaN;
    float infinity = Float.POSITIVE_INFINITY;
    Tensor odd = Tensor.ofFloats(new float[] {nan, infinity, -infinity, 0f, -0f, 3e38f}, 6);
    for (String op : List.of("IsNaN", "IsInf", "Erf", "Sign", "Floor")) {
      trials.add(Trial.of(op + " of odd numbers", net -> net.node(op, net.input(odd))));
    }
    return trials;
  }

  private static List<Trial> functionsOfOtherTypes() {
    List<Trial> trials = new ArrayList<>();
    for (String op : List.of("Abs", "Neg", "Exp", "Sigmoid", "Tanh", "Sqrt", "Floor", "Relu")) {
      trials.add(
          Trial.of(
              op + " of DOUBLE",
              net -> net.node(op, net.input(net.whole(DOUBLE, op.equals("Sqrt") ? 0 : -3, 3, 9)))));
    }
    for (DataType type : List.of(INT32, INT64, INT8)) {
      for (String op : List.of("Abs", "Neg", "Sign")) {
        trials.add(
            Trial.of(
                op + " of " + type, net -> net.node(op, net.input(net.whole(type, -9, 9, 20)))));
      }
    }
    trials.add(Trial.of("Not", net -> net.node("Not", net.input(net.whole(BOOL, 0, 1, 7)))));
    trials.add(
        Trial.of(
            "BitwiseNot",
            18,
            net -> net.node("BitwiseNot", net.input(net.whole(INT32, -9, 9, 7)))));
    return trials;
  }

  private static List<Trial> clips() {
    return List.of(
        Trial.of(
            "Clip", net -> net.node("Clip", net.input(3, 9), net.floats(-0.5), net.floats(0.7))),
        Trial.of("Clip below", net -> net.node("Clip", net.input(3, 9), null, net.floats(0.7))),
        Trial.of("Clip to nothing", net -> net.node("Clip", net.input(3, 9))),
        Trial.of(
            "Clip by data",
            net ->
                net.node(
                    "Clip",
                    net.input(3, 9),
                    net.input(Tensor.ofFloats(new float[] {-1})),
                    net.input(Tensor.ofFloats(new float[] {1})))),
        Trial.of(
            "Clip of whole numbers",
            net ->
                net.node(
                    "Clip",
                    net.input(net.whole(INT64, -50, 50, 30)),
                    net.longScalar(-7),
                    net.longScalar(11))),
        Trial.of(
            "Clip by attributes",
            10,
            net -> net.node("Clip", Map.of("min", 0.0, "max", 0.7), net.input(3, 9))));
  }

  private static List<Trial> pairs() {
    List<Trial> trials = new ArrayList<>();
    for (String op : List.of("Add", "Sub", "Mul", "Div", "Max", "Min")) {
      pair(trials, op, new long[] {2, 3, 4}, new long[] {2, 3, 4});
      pair(trials, op, new long[] {2, 3, 4}, new long[] {3, 1});
      pair(trials, op, new long[] {3, 1}, new long[] {2, 3, 4});
      pair(trials, op, new long[] {2, 1, 4}, new long[] {3, 1});
      pair(trials, op, new long[] {}, new long[] {2, 5});
      pair(trials, op, new long[] {2, 5}, new long[] {});
      pair(trials, op, new long[] {}, new long[] {});
    }
    pair(trials, "PRelu", new long[] {2, 3, 4}, new long[] {3, 1});
    pair(trials, "PRelu", new long[] {2, 3, 4, 4}, new long[] {3, 1, 1});
    trials.add(
        Trial.of(
            "Pow",
            net ->
                net.node("Pow", net.node("Abs", net.input(3, 5)), net.floats(0.5, 1, 2, 3, -1))));
    for (double exponent : new double[] {0, 0.5, 2, 3, -1, 1.7}) {
      trials.add(
          Trial.of(
              "Pow " + exponent,
              net -> net.node("Pow", net.node("Abs", net.input(3, 5)), net.floats(exponent))));
    }
    trials.add(Trial.of("Pow of negative", net -> net.node("Pow", net.input(3, 5), net.floats(2))));
    trials.add(
        Trial.of(
            "Pow of other types",
            net -> net.node("Pow", net.input(net.whole(INT32, -5, 5, 9)), net.floats(2))));
    trials.add(
        Trial.of("fmod", net -> net.node("Mod", Map.of("fmod", 1), net.input(3, 5), net.input(5))));
    trials.add(
        Trial.of(
            "Where",
            net ->
                net.node(
                    "Where",
                    net.input(net.whole(BOOL, 0, 1, 4, 1)),
                    net.input(4, 5),
                    net.input(5))));
    trials.add(
        Trial.of(
            "Where of whole numbers",
            net ->
                net.node(
                    "Where",
                    net.input(net.whole(BOOL, 0, 1, 2, 4, 1)),
                    net.input(net.whole(INT64, -9, 9, 4, 5)),
                    net.longScalar(3))));
    for (String op : List.of("Sum", "Mean", "Max", "Min")) {
      trials.add(
          Trial.of(
              op + " of three",
              net -> net.node(op, net.input(2, 3), net.input(3), net.input(2, 1))));
      trials.add(Trial.of(op + " of one", net -> net.node(op, net.input(2, 3))));
    }
    return trials;
  }

  private static void pair(List<Trial> trials, String op, long[] a, long[] b) {
    trials.add(
        Trial.of(
            op + java.util.Arrays.toString(a) + java.util.Arrays.toString(b),
            net -> net.node(op, net.input(a), net.input(b))));
  }

  private static Value whole(ModelBuilder net, DataType type, int low, int high, long... shape) {
    return net.input(net.whole(type, low, high, shape));
  }

  private static List<Trial> wholePairs() {
    List<Trial> trials = new ArrayList<>();
    for (String op : List.of("Add", "Sub", "Mul", "Div", "Max", "Min")) {
      trials.add(
          Trial.of(
              op + " of transposed dimensions and one number",
              net ->
                  net.node(
                      "Relu",
                      net.node(
                          op,
                          net.node(
                              "Transpose",
                              Map.of("perm", new long[] {0, 2, 1, 3}),
                              net.input(net.normal(2, 2, 3, 4, 5))),
                          net.floats(0.3)))));
    }
    for (DataType type : List.of(INT32, INT64, DOUBLE)) {
      for (String op : List.of("Add", "Sub", "Mul", "Div", "Mod", "Max", "Min")) {
        if (type == DOUBLE && op.equals("Mod")) {
          continue;
        }
        trials.add(
            Trial.of(
                op + " of " + type,
                net ->
                    net.node(op, whole(net, type, -50, 50, 4, 5), whole(net, type, 1, 9, 4, 1))));
      }
    }
    trials.add(
        Trial.of(
            "Mod of negative numbers",
            net -> net.node("Mod", whole(net, INT32, -9, 9, 20), whole(net, INT32, -4, -1, 20))));
    trials.add(
        Trial.of(
            "fmod of whole numbers",
            net ->
                net.node(
                    "Mod",
                    Map.of("fmod", 1),
                    whole(net, INT32, -9, 9, 20),
                    whole(net, INT32, -4, -1, 20))));
    for (String direction : List.of("LEFT", "RIGHT")) {
      trials.add(
          Trial.of(
              "BitShift " + direction,
              net ->
                  net.node(
                      "BitShift",
                      Map.of("direction", direction),
                      whole(net, UINT8, 0, 255, 20),
                      whole(net, UINT8, 0, 7, 20))));
    }
    for (String op : List.of("BitwiseAnd", "BitwiseOr", "BitwiseXor")) {
      trials.add(
          Trial.of(
              op,
              18,
              net -> net.node(op, whole(net, INT32, -99, 99, 4, 5), whole(net, INT32, 0, 99, 5))));
    }
    return trials;
  }

  private static List<Trial> tests() {
    List<Trial> trials = new ArrayList<>();
    for (String op : List.of("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")) {
      for (DataType type : List.of(INT32, INT64, DOUBLE)) {
        trials.add(
            Trial.of(
                op + " of " + type,
                net -> net.node(op, whole(net, type, 0, 3, 4, 5), whole(net, type, 0, 3, 5))));
      }
      trials.add(Trial.of(op, net -> net.node(op, net.input(2, 3), net.floats(0.1))));
    }
    for (String op : List.of("And", "Or", "Xor")) {
      trials.add(
          Trial.of(
              op, net -> net.node(op, whole(net, BOOL, 0, 1, 4, 5), whole(net, BOOL, 0, 1, 4, 1))));
    }
    return trials;
  }
}
