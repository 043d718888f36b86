package dev.octet.torch.nn;

/**
 * Normalises each channel of each sample over its positions: {@code [N, C, L]}.
 *
 * <p>Ulyanov et al., "Instance Normalization".
 */
public class InstanceNorm1d extends NormNd {
  /** For subclasses: a layer with fresh parameters. */
  protected InstanceNorm1d(Builder<?> settings) {
    super(settings);
  }

  /** A layer over the same parameters and statistics. */
  public InstanceNorm1d(InstanceNorm1d from) {
    super(from);
  }

  /** A layer of that many channels. */
  public static Builder<? extends InstanceNorm1d> builder(long features) {
    return new Builder<InstanceNorm1d>(1, true, InstanceNorm1d::new, features);
  }
}
