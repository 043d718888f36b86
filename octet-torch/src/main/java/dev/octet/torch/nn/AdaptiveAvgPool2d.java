package dev.octet.torch.nn;

/**
 * The mean of as many windows as the output shall have, over two dimensions, {@code [N, C, H, W]}.
 */
public class AdaptiveAvgPool2d extends AdaptivePoolNd {
  /** For subclasses. */
  protected AdaptiveAvgPool2d(long... size) {
    super(2, false, size);
  }

  /** A layer of the same settings. */
  public AdaptiveAvgPool2d(AdaptiveAvgPool2d from) {
    super(from);
  }

  /** A layer with an output of this size, or one size for each dimension. */
  public static AdaptiveAvgPool2d of(long... size) {
    return Substitution.of(new AdaptiveAvgPool2d(size));
  }
}
