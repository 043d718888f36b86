package dev.octet.torch.train;

/** A learning-rate schedule: the factor on every group's own rate. */
@FunctionalInterface
public interface LearningRate {
  /**
   * The factor before a step.
   *
   * @param step counted from 0 over the whole run
   * @param steps of the whole run, at least 1
   */
  double factor(long step, long steps);

  /** Always 1. */
  static LearningRate constant() {
    return (step, steps) -> 1;
  }

  /**
   * Half a cosine from 1 down to {@code floor} (Loshchilov and Hutter, 2017, without restarts).
   *
   * @param floor in [0, 1]
   */
  static LearningRate cosine(double floor) {
    if (!(floor >= 0 && floor <= 1)) {
      throw new IllegalArgumentException("the floor " + floor + " is not in [0, 1]");
    }
    return (step, steps) ->
        floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * Math.min(step, steps) / steps));
  }

  /**
   * Multiplies by {@code gamma} at each of the given parts of the run.
   *
   * @param parts in (0, 1), ascending, e.g. 0.5 and 0.75
   */
  static LearningRate steps(double gamma, double... parts) {
    double[] at = parts.clone();
    return (step, steps) -> {
      double factor = 1;
      for (double part : at) {
        if (step >= part * steps) {
          factor *= gamma;
        }
      }
      return factor;
    };
  }

  /**
   * Rises in a straight line over the first part of the run, then follows this schedule over the
   * rest.
   *
   * @param part in [0, 1)
   */
  default LearningRate afterWarmup(double part) {
    if (!(part >= 0 && part < 1)) {
      throw new IllegalArgumentException("the warm-up " + part + " is not in [0, 1)");
    }
    return (step, steps) -> {
      long warm = Math.round(part * steps);
      return step < warm
          ? (step + 1.0) / (warm + 1.0)
          : factor(step - warm, Math.max(1, steps - warm));
    };
  }
}
