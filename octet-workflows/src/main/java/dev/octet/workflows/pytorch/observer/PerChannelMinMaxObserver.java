package dev.octet.workflows.pytorch.observer;

import dev.octet.core.descriptor.RangeMethod;

/** The smallest and largest value of each channel. */
public final class PerChannelMinMaxObserver extends ExtremesObserver {

  /**
   * One range for each index along an axis.
   *
   * @param channelAxis counts from the first; that of a weight's output channels is 0, of a
   *     transposed convolution's 1
   */
  public PerChannelMinMaxObserver(ObserverSettings settings, int channelAxis) {
    super(settings, new RangeMethod.MinMax(), axis(channelAxis));
    requireStatic();
  }
}
