package dev.octet.torch.nn;

/**
 * Normalises each channel over the batch and its positions: {@code [N, C, H, W]}.
 *
 * <p>Ioffe and Szegedy, "Batch Normalization".
 */
public class BatchNorm2d extends NormNd {
  /** For subclasses: a layer with fresh parameters. */
  protected BatchNorm2d(Builder<?> settings) {
    super(settings);
  }

  /** A layer over the same parameters and statistics. */
  public BatchNorm2d(BatchNorm2d from) {
    super(from);
  }

  /** A layer of that many channels. */
  public static Builder<? extends BatchNorm2d> builder(long features) {
    return new Builder<BatchNorm2d>(2, false, BatchNorm2d::new, features);
  }
}
