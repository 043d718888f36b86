package dev.octet.torch.nn;

/** A transposed convolution over one dimension, {@code [N, C, L]}. */
public class ConvTranspose1d extends ConvNd {
  /** For subclasses: a layer with fresh parameters. */
  protected ConvTranspose1d(Builder<?> settings) {
    super(settings);
  }

  /** A layer over the same parameters. */
  public ConvTranspose1d(ConvTranspose1d from) {
    super(from);
  }

  /** A layer of these channels; kernel sizes for all dimensions, or one for each. */
  public static Builder<? extends ConvTranspose1d> builder(long in, long out, long... kernel) {
    return new Builder<ConvTranspose1d>(1, true, ConvTranspose1d::new, in, out, kernel);
  }
}
