package dev.octet.workflows.pytorch.observer;

import dev.octet.core.descriptor.RangeMethod;

/** The smallest and largest value of all batches. */
public final class MinMaxObserver extends ExtremesObserver {

  /** One range for the whole tensor. */
  public MinMaxObserver(ObserverSettings settings) {
    super(settings, new RangeMethod.MinMax(), -1);
    requireStatic();
  }
}
