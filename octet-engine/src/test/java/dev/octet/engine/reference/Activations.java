package dev.octet.engine.reference;

import static dev.octet.engine.reference.Operator.single;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.util.Arrays;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;

/** Functions of one number. */
final class Activations {

  private Activations() {}

  static void register(Map<String, Operator> operators) {
    put(operators, "Relu", x -> Math.max(0, x));
    put(operators, "Sigmoid", Activations::sigmoid);
    put(operators, "Tanh", Math::tanh);
    put(operators, "Erf", Activations::erf);
    put(operators, "Exp", Math::exp);
    put(operators, "Log", Math::log);
    put(operators, "Sqrt", Math::sqrt);
    put(operators, "Reciprocal", x -> 1 / x);
    put(operators, "Abs", Math::abs);
    put(operators, "Neg", x -> -x);
    put(operators, "Floor", Math::floor);
    put(operators, "Ceil", Math::ceil);
    put(operators, "Round", Math::rint);
    put(operators, "Sign", Math::signum);
    put(operators, "Sin", Math::sin);
    put(operators, "Cos", Math::cos);
    put(operators, "Tan", Math::tan);
    put(operators, "Asin", Math::asin);
    put(operators, "Acos", Math::acos);
    put(operators, "Atan", Math::atan);
    put(operators, "Sinh", Math::sinh);
    put(operators, "Cosh", Math::cosh);
    put(operators, "Asinh", x -> Math.signum(x) * Math.log(Math.abs(x) + Math.hypot(x, 1)));
    put(operators, "Acosh", x -> Math.log(x + Math.sqrt(x * x - 1)));
    put(operators, "Atanh", x -> (Math.log1p(x) - Math.log1p(-x)) / 2);
    put(operators, "Softplus", Activations::softplus);
    put(operators, "Softsign", x -> x / (1 + Math.abs(x)));
    put(operators, "HardSwish", x -> x * Math.max(0, Math.min(1, x / 6 + 0.5)));
    put(operators, "Mish", x -> x * Math.tanh(softplus(x)));
    put(operators, "BitwiseNot", x -> ~(long) x);
    set(operators, "LeakyRelu", c -> leaky(c.real("alpha", 0.01)));
    set(operators, "Elu", c -> elu(c.real("alpha", 1)));
    set(operators, "Celu", c -> celu(c.real("alpha", 1)));
    set(operators, "Selu", Activations::selu);
    set(operators, "HardSigmoid", c -> hardSigmoid(c.real("alpha", 0.2), c.real("beta", 0.5)));
    set(operators, "ThresholdedRelu", c -> thresholded(c.real("alpha", 1)));
    set(operators, "Shrink", c -> shrink(c.real("lambd", 0.5), c.real("bias", 0)));
    set(operators, "Swish", c -> swish(c.real("alpha", 1)));
    set(operators, "Gelu", Activations::gelu);
    set(operators, "Clip", Activations::clip);
    test(operators, "Not", x -> x == 0 ? 1 : 0);
    test(operators, "IsNaN", x -> Double.isNaN(x) ? 1 : 0);
    test(operators, "IsInf", x -> Double.isInfinite(x) ? 1 : 0);
  }

  static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  static double softplus(double x) {
    return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  }

  static DoubleUnaryOperator hardSigmoid(double alpha, double beta) {
    return x -> Math.max(0, Math.min(1, alpha * x + beta));
  }

  static DoubleUnaryOperator leaky(double alpha) {
    return x -> x < 0 ? alpha * x : x;
  }

  static DoubleUnaryOperator elu(double alpha) {
    return x -> x < 0 ? alpha * Math.expm1(x) : x;
  }

  static DoubleUnaryOperator thresholded(double alpha) {
    return x -> x > alpha ? x : 0;
  }

  /**
   * The error function: for |x| below 3 by the series of Abramowitz and Stegun 7.1.6, beyond by the
   * continued fraction 7.1.14; both to the precision of a double.
   */
  static double erf(double x) {
    double a = Math.abs(x);
    if (!(a < 3)) {
      return a > 6 ? Math.signum(x) : Double.isNaN(x) ? x : Math.signum(x) * (1 - tail(a));
    }
    double term = x;
    double sum = x;
    for (int n = 1; Math.abs(term) > 1e-18; n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
  }

  private static double tail(double x) {
    double fraction = x;
    for (int n = 100; n >= 1; n--) {
      fraction = x + n / 2.0 / fraction;
    }
    return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
  }

  private static DoubleUnaryOperator celu(double alpha) {
    return x -> Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha));
  }

  /** The defaults are those of Klambauer et al. 2017, as ONNX gives them. */
  private static DoubleUnaryOperator selu(Call call) {
    double alpha = call.real("alpha", 1.6732632f);
    double gamma = call.real("gamma", 1.050701f);
    return x -> gamma * (x > 0 ? x : alpha * Math.expm1(x));
  }

  private static DoubleUnaryOperator shrink(double lambda, double bias) {
    return x -> x < -lambda ? x + bias : x > lambda ? x - bias : 0;
  }

  private static DoubleUnaryOperator swish(double alpha) {
    return x -> x * sigmoid(alpha * x);
  }

  private static DoubleUnaryOperator gelu(Call call) {
    if (call.text("approximate", "none").equals("tanh")) {
      double root = Math.sqrt(2 / Math.PI);
      return x -> 0.5 * x * (1 + Math.tanh(root * (x + 0.044715 * x * x * x)));
    }
    return x -> 0.5 * x * (1 + erf(x / Math.sqrt(2)));
  }

  private static DoubleUnaryOperator clip(Call call) {
    double low = call.scalar(1, call.real("min", Double.NEGATIVE_INFINITY));
    double high = call.scalar(2, call.real("max", Double.POSITIVE_INFINITY));
    return x -> Math.min(high, Math.max(low, x));
  }

  static Tensor each(Call call, DoubleUnaryOperator function, DataType type) {
    Array x = call.array(0);
    return new Array(x.shape, Arrays.stream(x.values).map(function).toArray()).to(type);
  }

  private static void put(
      Map<String, Operator> operators, String name, DoubleUnaryOperator function) {
    set(operators, name, call -> function);
  }

  private static void set(
      Map<String, Operator> operators, String name, Function<Call, DoubleUnaryOperator> function) {
    operators.put(name, single(call -> each(call, function.apply(call), call.type())));
  }

  private static void test(
      Map<String, Operator> operators, String name, DoubleUnaryOperator function) {
    operators.put(name, single(call -> each(call, function, DataType.BOOL)));
  }
}
