package dev.octet.quantize.metric;

import java.util.List;

/** A metric's running count over batches. Keeps no outputs. Not safe for use by several threads. */
public interface Tally {

  /** Counts a batch. */
  void add(Outcome outcome);

  /**
   * A new tally of what this and {@code other} counted; neither changes.
   *
   * @throws IllegalArgumentException if {@code other} is another metric's
   */
  Tally merge(Tally other);

  /** The figures so far; none when nothing was counted (no label, or no float model). */
  List<Score> scores();
}
