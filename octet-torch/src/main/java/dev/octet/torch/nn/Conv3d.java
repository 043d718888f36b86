package dev.octet.torch.nn;

/** A convolution over three dimensions, {@code [N, C, D, H, W]}. */
public class Conv3d extends ConvNd {
  /** For subclasses: a layer with fresh parameters. */
  protected Conv3d(Builder<?> settings) {
    super(settings);
  }

  /** A layer over the same parameters. */
  public Conv3d(Conv3d from) {
    super(from);
  }

  /** A layer of these channels; kernel sizes for all dimensions, or one for each. */
  public static Builder<? extends Conv3d> builder(long in, long out, long... kernel) {
    return new Builder<Conv3d>(3, false, Conv3d::new, in, out, kernel);
  }
}
