package dev.octet.workflows.pytorch.observer;

import dev.octet.core.descriptor.RangeMethod;

/** A {@link MovingAverageMinMaxObserver} for each channel. */
public final class MovingAveragePerChannelMinMaxObserver extends ExtremesObserver {
  private final double averagingConstant;

  /**
   * One range for each index along an axis.
   *
   * @param averagingConstant the newest batch's weight, above 0 and at most 1; 1 remembers nothing
   *     of earlier ones
   * @param channelAxis counts from the first
   */
  public MovingAveragePerChannelMinMaxObserver(
      ObserverSettings settings, double averagingConstant, int channelAxis) {
    super(settings, new RangeMethod.MovingAverage(averagingConstant), axis(channelAxis));
    this.averagingConstant = averagingConstant;
    requireStatic();
  }

  /** The newest batch's weight. */
  public double averagingConstant() {
    return averagingConstant;
  }

  @Override
  public boolean isMemoryless() {
    return averagingConstant == 1;
  }
}
