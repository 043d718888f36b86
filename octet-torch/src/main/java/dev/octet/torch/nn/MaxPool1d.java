package dev.octet.torch.nn;

/** The largest value of windows over one dimension, {@code [N, C, L]}. */
public class MaxPool1d extends PoolNd {
  /** For subclasses. */
  protected MaxPool1d(Builder<?> settings) {
    super(settings);
  }

  /** A layer of the same settings. */
  public MaxPool1d(MaxPool1d from) {
    super(from);
  }

  /** A layer with windows of this size, or one size for each dimension. */
  public static Builder<? extends MaxPool1d> builder(long... kernel) {
    return new Builder<MaxPool1d>(1, true, MaxPool1d::new, kernel);
  }
}
