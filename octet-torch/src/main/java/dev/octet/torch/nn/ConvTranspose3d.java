package dev.octet.torch.nn;

/** A transposed convolution over three dimensions, {@code [N, C, D, H, W]}. */
public class ConvTranspose3d extends ConvNd {
  /** For subclasses: a layer with fresh parameters. */
  protected ConvTranspose3d(Builder<?> settings) {
    super(settings);
  }

  /** A layer over the same parameters. */
  public ConvTranspose3d(ConvTranspose3d from) {
    super(from);
  }

  /** A layer of these channels; kernel sizes for all dimensions, or one for each. */
  public static Builder<? extends ConvTranspose3d> builder(long in, long out, long... kernel) {
    return new Builder<ConvTranspose3d>(3, true, ConvTranspose3d::new, in, out, kernel);
  }
}
