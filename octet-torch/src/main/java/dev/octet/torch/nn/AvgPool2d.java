package dev.octet.torch.nn;

/** The mean of windows over two dimensions, {@code [N, C, H, W]}. */
public class AvgPool2d extends PoolNd {
  /** For subclasses. */
  protected AvgPool2d(Builder<?> settings) {
    super(settings);
  }

  /** A layer of the same settings. */
  public AvgPool2d(AvgPool2d from) {
    super(from);
  }

  /** A layer with windows of this size, or one size for each dimension. */
  public static Builder<? extends AvgPool2d> builder(long... kernel) {
    return new Builder<AvgPool2d>(2, false, AvgPool2d::new, kernel);
  }
}
