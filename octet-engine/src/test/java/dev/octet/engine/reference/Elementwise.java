package dev.octet.engine.reference;

import static dev.octet.engine.reference.Operator.single;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.util.Arrays;
import java.util.Map;
import java.util.function.DoubleBinaryOperator;

/** Arithmetic, comparison and logic of broadcast operands. */
final class Elementwise {

  private Elementwise() {}

  static void register(Map<String, Operator> operators) {
    arithmetic(operators, "Add", Double::sum);
    arithmetic(operators, "Sub", (a, b) -> a - b);
    arithmetic(operators, "Mul", (a, b) -> a * b);
    arithmetic(operators, "PRelu", (x, slope) -> x < 0 ? slope * x : x);
    arithmetic(operators, "Pow", Math::pow);
    arithmetic(operators, "BitwiseAnd", (a, b) -> (long) a & (long) b);
    arithmetic(operators, "BitwiseOr", (a, b) -> (long) a | (long) b);
    arithmetic(operators, "BitwiseXor", (a, b) -> (long) a ^ (long) b);
    operators.put("Div", single(Elementwise::divide));
    operators.put("Mod", single(Elementwise::modulo));
    operators.put("BitShift", single(Elementwise::shift));

    logic(operators, "Equal", (a, b) -> truth(a == b));
    logic(operators, "Greater", (a, b) -> truth(a > b));
    logic(operators, "GreaterOrEqual", (a, b) -> truth(a >= b));
    logic(operators, "Less", (a, b) -> truth(a < b));
    logic(operators, "LessOrEqual", (a, b) -> truth(a <= b));
    logic(operators, "And", (a, b) -> truth(a != 0 && b != 0));
    logic(operators, "Or", (a, b) -> truth(a != 0 || b != 0));
    logic(operators, "Xor", (a, b) -> truth((a != 0) != (b != 0)));

    operators.put("Max", single(c -> many(c, Math::max).to(c.type())));
    operators.put("Min", single(c -> many(c, Math::min).to(c.type())));
    operators.put("Sum", single(c -> many(c, Double::sum).to(c.type())));
    operators.put("Mean", single(Elementwise::mean));
    operators.put("Where", single(Elementwise::where));
  }

  static Array pairs(Array a, Array b, DoubleBinaryOperator operator) {
    int[] shape = Array.broadcast(a.shape, b.shape);
    double[] y = new double[Array.size(shape)];
    for (int i = 0; i < y.length; i++) {
      int[] at = Array.coordinates(i, shape);
      y[i] = operator.applyAsDouble(a.values[a.index(at)], b.values[b.index(at)]);
    }
    return new Array(shape, y);
  }

  private static double truth(boolean value) {
    return value ? 1 : 0;
  }

  private static void arithmetic(
      Map<String, Operator> operators, String name, DoubleBinaryOperator operator) {
    operators.put(name, single(c -> pairs(c.array(0), c.array(1), operator).to(c.type())));
  }

  private static void logic(
      Map<String, Operator> operators, String name, DoubleBinaryOperator operator) {
    operators.put(name, single(c -> pairs(c.array(0), c.array(1), operator).to(DataType.BOOL)));
  }

  /** Integers are cut towards zero. */
  private static Tensor divide(Call call) {
    boolean real = call.type().isFloat();
    return pairs(
            call.array(0), call.array(1), (a, b) -> real ? a / b : quotient((long) a, (long) b))
        .to(call.type());
  }

  private static long quotient(long a, long b) {
    return a / b;
  }

  /** With the sign of the divisor, or with fmod of the dividend as in C. */
  private static Tensor modulo(Call call) {
    boolean likeC = call.flag("fmod");
    return pairs(
            call.array(0),
            call.array(1),
            (a, b) -> likeC || a % b == 0 || (a < 0) == (b < 0) ? a % b : a % b + b)
        .to(call.type());
  }

  private static Tensor shift(Call call) {
    boolean left = call.text("direction", "").equals("LEFT");
    return pairs(
            call.array(0),
            call.array(1),
            (a, b) -> left ? (double) ((long) a << (long) b) : (double) ((long) a >>> (long) b))
        .to(call.type());
  }

  /** All inputs, from the first to the last. */
  private static Array many(Call call, DoubleBinaryOperator operator) {
    Array result = call.array(0);
    for (int i = 1; i < call.inputs().size(); i++) {
      result = pairs(result, call.array(i), operator);
    }
    return result;
  }

  private static Tensor mean(Call call) {
    Array sum = many(call, Double::sum);
    Arrays.setAll(sum.values, i -> sum.values[i] / call.inputs().size());
    return sum.to(call.type());
  }

  private static Tensor where(Call call) {
    Array condition = call.array(0);
    Array yes = call.array(1);
    Array no = call.array(2);
    int[] shape = Array.broadcast(condition.shape, Array.broadcast(yes.shape, no.shape));
    double[] y = new double[Array.size(shape)];
    for (int i = 0; i < y.length; i++) {
      int[] at = Array.coordinates(i, shape);
      y[i] =
          condition.values[condition.index(at)] != 0
              ? yes.values[yes.index(at)]
              : no.values[no.index(at)];
    }
    return new Array(shape, y).to(call.tensor(1).type());
  }
}
