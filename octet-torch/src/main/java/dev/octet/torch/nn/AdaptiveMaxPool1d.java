package dev.octet.torch.nn;

/**
 * The largest value of as many windows as the output shall have, over one dimension, {@code [N, C,
 * L]}.
 */
public class AdaptiveMaxPool1d extends AdaptivePoolNd {
  /** For subclasses. */
  protected AdaptiveMaxPool1d(long... size) {
    super(1, true, size);
  }

  /** A layer of the same settings; both are to be closed. */
  public AdaptiveMaxPool1d(AdaptiveMaxPool1d from) {
    super(from);
  }

  /** A layer with an output of this size, or one size for each dimension. */
  public static AdaptiveMaxPool1d of(long... size) {
    return Substitution.of(new AdaptiveMaxPool1d(size));
  }
}
