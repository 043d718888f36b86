package dev.octet.torch.nn;

/** A transposed convolution over two dimensions, {@code [N, C, H, W]}. */
public class ConvTranspose2d extends ConvNd {
  /** For subclasses: a layer with fresh parameters. */
  protected ConvTranspose2d(Builder<?> settings) {
    super(settings);
  }

  /** A layer over the same parameters. */
  public ConvTranspose2d(ConvTranspose2d from) {
    super(from);
  }

  /** A layer of these channels; kernel sizes for all dimensions, or one for each. */
  public static Builder<? extends ConvTranspose2d> builder(long in, long out, long... kernel) {
    return new Builder<ConvTranspose2d>(2, true, ConvTranspose2d::new, in, out, kernel);
  }
}
