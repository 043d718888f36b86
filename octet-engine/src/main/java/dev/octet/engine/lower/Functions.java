package dev.octet.engine.lower;

import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Kernel;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Functions of one element in Java, computed as doubles or 64-bit integers and stored as the type
 * of the tensor: those that oneDNN has not, and those that it has for other types than FLOAT.
 */
final class Functions implements Lowering {
  static final String[] OPERATORS = {
    "Floor",
    "Ceil",
    "Sign",
    "Reciprocal",
    "Sin",
    "Cos",
    "Tan",
    "Asin",
    "Acos",
    "Atan",
    "Sinh",
    "Cosh",
    "Asinh",
    "Acosh",
    "Atanh",
    "Erf",
    "Softsign",
    "Selu",
    "Celu",
    "ThresholdedRelu",
    "Shrink",
    "Not",
    "IsNaN",
    "IsInf",
    "BitwiseNot"
  };

  /** A function of one real, to be looked at as a value of two forms. */
  private record Form(
      @Nullable DoubleUnaryOperator real, @Nullable LongUnaryOperator whole, boolean test) {}

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    if (node.is("Clip")) {
      to.define(output, clipped(node, to));
      return;
    }
    Operand input = to.input(node, 0);
    Elements type = Elements.of(input.type(), node);
    Form form = form(node);
    DoubleUnaryOperator real = type.isFloat() ? form.real : null;
    LongUnaryOperator whole = type.isFloat() ? null : form.whole;
    ByteTables.Ends ends = real == null || form.test ? null : ByteTables.Ends.of(node, to, output);
    if (ends != null && real != null) {
      ByteTables.lower(ends, to, real);
      return;
    }
    if (real == null && whole == null) {
      throw new UnsupportedNodeException(node, "it is not defined for " + input.type());
    }
    DataType made = form.test ? DataType.BOOL : input.type();
    Elements into = Elements.of(made, node);
    Stored from = Copies.plain(node, to, input);
    boolean inPlace = made == input.type() && to.overwritable(from);
    Stored result = inPlace ? from : Copies.allocate(node, to, made, input.dims());
    int count = Math.toIntExact(input.elements());
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer out = writes.get(0);
          return () -> {
            for (int i = 0; i < count; i++) {
              if (real != null) {
                into.put(out, i, real.applyAsDouble(type.real(in, i)));
              } else if (whole != null) {
                into.put(out, i, whole.applyAsLong(type.whole(in, i)));
              }
            }
          };
        };
    to.kernel("function", kernel, List.of(from), List.of(result));
    to.define(output, result);
  }

  /** The function of reals that {@code node} is. */
  static DoubleUnaryOperator real(Node node) {
    DoubleUnaryOperator real = form(node).real;
    if (real == null) {
      throw new UnsupportedNodeException(node, "it is not defined for reals");
    }
    return real;
  }

  private static Form of(DoubleUnaryOperator real) {
    return new Form(real, null, false);
  }

  private static Form form(Node node) {
    return switch (node.op()) {
      case "Floor" -> of(Math::floor);
      case "Ceil" -> of(Math::ceil);
      case "Round" -> of(Math::rint);
      case "Sign" -> new Form(Math::signum, Long::signum, false);
      case "Abs" -> new Form(Math::abs, Math::abs, false);
      case "Neg" -> new Form(x -> -x, x -> -x, false);
      case "Relu" -> new Form(x -> x < 0 ? 0 : x, x -> Math.max(x, 0), false);
      case "Reciprocal" -> of(x -> 1 / x);
      case "Sqrt" -> of(Math::sqrt);
      case "Exp" -> of(Math::exp);
      case "Log" -> of(Math::log);
      case "Sin" -> of(Math::sin);
      case "Cos" -> of(Math::cos);
      case "Tan" -> of(Math::tan);
      case "Asin" -> of(Math::asin);
      case "Acos" -> of(Math::acos);
      case "Atan" -> of(Math::atan);
      case "Sinh" -> of(Math::sinh);
      case "Cosh" -> of(Math::cosh);
      case "Tanh" -> of(Math::tanh);
      case "Asinh" -> of(Functions::asinh);
      case "Acosh" -> of(x -> Math.log(x + Math.sqrt(x * x - 1)));
      case "Atanh" -> of(x -> (Math.log1p(x) - Math.log1p(-x)) / 2);
      case "Erf" -> of(Functions::erf);
      case "Sigmoid" -> of(Functions::sigmoid);
      case "Softplus" -> of(Functions::softplus);
      case "Softsign" -> of(x -> x / (1 + Math.abs(x)));
      case "Mish" -> of(x -> x * Math.tanh(softplus(x)));
      case "HardSwish" -> of(x -> x * Math.max(0, Math.min(1, x / 6 + 0.5)));
      case "Gelu" -> of(gelu(node.stringAttribute("approximate", "none")));
      case "Not" -> new Form(null, x -> x == 0 ? 1 : 0, true);
      case "BitwiseNot" -> new Form(null, x -> ~x, false);
      case "IsNaN" -> new Form(x -> Double.isNaN(x) ? 1 : 0, null, true);
      default -> withAttributes(node);
    };
  }

  private static Form withAttributes(Node node) {
    return switch (node.op()) {
      case "LeakyRelu" -> {
        double alpha = node.floatAttribute("alpha", 0.01f);
        yield of(x -> x < 0 ? alpha * x : x);
      }
      case "Elu" -> {
        double alpha = node.floatAttribute("alpha", 1);
        yield of(x -> x < 0 ? alpha * Math.expm1(x) : x);
      }
      case "Celu" -> {
        double alpha = node.floatAttribute("alpha", 1);
        yield of(x -> Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha)));
      }
      case "Selu" -> {
        double alpha = node.floatAttribute("alpha", 1.6732632f);
        double gamma = node.floatAttribute("gamma", 1.050701f);
        yield of(x -> gamma * (x > 0 ? x : alpha * Math.expm1(x)));
      }
      case "HardSigmoid" -> {
        double alpha = node.floatAttribute("alpha", 0.2f);
        double beta = node.floatAttribute("beta", 0.5f);
        yield of(x -> Math.max(0, Math.min(1, alpha * x + beta)));
      }
      case "ThresholdedRelu" -> {
        double alpha = node.floatAttribute("alpha", 1);
        yield of(x -> x > alpha ? x : 0);
      }
      case "Shrink" -> {
        double bias = node.floatAttribute("bias", 0);
        double edge = node.floatAttribute("lambd", 0.5f);
        yield of(x -> x < -edge ? x + bias : x > edge ? x - bias : 0);
      }
      case "IsInf" -> {
        boolean negative = node.intAttribute("detect_negative", 1) != 0;
        boolean positive = node.intAttribute("detect_positive", 1) != 0;
        yield new Form(
            x -> Double.isInfinite(x) && (x > 0 ? positive : negative) ? 1 : 0, null, true);
      }
      default -> throw new UnsupportedNodeException(node, "there is no code for this operator");
    };
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private static double softplus(double x) {
    return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  }

  private static double asinh(double x) {
    double magnitude = Math.abs(x);
    return Math.copySign(
        Math.log1p(magnitude + magnitude * magnitude / (1 + Math.sqrt(magnitude * magnitude + 1))),
        x);
  }

  private static DoubleUnaryOperator gelu(String approximate) {
    if (approximate.equals("tanh")) {
      double factor = Math.sqrt(2 / Math.PI);
      return x -> x / 2 * (1 + Math.tanh(factor * (x + 0.044715 * x * x * x)));
    }
    double factor = Math.sqrt(0.5);
    return x -> x / 2 * (1 + erf(x * factor));
  }

  /**
   * The error function by its series {@code 2/√π·exp(−x²)·Σ 2ⁿ·x²ⁿ⁺¹/(1·3·…·(2n+1))} (Abramowitz
   * and Stegun 7.1.6), all of whose terms have one sign.
   */
  static double erf(double x) {
    double magnitude = Math.abs(x);
    if (!(magnitude < 6)) {
      return Double.isNaN(x) ? x : Math.signum(x);
    }
    double square = x * x;
    double term = magnitude;
    double sum = term;
    for (int n = 1; term > sum * 1e-17; n++) {
      term *= 2 * square / (2 * n + 1);
      sum += term;
    }
    return Math.copySign(2 / Math.sqrt(Math.PI) * Math.exp(-square) * sum, x);
  }

  // ---- Clip ----

  /** Clip of any type, or with bounds that are data. */
  private static Operand clipped(Node node, Compilation to) {
    Operand input = to.input(node, 0);
    Elements type = Elements.of(input.type(), node);
    Stored from = Copies.plain(node, to, input);
    Stored low = bound(node, to, 1, "min", input.type());
    Stored high = bound(node, to, 2, "max", input.type());
    boolean inPlace = to.overwritable(from);
    Stored result = inPlace ? from : Copies.allocate(node, to, input.type(), input.dims());
    int count = Math.toIntExact(input.elements());
    boolean isFloat = type.isFloat();
    boolean below = low != null;
    boolean above = high != null;
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer least = reads.get(1);
          ByteBuffer most = reads.get(2);
          ByteBuffer out = writes.get(0);
          return () -> {
            for (int i = 0; i < count; i++) {
              if (isFloat) {
                double x = type.real(in, i);
                x = below ? Math.max(x, type.real(least, 0)) : x;
                type.put(out, i, above ? Math.min(x, type.real(most, 0)) : x);
              } else {
                long x = type.whole(in, i);
                x = below ? Math.max(x, type.whole(least, 0)) : x;
                type.put(out, i, above ? Math.min(x, type.whole(most, 0)) : x);
              }
            }
          };
        };
    to.kernel(
        "clip",
        kernel,
        List.of(from, low == null ? from : low, high == null ? from : high),
        List.of(result));
    return Operand.stored(result);
  }

  private static @Nullable Stored bound(
      Node node, Compilation to, int index, String attribute, DataType type) {
    Value value = node.input(index);
    if (value == null) {
      if (node.attribute(attribute) == null) {
        return null;
      }
      Tensor number = Tensor.ofFloats(new float[] {node.floatAttribute(attribute, 0)}, 1);
      if (type != DataType.FLOAT) {
        throw new UnsupportedNodeException(node, "its bounds are floats, its input is " + type);
      }
      return to.stored(Operand.constant(number));
    }
    Operand bound = to.operand(value);
    if (bound.type() != type || bound.elements() != 1) {
      throw new UnsupportedNodeException(node, "a bound is not one number of " + type);
    }
    return Copies.plain(node, to, bound);
  }
}
