package dev.octet.torch.nn;

/** The mean of windows over three dimensions, {@code [N, C, D, H, W]}. */
public class AvgPool3d extends PoolNd {
  /** For subclasses. */
  protected AvgPool3d(Builder<?> settings) {
    super(settings);
  }

  /** A layer of the same settings. */
  public AvgPool3d(AvgPool3d from) {
    super(from);
  }

  /** A layer with windows of this size, or one size for each dimension. */
  public static Builder<? extends AvgPool3d> builder(long... kernel) {
    return new Builder<AvgPool3d>(3, false, AvgPool3d::new, kernel);
  }
}
