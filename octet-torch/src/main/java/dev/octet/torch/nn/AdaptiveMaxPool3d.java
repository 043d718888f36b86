package dev.octet.torch.nn;

/**
 * The largest value of as many windows as the output shall have, over three dimensions, {@code [N,
 * C, D, H, W]}.
 */
public class AdaptiveMaxPool3d extends AdaptivePoolNd {
  /** For subclasses. */
  protected AdaptiveMaxPool3d(long... size) {
    super(3, true, size);
  }

  /** A layer of the same settings; both are to be closed. */
  public AdaptiveMaxPool3d(AdaptiveMaxPool3d from) {
    super(from);
  }

  /** A layer with an output of this size, or one size for each dimension. */
  public static AdaptiveMaxPool3d of(long... size) {
    return Substitution.of(new AdaptiveMaxPool3d(size));
  }
}
