package dev.octet.torch.nn;

/**
 * The largest value of as many windows as the output shall have, over two dimensions, {@code [N, C,
 * H, W]}.
 */
public class AdaptiveMaxPool2d extends AdaptivePoolNd {
  /** For subclasses. */
  protected AdaptiveMaxPool2d(long... size) {
    super(2, true, size);
  }

  /** A layer of the same settings; both are to be closed. */
  public AdaptiveMaxPool2d(AdaptiveMaxPool2d from) {
    super(from);
  }

  /** A layer with an output of this size, or one size for each dimension. */
  public static AdaptiveMaxPool2d of(long... size) {
    return Substitution.of(new AdaptiveMaxPool2d(size));
  }
}
