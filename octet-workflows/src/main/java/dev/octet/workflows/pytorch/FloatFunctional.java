package dev.octet.workflows.pytorch;

import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.quantized.Functional;
import org.bytedeco.pytorch.Tensor;

/**
 * Operations between tensors whose results are observed in a prepared model; converted to a {@link
 * dev.octet.workflows.pytorch.quantized.QFunctional}. Results of {@code addScalar} and {@code
 * mulScalar} are not observed: they take their input's parameters.
 *
 * <p>All results of one instance share an observer, so give each place in a model its own.
 */
public final class FloatFunctional extends Functional {
  /** A place where operations happen, called by their names. */
  public FloatFunctional() {}

  /** A place that also computes an operation when it is called itself, as a module is. */
  public FloatFunctional(Call called) {
    super(called);
  }

  @Override
  protected Tensor compute(Operation operation, double number, Tensor... x) {
    Tensor result = floatResult(operation, number, x);
    Module observer = children().get(Quantization.POST_PROCESS);
    if (observer == null
        || operation == Operation.ADD_SCALAR
        || operation == Operation.MUL_SCALAR) {
      return result;
    }
    return observer.call(result);
  }
}
