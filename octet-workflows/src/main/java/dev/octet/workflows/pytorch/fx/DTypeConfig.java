package dev.octet.workflows.pytorch.fx;

import dev.octet.workflows.pytorch.observer.QuantDtype;
import org.jspecify.annotations.Nullable;

/**
 * A combination of types that a backend computes an operator in.
 *
 * @param input of activations read
 * @param output of the result
 * @param weight of weights, or null where there are none or none matter
 * @param dynamic whether inputs are quantized by the range of each call
 */
public record DTypeConfig(
    DTypeWithConstraints input,
    DTypeWithConstraints output,
    @Nullable DTypeWithConstraints weight,
    boolean dynamic) {

  public DTypeConfig {
    if (dynamic && output.dtype() != QuantDtype.FLOAT32) {
      throw new IllegalArgumentException("a dynamic operator gives float32, not " + output.dtype());
    }
    if (!dynamic && input.dtype() != output.dtype()) {
      throw new IllegalArgumentException(
          "inputs are %s and outputs %s; a static operator has one type for both"
              .formatted(input.dtype(), output.dtype()));
    }
  }

  /** Activations of one type, and weights of another. */
  public static DTypeConfig of(DTypeWithConstraints activation, DTypeWithConstraints weight) {
    return new DTypeConfig(activation, activation, weight, false);
  }

  /** Activations and weights without constraints. */
  public static DTypeConfig of(QuantDtype activation, QuantDtype weight) {
    return of(DTypeWithConstraints.of(activation), DTypeWithConstraints.of(weight));
  }

  /** An operator without weights. */
  public static DTypeConfig of(DTypeWithConstraints activation) {
    return new DTypeConfig(activation, activation, null, false);
  }

  /** An operator without weights and without constraints. */
  public static DTypeConfig of(QuantDtype activation) {
    return of(DTypeWithConstraints.of(activation));
  }

  /** Inputs quantized by the range of each call, float results. */
  public static DTypeConfig dynamic(DTypeWithConstraints input, DTypeWithConstraints weight) {
    return new DTypeConfig(input, DTypeWithConstraints.of(QuantDtype.FLOAT32), weight, true);
  }

  /** The same without constraints. */
  public static DTypeConfig dynamic(QuantDtype input, QuantDtype weight) {
    return dynamic(DTypeWithConstraints.of(input), DTypeWithConstraints.of(weight));
  }

  /** Weights alone are integers. */
  public static DTypeConfig weightOnly(DTypeWithConstraints weight) {
    return of(DTypeWithConstraints.of(QuantDtype.FLOAT32), weight);
  }

  /** The same without constraints. */
  public static DTypeConfig weightOnly(QuantDtype weight) {
    return weightOnly(DTypeWithConstraints.of(weight));
  }

  /** Such as {@code quint8 with qint8 weights}. */
  @Override
  public String toString() {
    return (dynamic ? "dynamic " : "")
        + input
        + (weight == null ? "" : " with " + weight + " weights");
  }
}
