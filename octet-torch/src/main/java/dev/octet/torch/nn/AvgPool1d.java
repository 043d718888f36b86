package dev.octet.torch.nn;

/** The mean of windows over one dimension, {@code [N, C, L]}. */
public class AvgPool1d extends PoolNd {
  /** For subclasses. */
  protected AvgPool1d(Builder<?> settings) {
    super(settings);
  }

  /** A layer of the same settings. */
  public AvgPool1d(AvgPool1d from) {
    super(from);
  }

  /** A layer with windows of this size, or one size for each dimension. */
  public static Builder<? extends AvgPool1d> builder(long... kernel) {
    return new Builder<AvgPool1d>(1, false, AvgPool1d::new, kernel);
  }
}
