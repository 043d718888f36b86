package dev.octet.workflows.pytorch.observer;

import dev.octet.core.descriptor.RangeMethod;

/**
 * A moving average of each batch's smallest and largest value: the first batch sets it, {@code m ←
 * m + c · (batch − m)} from then on.
 */
public final class MovingAverageMinMaxObserver extends ExtremesObserver {
  /** PyTorch's constant. */
  public static final double AVERAGING_CONSTANT = 0.01;

  private final double averagingConstant;

  /**
   * One range for the whole tensor.
   *
   * @param averagingConstant the newest batch's weight, above 0 and at most 1; 1 remembers nothing
   *     of earlier ones
   */
  public MovingAverageMinMaxObserver(ObserverSettings settings, double averagingConstant) {
    super(settings, new RangeMethod.MovingAverage(averagingConstant), -1);
    this.averagingConstant = averagingConstant;
    if (averagingConstant != 1) {
      requireStatic();
    }
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
