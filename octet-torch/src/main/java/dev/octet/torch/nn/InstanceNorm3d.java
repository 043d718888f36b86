package dev.octet.torch.nn;

/**
 * Normalises each channel of each sample over its positions: {@code [N, C, D, H, W]}.
 *
 * <p>Ulyanov et al., "Instance Normalization".
 */
public class InstanceNorm3d extends NormNd {
  /** For subclasses: a layer with fresh parameters. */
  protected InstanceNorm3d(Builder<?> settings) {
    super(settings);
  }

  /** A layer over the same parameters and statistics. */
  public InstanceNorm3d(InstanceNorm3d from) {
    super(from);
  }

  /** A layer of that many channels. */
  public static Builder<? extends InstanceNorm3d> builder(long features) {
    return new Builder<InstanceNorm3d>(3, true, InstanceNorm3d::new, features);
  }
}
