package dev.octet.workflows.distiller.schedule;

import dev.octet.workflows.distiller.prune.PrunerEpochs;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The epochs in which a policy is called.
 *
 * @param epochs counted from 0, at least one
 * @param frequency epochs from one to the next; 1 for a list without one
 */
public record PolicyEpochs(SortedSet<Integer> epochs, int frequency) {
  /** Checks and copies. */
  public PolicyEpochs {
    epochs = Collections.unmodifiableSortedSet(new TreeSet<>(epochs));
    if (epochs.isEmpty() || epochs.first() < 0) {
      throw new IllegalArgumentException("epochs " + epochs + "; give at least one, from 0 on");
    }
  }

  /**
   * Every so many epochs of a span.
   *
   * @param starting the first
   * @param ending the epoch after the last possible one, above {@code starting}
   * @param frequency at least 1
   */
  public static PolicyEpochs of(int starting, int ending, int frequency) {
    if (starting < 0 || ending <= starting || frequency < 1) {
      throw new IllegalArgumentException(
          "starting_epoch "
              + starting
              + ", ending_epoch "
              + ending
              + ", frequency "
              + frequency
              + ": the end must be above the start, and the frequency 1 or more");
    }
    SortedSet<Integer> epochs = new TreeSet<>();
    for (int epoch = starting; epoch < ending; epoch += frequency) {
      epochs.add(epoch);
    }
    return new PolicyEpochs(epochs, frequency);
  }

  /** These epochs. */
  public static PolicyEpochs of(List<Integer> epochs) {
    return new PolicyEpochs(new TreeSet<>(epochs), 1);
  }

  /** Whether the policy is called in an epoch. */
  public boolean contains(int epoch) {
    return epochs.contains(epoch);
  }

  /** How many of the epochs lie before one. */
  int before(int epoch) {
    return epochs.headSet(epoch).size();
  }

  PrunerEpochs at(int epoch) {
    return new PrunerEpochs(epochs.first(), epochs.last() + 1, frequency, epoch);
  }
}
