package dev.octet.workflows.distiller.schedule;

import dev.octet.torch.train.EpochResult;
import java.util.List;

/**
 * A learning rate's factor after so many epochs, under PyTorch's names. What PyTorch counts in
 * steps is counted in epochs here, as Distiller calls its schedulers once an epoch. Momentum stays.
 */
@FunctionalInterface
public interface LRScheduler {
  /**
   * The factor on the rate that training starts with.
   *
   * @param epochs that the scheduler was used in before
   * @param rate that training starts with
   */
  double factor(int epochs, double rate);

  /** Hears of an epoch that it was used in. */
  default void onEpochEnd(EpochResult result) {}

  /** What must be brought back when a run is resumed. */
  default double[] state() {
    return new double[0];
  }

  /** Takes over what {@link #state} gave. */
  default void restore(double[] state) {}

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

  /**
   * Times a factor for the first epochs.
   *
   * @param factor above 0, up to 1
   */
  static LRScheduler constantLR(double factor, int totalIters) {
    return linearLR(factor, factor, totalIters, true);
  }

  /**
   * In a straight line from one factor to another.
   *
   * @param startFactor above 0, up to 1
   * @param endFactor in [0, 1]
   */
  static LRScheduler linearLR(double startFactor, double endFactor, int totalIters) {
    return linearLR(startFactor, endFactor, totalIters, false);
  }

  private static LRScheduler linearLR(double start, double end, int epochs, boolean thenOne) {
    atLeastOne("total_iters", epochs);
    if (!(start > 0 && start <= 1 && end >= 0 && end <= 1)) {
      throw new IllegalArgumentException(
          "factors of " + start + " and " + end + "; choose above 0 to 1 first, 0 to 1 at the end");
    }
    return (at, rate) ->
        at >= epochs ? (thenOne ? 1 : end) : start + (end - start) * at / (double) epochs;
  }

  /**
   * Half a cosine from the rate down to {@code etaMin}, again and again (Loshchilov and Hutter,
   * 2017).
   *
   * @param t0 epochs of the first, at least 1
   * @param tMult how many times as long each is as the one before; at least 1
   */
  static LRScheduler cosineAnnealingWarmRestarts(int t0, int tMult, double etaMin) {
    atLeastOne("T_0", t0);
    atLeastOne("T_mult", tMult);
    return (epochs, rate) -> {
      long length = t0;
      long at = epochs;
      while (at >= length) {
        at -= length;
        length *= tMult;
      }
      double left = (1 + Math.cos(Math.PI * at / length)) / 2;
      return rate == 0 ? 1 : (etaMin + (rate - etaMin) * left) / rate;
    };
  }

  /** How the heights of {@link #cyclicLR} change. */
  enum CyclicMode {
    /** Always the same. */
    TRIANGULAR,
    /** Half as high each time. */
    TRIANGULAR2,
    /** Times {@code gamma} to the power of the epochs. */
    EXP_RANGE
  }

  /**
   * Up from one rate to another and down again (Smith, "Cyclical Learning Rates", 2017).
   *
   * @param baseLr not negative
   * @param maxLr above {@code baseLr}
   * @param stepSizeUp epochs on the way up, at least 1
   * @param stepSizeDown epochs on the way down, at least 1
   * @param gamma for {@link CyclicMode#EXP_RANGE}, above 0
   */
  static LRScheduler cyclicLR(
      double baseLr,
      double maxLr,
      int stepSizeUp,
      int stepSizeDown,
      CyclicMode mode,
      double gamma) {
    atLeastOne("step_size_up", stepSizeUp);
    atLeastOne("step_size_down", stepSizeDown);
    positive("gamma", gamma);
    if (!(baseLr >= 0 && maxLr > baseLr)) {
      throw new IllegalArgumentException(
          "rates from " + baseLr + " to " + maxLr + "; the second must be larger");
    }
    double total = (double) stepSizeUp + stepSizeDown;
    return (epochs, rate) -> {
      double cycle = Math.floor(epochs / total);
      double at = epochs - cycle * total;
      double height = at <= stepSizeUp ? at / stepSizeUp : (total - at) / stepSizeDown;
      double scale =
          switch (mode) {
            case TRIANGULAR -> 1;
            case TRIANGULAR2 -> Math.pow(2, -cycle);
            case EXP_RANGE -> Math.pow(gamma, epochs);
          };
      return rate == 0 ? 1 : (baseLr + (maxLr - baseLr) * height * scale) / rate;
    };
  }

  /**
   * Up from {@code maxLr / divFactor} to {@code maxLr}, and down to {@code maxLr / divFactor /
   * finalDivFactor} (Smith and Topin, "Super-Convergence", 2018).
   *
   * @param totalSteps epochs of both ways, at least 2
   * @param pctStart the part of the epochs that is on the way up, in (0, 1)
   * @param cosine whether in half a cosine, else in a straight line
   */
  static LRScheduler oneCycleLR(
      double maxLr,
      int totalSteps,
      double pctStart,
      boolean cosine,
      double divFactor,
      double finalDivFactor) {
    positive("max_lr", maxLr);
    positive("div_factor", divFactor);
    positive("final_div_factor", finalDivFactor);
    if (totalSteps < 2 || !(pctStart > 0 && pctStart < 1)) {
      throw new IllegalArgumentException(
          totalSteps
              + " steps, "
              + pctStart
              + " of them up; choose 2 or more, and a part between 0 and 1");
    }
    double start = maxLr / divFactor;
    double end = start / finalDivFactor;
    double top = pctStart * totalSteps - 1;
    return (epochs, rate) -> {
      double at = Math.min(epochs, totalSteps - 1.0);
      boolean up = at <= top;
      double part = up ? (top > 0 ? at / top : 1) : (at - top) / (totalSteps - 1.0 - top);
      double from = up ? start : maxLr;
      double to = up ? maxLr : end;
      double way = cosine ? (1 - Math.cos(Math.PI * part)) / 2 : part;
      return rate == 0 ? 1 : (from + (to - from) * way) / rate;
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
