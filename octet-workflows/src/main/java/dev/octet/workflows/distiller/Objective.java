package dev.octet.workflows.distiller;

import java.util.function.ToDoubleFunction;

/** A function to minimise: counts what it is asked, and keeps the best point of all. */
final class Objective {
  private final ToDoubleFunction<double[]> function;
  private final int maxEvaluations;
  private double[] best = new double[0];
  private double bestValue = Double.POSITIVE_INFINITY;
  private int evaluations;

  /** Not asked yet; after {@code maxEvaluations} every value is infinite. */
  Objective(ToDoubleFunction<double[]> function, int maxEvaluations) {
    this.function = function;
    this.maxEvaluations = maxEvaluations;
  }

  /** The value at a point; infinite in the place of NaN. */
  double at(double[] point) {
    if (isExhausted()) {
      return Double.POSITIVE_INFINITY;
    }
    double value = function.applyAsDouble(point);
    if (value < bestValue || evaluations == 0) {
      best = point.clone();
    }
    evaluations++;
    if (Double.isNaN(value)) {
      return Double.POSITIVE_INFINITY;
    }
    bestValue = Math.min(bestValue, value);
    return value;
  }

  boolean isExhausted() {
    return evaluations >= maxEvaluations;
  }

  /** The best point; the one asked first where no value was finite. */
  double[] best() {
    return best.clone();
  }

  /** The value there. */
  double bestValue() {
    return bestValue;
  }

  /** How often the function was asked. */
  int evaluations() {
    return evaluations;
  }
}
