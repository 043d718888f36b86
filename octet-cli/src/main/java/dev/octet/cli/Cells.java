package dev.octet.cli;

import dev.octet.torch.train.Score;
import java.util.Locale;

/** Figures as cells of a table. */
final class Cells {
  private Cells() {}

  /** A row of accuracy and loss. */
  static String[] of(String name, Score score) {
    return new String[] {
      name, percent(score.accuracy()), String.format(Locale.ROOT, "%.4f", score.loss())
    };
  }

  /** A share from 0 to 1. */
  static String percent(double share) {
    return String.format(Locale.ROOT, "%.2f %%", 100 * share);
  }
}
