package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.Attributes.Eltwise;
import dev.octet.engine.dnnl.DnnlException;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Primitive;
import dev.octet.engine.dnnl.Primitives;
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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.LongBinaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Functions of two or more tensors with numpy's broadcasting, in Java: those that oneDNN has not,
 * and all of them for other types than FLOAT. Whole numbers wrap around at the end of their type.
 */
final class Pairs implements Lowering {
  static final String[] OPERATORS = {
    "Pow",
    "Mod",
    "PRelu",
    "Sum",
    "Mean",
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "And",
    "Or",
    "Xor",
    "BitShift",
    "BitwiseAnd",
    "BitwiseOr",
    "BitwiseXor"
  };

  private record Form(
      @Nullable DoubleBinaryOperator real, @Nullable LongBinaryOperator whole, boolean test) {}

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    if (slopes(node, to, output) || power(node, to, output)) {
      return;
    }
    Operand result = to.input(node, 0);
    int count = node.inputs().size();
    for (int i = 1; i < count; i++) {
      result = combined(node, to, result, to.input(node, i));
    }
    if (node.is("Mean") && count > 1) {
      Elements type = Elements.of(result.type(), node);
      if (!type.isFloat()) {
        throw new UnsupportedNodeException(node, "it is not defined for " + result.type());
      }
      result = scaled(node, to, result, type, x -> x / count);
    }
    to.define(output, result);
  }

  /** PRelu of floats, by oneDNN. */
  private static boolean slopes(Node node, Compilation to, Value output) {
    Operand input = to.input(node, 0);
    if (!node.is("PRelu") || input.type() != DataType.FLOAT || input.rank() < 2) {
      return false;
    }
    Operand slope = to.input(node, 1);
    if (slope.type() != DataType.FLOAT || !Arrays.equals(dims(node, input, slope), input.dims())) {
      return false;
    }
    Stored from = to.stored(input);
    Layout layout = from.layout();
    Stored slopes =
        new Stored(
            to.rowMajor(slope).buffer(),
            Layout.rowMajor(DataType.FLOAT, Arithmetic.spread(slope.dims(), input.rank())));
    Primitive primitive;
    try {
      primitive = Primitives.prelu(layout, slopes.layout(), layout);
    } catch (DnnlException none) {
      return false;
    }
    Stored result = to.allocate(layout);
    to.primitive(primitive, Map.of(Args.SRC, from, Args.WEIGHTS, slopes, Args.DST, result));
    to.define(output, result);
    return true;
  }

  /** Squares and square roots of floats, by oneDNN. */
  private static boolean power(Node node, Compilation to, Value output) {
    Operand input = to.input(node, 0);
    Tensor exponent = node.is("Pow") ? to.constant(node, 1) : null;
    if (exponent == null
        || input.type() != DataType.FLOAT
        || exponent.type() != DataType.FLOAT
        || exponent.elementCount() != 1
        || exponent.rank() > input.rank()) {
      return false;
    }
    float number = exponent.toFloats()[0];
    if (number != 2 && number != 0.5f) {
      return false;
    }
    Eltwise function = number == 2 ? Eltwise.SQUARE : Eltwise.SQRT;
    Stored from = to.stored(input);
    Layout layout = from.layout();
    Stored result = to.overwritable(from) ? from : to.allocate(layout);
    Primitive primitive = Primitives.eltwise(function, 0, 0, layout, layout, new Attributes());
    to.primitive(primitive, Map.of(Args.SRC, from, Args.DST, result));
    to.define(output, result);
    return true;
  }

  private static Operand scaled(
      Node node, Compilation to, Operand operand, Elements type, DoubleUnaryOperator function) {
    Stored stored = Copies.plain(node, to, operand);
    int count = Math.toIntExact(operand.elements());
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer out = writes.get(0);
          return () -> {
            for (int i = 0; i < count; i++) {
              type.put(out, i, function.applyAsDouble(type.real(out, i)));
            }
          };
        };
    to.kernel("scale", kernel, List.of(stored), List.of(stored));
    return operand;
  }

  private static Operand combined(Node node, Compilation to, Operand a, Operand b) {
    // Pow's exponent and BitShift's distance may be of types of their own.
    if (a.type() != b.type() && !node.is("Pow")) {
      throw new UnsupportedNodeException(node, "its operands are " + a.type() + " and " + b.type());
    }
    Elements left = Elements.of(a.type(), node);
    Elements right = Elements.of(b.type(), node);
    long[] dims = dims(node, a, b);
    Form form = form(node, a.type());
    boolean inReals = left.isFloat() || (node.is("Pow") && right.isFloat());
    DoubleBinaryOperator real = inReals ? form.real : null;
    LongBinaryOperator whole = inReals ? null : form.whole;
    if (real == null && whole == null) {
      throw new UnsupportedNodeException(node, "it is not defined for " + a.type());
    }
    DataType made = form.test ? DataType.BOOL : a.type();
    Elements into = Elements.of(made, node);
    Walk walk = Walk.over(dims, Walk.broadcast(a.dims(), dims), Walk.broadcast(b.dims(), dims));
    Stored first = Copies.plain(node, to, a);
    Stored second = Copies.plain(node, to, b);
    Stored result = Copies.allocate(node, to, made, dims);
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer x = reads.get(0);
          ByteBuffer y = reads.get(1);
          ByteBuffer out = writes.get(0);
          Walk.Cursor cursor = walk.cursor();
          int length = walk.length();
          return () -> {
            cursor.reset();
            int at = 0;
            do {
              for (int i = 0; i < length; i++, at++) {
                int from = cursor.at(0) + i * walk.stride(0);
                int with = cursor.at(1) + i * walk.stride(1);
                if (real != null) {
                  into.put(out, at, real.applyAsDouble(left.real(x, from), right.real(y, with)));
                } else if (whole != null) {
                  into.put(out, at, whole.applyAsLong(left.whole(x, from), right.whole(y, with)));
                }
              }
            } while (cursor.next());
          };
        };
    to.kernel(form.test ? "test" : "function", kernel, List.of(first, second), List.of(result));
    return Operand.stored(result);
  }

  private static long[] dims(Node node, Operand a, Operand b) {
    long[] dims = Settings.broadcast(node, a.dims(), b.dims());
    if (node.is("PRelu") && dims.length != a.rank()) {
      throw new UnsupportedNodeException(node, "its slope has more dimensions than its input");
    }
    return dims;
  }

  private static Form of(@Nullable DoubleBinaryOperator real, @Nullable LongBinaryOperator whole) {
    return new Form(real, whole, false);
  }

  private static Form test(DoubleBinaryOperator real, LongBinaryOperator whole) {
    return new Form(real, whole, true);
  }

  private static Form form(Node node, DataType type) {
    boolean wide = type == DataType.UINT64;
    return switch (node.op()) {
      case "Add", "Sum" -> of(Double::sum, Long::sum);
      case "Mean" -> of(Double::sum, null);
      case "Sub" -> of((a, b) -> a - b, (a, b) -> a - b);
      case "Mul" -> of((a, b) -> a * b, (a, b) -> a * b);
      case "Div" -> of((a, b) -> a / b, division(node.label(), wide));
      case "Max" -> of(Math::max, wide ? (a, b) -> below(b, a) ? a : b : Math::max);
      case "Min" -> of(Math::min, wide ? (a, b) -> below(a, b) ? a : b : Math::min);
      case "Pow" -> of(Math::pow, (a, b) -> (long) Math.pow((double) a, (double) b));
      case "PRelu" -> of((x, slope) -> x < 0 ? slope * x : x, (x, s) -> x < 0 ? s * x : x);
      case "Mod" -> modulus(node, wide);
      case "Equal" -> test((a, b) -> a == b ? 1 : 0, (a, b) -> a == b ? 1 : 0);
      case "Greater" -> test((a, b) -> a > b ? 1 : 0, order(wide, false, true));
      case "GreaterOrEqual" -> test((a, b) -> a >= b ? 1 : 0, order(wide, true, true));
      case "Less" -> test((a, b) -> a < b ? 1 : 0, order(wide, false, false));
      case "LessOrEqual" -> test((a, b) -> a <= b ? 1 : 0, order(wide, true, false));
      case "And", "BitwiseAnd" -> bits(node, type, (a, b) -> a & b);
      case "Or", "BitwiseOr" -> bits(node, type, (a, b) -> a | b);
      case "Xor", "BitwiseXor" -> bits(node, type, (a, b) -> a ^ b);
      case "BitShift" -> shift(node);
      default -> throw new UnsupportedNodeException(node, "there is no code for this operator");
    };
  }

  private static Form bits(Node node, DataType type, LongBinaryOperator function) {
    boolean logical = !node.op().startsWith("Bitwise");
    if (logical != (type == DataType.BOOL)) {
      throw new UnsupportedNodeException(node, "it is not defined for " + type);
    }
    return new Form(null, function, logical);
  }

  private static boolean below(long a, long b) {
    return Long.compareUnsigned(a, b) < 0;
  }

  private static LongBinaryOperator order(boolean unsigned, boolean equal, boolean greater) {
    return (a, b) -> {
      int order = unsigned ? Long.compareUnsigned(a, b) : Long.compare(a, b);
      return (order == 0 ? equal : order > 0 == greater) ? 1 : 0;
    };
  }

  private static LongBinaryOperator division(String node, boolean unsigned) {
    return (a, b) -> {
      refuseZero(node, b);
      return unsigned ? Long.divideUnsigned(a, b) : a / b;
    };
  }

  private static Form modulus(Node node, boolean unsigned) {
    boolean signOfDividend = node.intAttribute("fmod", 0) != 0;
    String label = node.label();
    return of(
        signOfDividend ? (a, b) -> a % b : null,
        (a, b) -> {
          refuseZero(label, b);
          if (unsigned) {
            return Long.remainderUnsigned(a, b);
          }
          return signOfDividend ? a % b : Math.floorMod(a, b);
        });
  }

  private static void refuseZero(String node, long divisor) {
    if (divisor == 0) {
      throw new ArithmeticException("node '" + node + "' divides a whole number by zero");
    }
  }

  private static Form shift(Node node) {
    String direction = node.stringAttribute("direction", "");
    return switch (direction) {
      case "LEFT" -> of(null, (a, b) -> b < 0 || b > 63 ? 0 : a << b);
      case "RIGHT" -> of(null, (a, b) -> b < 0 || b > 63 ? 0 : a >>> b);
      default ->
          throw new UnsupportedNodeException(node, "direction '" + direction + "' is unknown");
    };
  }
}
