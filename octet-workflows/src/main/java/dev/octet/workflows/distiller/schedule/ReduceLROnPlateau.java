package dev.octet.workflows.distiller.schedule;

import dev.octet.torch.train.EpochResult;
import dev.octet.torch.train.Score;

/**
 * Lowers the rate when results have not got better for some epochs: the loss on held-out samples,
 * or their accuracy; without any, those of training.
 */
public final class ReduceLROnPlateau implements LRScheduler {
  /**
   * Settings, under PyTorch's names.
   *
   * @param max whether accuracy is to grow, else the loss to fall
   * @param factor what the rate is multiplied by, in (0, 1)
   * @param patience epochs without progress that are borne
   * @param threshold what counts as progress, not negative
   * @param relative whether the threshold is a part of the best so far, else a difference
   * @param cooldown epochs after a change that do not count
   * @param minLr below which the rate does not go
   * @param eps changes of the rate by less are left out
   */
  public record Settings(
      boolean max,
      double factor,
      int patience,
      double threshold,
      boolean relative,
      int cooldown,
      double minLr,
      double eps) {
    /** PyTorch's defaults, for the loss. */
    public static final Settings DEFAULT = new Settings(false, 0.1, 10, 1e-4, true, 0, 0, 1e-8);

    /** Checks the numbers. */
    public Settings {
      if (!(factor > 0 && factor < 1)) {
        throw new IllegalArgumentException("factor is " + factor + "; choose between 0 and 1");
      }
      if (patience < 0 || cooldown < 0 || !(threshold >= 0 && minLr >= 0 && eps >= 0)) {
        throw new IllegalArgumentException(
            "patience, cooldown, threshold, min_lr and eps must not be negative");
      }
    }
  }

  private final Settings settings;
  private double best;
  private int bad;
  private int cooling;
  private int reductions;

  /** A scheduler that has seen nothing. */
  public ReduceLROnPlateau(Settings settings) {
    this.settings = settings;
    best = settings.max() ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
  }

  @Override
  public double factor(int epochs, double rate) {
    double now = rate;
    for (int i = 0; i < reductions; i++) {
      double lower = Math.max(now * settings.factor(), settings.minLr());
      now = now - lower > settings.eps() ? lower : now;
    }
    return rate == 0 ? 1 : now / rate;
  }

  @Override
  public void onEpochEnd(EpochResult result) {
    Score held = result.validation();
    Score judged = held == null ? result.training() : held;
    double value = settings.max() ? judged.accuracy() : judged.loss();
    if (isBetter(value)) {
      best = value;
      bad = 0;
    } else {
      bad++;
    }
    if (cooling > 0) {
      cooling--;
      bad = 0;
    }
    if (bad > settings.patience()) {
      reductions++;
      cooling = settings.cooldown();
      bad = 0;
    }
  }

  private boolean isBetter(double value) {
    if (Double.isInfinite(best)) {
      return !Double.isNaN(value);
    }
    double margin = settings.relative() ? settings.threshold() * best : settings.threshold();
    return settings.max() ? value > best + margin : value < best - margin;
  }

  @Override
  public double[] state() {
    return new double[] {best, bad, cooling, reductions};
  }

  @Override
  public void restore(double[] state) {
    best = state[0];
    bad = (int) state[1];
    cooling = (int) state[2];
    reductions = (int) state[3];
  }
}
