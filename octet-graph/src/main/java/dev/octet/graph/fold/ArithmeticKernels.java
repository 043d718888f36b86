package dev.octet.graph.fold;

import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/** Kernels that compute. */
final class ArithmeticKernels {

  private ArithmeticKernels() {}

  /** An operator of two broadcast inputs of one type. */
  static Kernel binary(LongBinaryOperator whole, DoubleBinaryOperator real) {
    return (node, inputs) -> {
      Tensor a = Layout.required(inputs, 0);
      Tensor b = Layout.required(inputs, 1);
      if (a.type() != b.type() || a.type() == DataType.BOOL) {
        throw new CannotFold("its inputs are " + a + " and " + b);
      }
      return pairwise(a, b, a.type(), inputs, whole, real);
    };
  }

  /** An operator of one input. */
  static Kernel unary(LongUnaryOperator whole, DoubleUnaryOperator real) {
    return (node, inputs) -> {
      Tensor in = Layout.required(inputs, 0);
      Numbers numbers = new Numbers(in);
      int count = Layout.count(in.shape(), inputs);
      ByteBuffer out = Numbers.allocate(in.type(), count);
      for (int i = 0; i < count; i++) {
        if (numbers.isFloat()) {
          Numbers.put(out, in.type(), real.applyAsDouble(numbers.real(i)));
        } else {
          Numbers.put(out, in.type(), whole.applyAsLong(numbers.whole(i)));
        }
      }
      return Tensor.wrap(in.type(), in.shape(), out.flip());
    };
  }

  /** Integer division cuts towards zero, as in C++, which ONNX's wording follows. */
  static long divide(long a, long b) {
    if (b == 0) {
      throw new CannotFold("it divides an integer by zero");
    }
    return a / b;
  }

  static Tensor sqrt(Node node, List<@Nullable Tensor> inputs) {
    Tensor in = Layout.required(inputs, 0);
    if (!in.type().isFloat()) {
      throw new CannotFold("roots are for real numbers, not for " + in);
    }
    return unary(a -> a, Math::sqrt).apply(node, inputs);
  }

  /** Powers of floats; the exponent may be of another type. Computed in float64, rounded once. */
  static Tensor pow(Node node, List<@Nullable Tensor> inputs) {
    Tensor base = Layout.required(inputs, 0);
    if (!base.type().isFloat()) {
      throw new CannotFold("powers of integers differ between runtimes");
    }
    Tensor exponent = Layout.required(inputs, 1);
    return pairwise(base, exponent, base.type(), inputs, (a, b) -> 0, Math::pow);
  }

  static Tensor equal(Node node, List<@Nullable Tensor> inputs) {
    Tensor a = Layout.required(inputs, 0);
    Tensor b = Layout.required(inputs, 1);
    if (a.type() != b.type()) {
      throw new CannotFold("its inputs are " + a + " and " + b);
    }
    long[] shape = Layout.broadcast(a.shape(), b.shape());
    int count = Layout.count(shape, inputs);
    int[] left = Layout.walk(count, shape, 0, Layout.broadcastStrides(a.shape(), shape));
    int[] right = Layout.walk(count, shape, 0, Layout.broadcastStrides(b.shape(), shape));
    Numbers x = new Numbers(a);
    Numbers y = new Numbers(b);
    ByteBuffer out = Numbers.allocate(DataType.BOOL, count);
    for (int i = 0; i < count; i++) {
      boolean same =
          x.isFloat() ? x.real(left[i]) == y.real(right[i]) : x.whole(left[i]) == y.whole(right[i]);
      out.put((byte) (same ? 1 : 0));
    }
    return Tensor.wrap(DataType.BOOL, shape, out.flip());
  }

  /**
   * Integers wrap, integers to floats round to nearest, floats to integers cut towards zero; what
   * ONNX leaves undefined (NaN and numbers out of range to an integer) is refused.
   */
  static Tensor cast(Node node, List<@Nullable Tensor> inputs) {
    Tensor in = Layout.required(inputs, 0);
    DataType known = DataType.ofCode((int) node.intAttribute("to", 0));
    if (known == null) {
      throw new CannotFold("it casts to an unknown type");
    }
    DataType to = Numbers.supported(known);
    Numbers numbers = new Numbers(in);
    int count = Layout.count(in.shape(), inputs);
    ByteBuffer out = Numbers.allocate(to, count);
    for (int i = 0; i < count; i++) {
      if (!numbers.isFloat()) {
        Numbers.put(out, to, numbers.whole(i));
      } else if (to.isFloat()) {
        Numbers.put(out, to, numbers.real(i));
      } else if (to == DataType.BOOL) {
        Numbers.put(out, to, numbers.real(i) != 0 ? 1L : 0L);
      } else {
        Numbers.put(out, to, truncated(numbers.real(i), to));
      }
    }
    return Tensor.wrap(to, in.shape(), out.flip());
  }

  private static long truncated(double value, DataType to) {
    boolean unsigned = to == DataType.UINT8;
    double bound = Math.scalb(1.0, unsigned ? to.bits() : to.bits() - 1);
    double low = unsigned ? 0 : -bound;
    double whole = value < 0 ? Math.ceil(value) : Math.floor(value);
    if (!(whole >= low && whole < bound)) {
      throw new CannotFold("it casts " + value + " to " + to);
    }
    return (long) whole;
  }

  /**
   * Ranges of integers. ONNX Runtime sums floats up where ONNX multiplies, so those are refused.
   */
  static Tensor range(Node node, List<@Nullable Tensor> inputs) {
    Tensor first = Layout.required(inputs, 0);
    DataType type = Numbers.supported(first.type());
    if (type.isFloat()) {
      throw new CannotFold("ranges of real numbers differ between runtimes");
    }
    long start = new Numbers(first).whole(0);
    long limit = new Numbers(Layout.required(inputs, 1)).whole(0);
    long delta = new Numbers(Layout.required(inputs, 2)).whole(0);
    if (delta == 0) {
      throw new CannotFold("delta is 0");
    }
    // the quotient rounded up, whatever the signs
    long length = Math.max(0, -Math.floorDiv(Math.subtractExact(start, limit), delta));
    long[] shape = {length};
    int count = Layout.count(shape, inputs);
    ByteBuffer out = Numbers.allocate(type, count);
    for (int i = 0; i < count; i++) {
      Numbers.put(out, type, start + i * delta);
    }
    return Tensor.wrap(type, shape, out.flip());
  }

  private static Tensor pairwise(
      Tensor a,
      Tensor b,
      DataType type,
      List<@Nullable Tensor> inputs,
      LongBinaryOperator whole,
      DoubleBinaryOperator real) {
    long[] shape = Layout.broadcast(a.shape(), b.shape());
    int count = Layout.count(shape, inputs);
    int[] left = Layout.walk(count, shape, 0, Layout.broadcastStrides(a.shape(), shape));
    int[] right = Layout.walk(count, shape, 0, Layout.broadcastStrides(b.shape(), shape));
    Numbers x = new Numbers(a);
    Numbers y = new Numbers(b);
    ByteBuffer out = Numbers.allocate(type, count);
    for (int i = 0; i < count; i++) {
      if (x.isFloat()) {
        Numbers.put(out, type, real.applyAsDouble(x.real(left[i]), y.real(right[i])));
      } else {
        Numbers.put(out, type, whole.applyAsLong(x.whole(left[i]), y.whole(right[i])));
      }
    }
    return Tensor.wrap(type, shape, out.flip());
  }
}
