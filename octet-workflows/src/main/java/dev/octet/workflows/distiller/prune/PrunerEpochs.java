package dev.octet.workflows.distiller.prune;

/**
 * Where a pruner stands in its part of a run.
 *
 * @param starting the first epoch
 * @param ending the epoch after the last; above {@code starting}
 * @param frequency epochs from one use to the next; at least 1
 * @param current the epoch
 */
public record PrunerEpochs(int starting, int ending, int frequency, int current) {
  /** Checks the numbers. */
  public PrunerEpochs {
    if (starting < 0 || ending <= starting || frequency < 1) {
      throw new IllegalArgumentException(
          "epochs from "
              + starting
              + " to before "
              + ending
              + ", one in "
              + frequency
              + ", are none");
    }
  }

  /** The part of the way from the first use, 0, to the last, 1. */
  public double progress() {
    int span = (ending - starting - 1) / frequency * frequency;
    return span == 0 ? 1 : Math.min(1, Math.max(0, (current - starting) / (double) span));
  }
}
