package dev.octet.workflows.distiller.prune;

import java.util.random.RandomGenerator;

/** Which part is to be dropped, at a place in the run. */
@FunctionalInterface
public interface Sparsity {
  /**
   * The part to drop, in [0, 1].
   *
   * @param random for those that draw it; seeded by the pruner
   */
  double at(PrunerEpochs at, RandomGenerator random);

  /**
   * Always the same.
   *
   * @param level in [0, 1]
   */
  static Sparsity constant(double level) {
    checkRange(level, level);
    return (at, random) -> level;
  }

  /**
   * More and more (Zhu and Gupta, "To prune, or not to prune", 2017): from the first use to the
   * last {@code final + (initial − final) · (1 − progress)³}.
   *
   * @param initialSparsity in [0, 1]
   * @param finalSparsity in [{@code initialSparsity}, 1]
   */
  static Sparsity gradual(double initialSparsity, double finalSparsity) {
    checkRange(initialSparsity, finalSparsity);
    return (at, random) -> {
      double left = 1 - at.progress();
      return finalSparsity + (initialSparsity - finalSparsity) * left * left * left;
    };
  }

  /** Drawn anew each time, evenly from low to high; both in [0, 1]. */
  static Sparsity random(double low, double high) {
    checkRange(low, high);
    return (at, random) -> low + (high - low) * random.nextDouble();
  }

  private static void checkRange(double from, double to) {
    if (!(from >= 0 && from <= to && to <= 1)) {
      throw new IllegalArgumentException(
          "sparsity from " + from + " to " + to + "; it must grow inside [0, 1]");
    }
  }
}
