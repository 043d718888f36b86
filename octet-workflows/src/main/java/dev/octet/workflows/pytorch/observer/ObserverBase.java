package dev.octet.workflows.pytorch.observer;

/** Looks at what passes, and leaves it as it is. */
public abstract sealed class ObserverBase extends ActivationPostProcess
    permits ExtremesObserver,
        HistogramObserver,
        FixedQParamsObserver,
        PlaceholderObserver,
        NoopObserver,
        RecordingObserver,
        ReuseInputObserver {
  private final ObserverSettings observerSettings;

  ObserverBase(ObserverSettings observerSettings) {
    this.observerSettings = observerSettings;
  }

  /** The settings as they were given. */
  public final ObserverSettings observerSettings() {
    return observerSettings;
  }

  /** The axis that has a scale for each index, or -1 where one holds for the whole tensor. */
  public int channelAxis() {
    return -1;
  }

  @Override
  public final QuantDtype dtype() {
    return observerSettings.dtype();
  }

  @Override
  public final boolean isDynamic() {
    return observerSettings.dynamic();
  }

  @Override
  public boolean isMemoryless() {
    return false;
  }

  /** An error for kinds that know no range. */
  final UnsupportedOperationException noQParams() {
    return new UnsupportedOperationException(
        getClass().getSimpleName() + " sees no values, so that it has no scale and zero point");
  }

  final void requireIntegers() {
    if (!dtype().isInteger()) {
      throw new IllegalArgumentException(
          getClass().getSimpleName() + " learns a range of integers; " + dtype() + " has none");
    }
  }

  final void requireStatic() {
    if (isDynamic()) {
      throw new IllegalArgumentException(
          getClass().getSimpleName()
              + " remembers earlier batches, so that it cannot be dynamic; use a"
              + " PlaceholderObserver, or a MovingAverageMinMaxObserver of constant 1");
    }
  }
}
