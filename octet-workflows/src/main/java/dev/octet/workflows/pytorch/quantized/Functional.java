package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.MatMul;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.op.Ops;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

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
 * <p>One instance stands for one place in a model: its results share a scale. One that was made
 * with a {@link Call} can stand where an element-wise module stood.
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
    /** {@code max(a · b, 0)}. */
    MUL_RELU,
    /** Parts joined along a dimension. */
    CAT,
    /** The matrix product. */
    MATMUL,
    /** {@code a + c}, c a number. */
    ADD_SCALAR,
    /** {@code a · c}, c a number. */
    MUL_SCALAR
  }

  /**
   * What a call of the module itself computes.
   *
   * @param operation of two tensors, or {@code CAT} of any number
   * @param dim of {@code CAT}
   */
  public record Call(Operation operation, int dim) {
    /** Refuses operations with a number. */
    public Call {
      if (operation == Operation.ADD_SCALAR || operation == Operation.MUL_SCALAR) {
        throw new IllegalArgumentException(operation + " needs a number; call it by its name");
      }
    }

    /**
     * What an element-wise module of octet-torch computes: {@code Add}, {@code Mul}, {@code
     * MatMul}, {@code Concat}; what a {@link Functional} computes when it is called. Null for other
     * modules.
     */
    public static @Nullable Call of(Module module) {
      if (module instanceof Functional functional) {
        return functional.called;
      }
      if (module instanceof Concat concat) {
        return new Call(Operation.CAT, concat.dim());
      }
      Operation operation =
          module instanceof Add
              ? Operation.ADD
              : module instanceof Mul
                  ? Operation.MUL
                  : module instanceof MatMul ? Operation.MATMUL : null;
      return operation == null ? null : new Call(operation, 0);
    }
  }

  private final @Nullable Call called;

  /** For subclasses whose operations are called by their names. */
  protected Functional() {
    this(null);
  }

  /**
   * For subclasses.
   *
   * @param called what a call of the module itself computes; null where operations are called by
   *     their names alone
   */
  protected Functional(@Nullable Call called) {
    this.called = called;
  }

  /** What a call of the module itself computes, if anything. */
  public final @Nullable Call called() {
    return called;
  }

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

  /** {@code max(a · b, 0)}, broadcast. */
  public final Tensor mulRelu(Tensor a, Tensor b) {
    return apply(Operation.MUL_RELU, 0, a, b);
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
      case MUL_RELU -> Ops.relu(Ops.mul(x[0], x[1]));
      case CAT -> Ops.cat(List.of(x), (int) number);
      case MATMUL -> Ops.matmul(x[0], x[1]);
      case ADD_SCALAR -> Ops.add(x[0], number);
      case MUL_SCALAR -> Ops.mul(x[0], number);
    };
  }

  @Override
  protected Tensor forward(Tensor[] x) {
    if (called == null) {
      throw new UnsupportedOperationException(
          "call one of its operations (add, addRelu, mul, cat, matmul, addScalar, mulScalar), or"
              + " make it with the operation that a call computes");
    }
    boolean fits = called.operation() == Operation.CAT ? x.length > 0 : x.length == 2;
    if (!fits) {
      throw new IllegalArgumentException(called + " does not take " + x.length + " inputs");
    }
    return compute(called.operation(), called.dim(), x);
  }
}
