package dev.octet.torch.nn;

/** The largest value of windows over three dimensions, {@code [N, C, D, H, W]}. */
public class MaxPool3d extends PoolNd {
  /** For subclasses. */
  protected MaxPool3d(Builder<?> settings) {
    super(settings);
  }

  /** A layer of the same settings. */
  public MaxPool3d(MaxPool3d from) {
    super(from);
  }

  /** A layer with windows of this size, or one size for each dimension. */
  public static Builder<? extends MaxPool3d> builder(long... kernel) {
    return new Builder<MaxPool3d>(3, true, MaxPool3d::new, kernel);
  }
}
