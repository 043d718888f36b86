package dev.octet.workflows.distiller.schedule;

import java.util.List;

/** A learning rate's factor after so many epochs, under PyTorch's names. */
@FunctionalInterface
public interface LRScheduler {
  /**
   * The factor on the rate that training starts with.
   *
   * @param epochs that the scheduler was used in before
   * @param rate that training starts with
   */
  double factor(int epochs, double rate);

  /** Times {@code gamma} every so many epochs. */
  static LRScheduler stepLR(int stepSize, double gamma) {
    atLeastOne("step_size", stepSize);
    positive("gamma", gamma);
    return (epochs, rate) -> Math.pow(gamma, Math.floorDiv(epochs, stepSize));
  }

  /** Times {@code gamma} at each milestone. */
  static LRScheduler multiStepLR(List<Integer> milestones, double gamma) {
    List<Integer> at = List.copyOf(milestones);
    positive("gamma", gamma);
    return (epochs, rate) ->
        Math.pow(gamma, (double) at.stream().filter(milestone -> epochs >= milestone).count());
  }

  /** Times {@code gamma} every epoch. */
  static LRScheduler exponentialLR(double gamma) {
    positive("gamma", gamma);
    return (epochs, rate) -> Math.pow(gamma, epochs);
  }

  /** Half a cosine down to {@code etaMin} in {@code tMax} epochs, and up again. */
  static LRScheduler cosineAnnealingLR(int tMax, double etaMin) {
    atLeastOne("T_max", tMax);
    if (!(etaMin >= 0)) {
      throw new IllegalArgumentException("eta_min is " + etaMin + "; choose 0 or more");
    }
    return (epochs, rate) ->
        rate == 0
            ? 1
            : (etaMin + (rate - etaMin) * (1 + Math.cos(Math.PI * epochs / tMax)) / 2) / rate;
  }

  /** {@code (1 − epochs / tMax)^power}, Distiller's. */
  static LRScheduler polynomialLR(int tMax, double power) {
    atLeastOne("T_max", tMax);
    positive("power", power);
    return (epochs, rate) -> Math.pow(1 - Math.min(1, epochs / (double) tMax), power);
  }

  /** Times a factor of its own at each milestone, Distiller's. */
  static LRScheduler multiStepMultiGammaLR(List<Integer> milestones, List<Double> gammas) {
    List<Integer> at = List.copyOf(milestones);
    List<Double> by = List.copyOf(gammas);
    if (at.size() != by.size()) {
      throw new IllegalArgumentException(
          at.size() + " milestones and " + by.size() + " gammas; give one for each");
    }
    by.forEach(gamma -> positive("a gamma", gamma));
    return (epochs, rate) -> {
      double factor = 1;
      for (int i = 0; i < at.size(); i++) {
        factor *= epochs >= at.get(i) ? by.get(i) : 1;
      }
      return factor;
    };
  }

  private static void positive(String what, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(what + " is " + value + "; choose a number above 0");
    }
  }

  private static void atLeastOne(String what, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(what + " is " + value + "; choose 1 or more");
    }
  }
}
