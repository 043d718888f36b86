package dev.octet.torch.nn;

/** A convolution over two dimensions, {@code [N, C, H, W]}. */
public class Conv2d extends ConvNd {
  /** For subclasses: a layer with fresh parameters. */
  protected Conv2d(Builder<?> settings) {
    super(settings);
  }

  /** A layer over the same parameters. */
  public Conv2d(Conv2d from) {
    super(from);
  }

  /** A layer of these channels; kernel sizes for all dimensions, or one for each. */
  public static Builder<? extends Conv2d> builder(long in, long out, long... kernel) {
    return new Builder<Conv2d>(2, false, Conv2d::new, in, out, kernel);
  }
}
