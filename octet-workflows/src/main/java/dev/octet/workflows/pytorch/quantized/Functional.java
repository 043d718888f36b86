package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Operations between tensors as a module, so that their results can be observed and quantized: what
 * {@code FloatFunctional} and {@link QFunctional} have in common. A model holds it as a child and
 * calls it by name:
 *
 * <pre>{@code
 * private final Child<Functional> skip = child("skip", new FloatFunctional());
 * ...
 * Tensor y = skip.get().add(branch, x);
 * }</pre>
 *
 * <p>One instance stands for one place in a model: its results share a scale.
 */
public abstract class Functional extends Module {
  /** An operation. */
  public enum Operation {
    /** {@code a + b}. */
    ADD,
    /** {@code max(a + b, 0)}. */
    ADD_RELU,
    /** {@code a · b}. */
    MUL,
    /** Parts joined along a dimension. */
    CAT,
    /** The matrix product. */
    MATMUL,
    /** {@code a + c}, c a number. */
    ADD_SCALAR,
    /** {@code a · c}, c a number. */
    MUL_SCALAR
  }

  /** For subclasses. */
  protected Functional() {}

  /** {@code a + b}, broadcast. */
  public final Tensor add(Tensor a, Tensor b) {
    return apply(Operation.ADD, 0, a, b);
  }

  /** {@code max(a + b, 0)}, broadcast. */
  public final Tensor addRelu(Tensor a, Tensor b) {
    return apply(Operation.ADD_RELU, 0, a, b);
  }

  /** {@code a · b}, broadcast. */
  public final Tensor mul(Tensor a, Tensor b) {
    return apply(Operation.MUL, 0, a, b);
  }

  /** Parts joined along a dimension. */
  public final Tensor cat(List<Tensor> parts, int dim) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("there is nothing to join; give at least one tensor");
    }
    return apply(Operation.CAT, dim, parts.toArray(new Tensor[0]));
  }

  /** The matrix product of the last two dimensions. */
  public final Tensor matmul(Tensor a, Tensor b) {
    return apply(Operation.MATMUL, 0, a, b);
  }

  /** {@code a + c}. */
  public final Tensor addScalar(Tensor a, double c) {
    return apply(Operation.ADD_SCALAR, finite(c), a);
  }

  /** {@code a · c}. */
  public final Tensor mulScalar(Tensor a, double c) {
    return apply(Operation.MUL_SCALAR, finite(c), a);
  }

  private static double finite(double number) {
    if (!Double.isFinite(number)) {
      throw new IllegalArgumentException("the number is " + number + ", which is not finite");
    }
    return number;
  }

  private Tensor apply(Operation operation, double number, Tensor... x) {
    return inside(x, scope -> scope.give(compute(operation, number, x)));
  }

  /**
   * The result of an operation.
   *
   * @param number the dimension of {@code CAT}, the number of {@code ADD_SCALAR} and {@code
   *     MUL_SCALAR}
   */
  protected abstract Tensor compute(Operation operation, double number, Tensor... x);

  /** The result in real numbers, from tracked operations. */
  protected static Tensor floatResult(Operation operation, double number, Tensor... x) {
    return switch (operation) {
      case ADD -> Ops.add(x[0], x[1]);
      case ADD_RELU -> Ops.relu(Ops.add(x[0], x[1]));
      case MUL -> Ops.mul(x[0], x[1]);
      case CAT -> Ops.cat(List.of(x), (int) number);
      case MATMUL -> Ops.matmul(x[0], x[1]);
      case ADD_SCALAR -> Ops.add(x[0], number);
      case MUL_SCALAR -> Ops.mul(x[0], number);
    };
  }

  @Override
  protected Tensor forward(Tensor[] x) {
    throw new UnsupportedOperationException(
        "call one of its operations: add, addRelu, mul, cat, matmul, addScalar, mulScalar");
  }
}
