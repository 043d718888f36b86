package dev.octet.torch.nn;

/**
 * Normalises each channel of each sample over its positions: {@code [N, C, H, W]}.
 *
 * <p>Ulyanov et al., "Instance Normalization".
 */
public class InstanceNorm2d extends NormNd {
  /** For subclasses: a layer with fresh parameters. */
  protected InstanceNorm2d(Builder<?> settings) {
    super(settings);
  }

  /** A layer over the same parameters and statistics. */
  public InstanceNorm2d(InstanceNorm2d from) {
    super(from);
  }

  /** A layer of that many channels. */
  public static Builder<? extends InstanceNorm2d> builder(long features) {
    return new Builder<InstanceNorm2d>(2, true, InstanceNorm2d::new, features);
  }
}
