package dev.octet.torch.nn;

/**
 * Normalises each channel over the batch and its positions: {@code [N, C, D, H, W]}.
 *
 * <p>Ioffe and Szegedy, "Batch Normalization".
 */
public class BatchNorm3d extends NormNd {
  /** For subclasses: a layer with fresh parameters. */
  protected BatchNorm3d(Builder<?> settings) {
    super(settings);
  }

  /** A layer over the same parameters and statistics. */
  public BatchNorm3d(BatchNorm3d from) {
    super(from);
  }

  /** A layer of that many channels. */
  public static Builder<? extends BatchNorm3d> builder(long features) {
    return new Builder<BatchNorm3d>(3, false, BatchNorm3d::new, features);
  }
}
