package dev.octet.torch.nn;

/** The mean of as many windows as the output shall have, over one dimension, {@code [N, C, L]}. */
public class AdaptiveAvgPool1d extends AdaptivePoolNd {
  /** For subclasses. */
  protected AdaptiveAvgPool1d(long... size) {
    super(1, false, size);
  }

  /** A layer of the same settings. */
  public AdaptiveAvgPool1d(AdaptiveAvgPool1d from) {
    super(from);
  }

  /** A layer with an output of this size, or one size for each dimension. */
  public static AdaptiveAvgPool1d of(long... size) {
    return Substitution.of(new AdaptiveAvgPool1d(size));
  }
}
