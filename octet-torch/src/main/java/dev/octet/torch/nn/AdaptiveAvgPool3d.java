package dev.octet.torch.nn;

/**
 * The mean of as many windows as the output shall have, over three dimensions, {@code [N, C, D, H,
 * W]}.
 */
public class AdaptiveAvgPool3d extends AdaptivePoolNd {
  /** For subclasses. */
  protected AdaptiveAvgPool3d(long... size) {
    super(3, false, size);
  }

  /** A layer of the same settings. */
  public AdaptiveAvgPool3d(AdaptiveAvgPool3d from) {
    super(from);
  }

  /** A layer with an output of this size, or one size for each dimension. */
  public static AdaptiveAvgPool3d of(long... size) {
    return Substitution.of(new AdaptiveAvgPool3d(size));
  }
}
