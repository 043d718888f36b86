package dev.octet.torch.nn;

/** A convolution over one dimension, {@code [N, C, L]}. */
public class Conv1d extends ConvNd {
  /** For subclasses: a layer with fresh parameters. */
  protected Conv1d(Builder<?> settings) {
    super(settings);
  }

  /** A layer over the same parameters. */
  public Conv1d(Conv1d from) {
    super(from);
  }

  /** A layer of these channels; kernel sizes for all dimensions, or one for each. */
  public static Builder<? extends Conv1d> builder(long in, long out, long... kernel) {
    return new Builder<Conv1d>(1, false, Conv1d::new, in, out, kernel);
  }
}
