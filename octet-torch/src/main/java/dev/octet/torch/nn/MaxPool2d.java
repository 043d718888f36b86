package dev.octet.torch.nn;

/** The largest value of windows over two dimensions, {@code [N, C, H, W]}. */
public class MaxPool2d extends PoolNd {
  /** For subclasses. */
  protected MaxPool2d(Builder<?> settings) {
    super(settings);
  }

  /** A layer of the same settings. */
  public MaxPool2d(MaxPool2d from) {
    super(from);
  }

  /** A layer with windows of this size, or one size for each dimension. */
  public static Builder<? extends MaxPool2d> builder(long... kernel) {
    return new Builder<MaxPool2d>(2, true, MaxPool2d::new, kernel);
  }
}
