package dev.octet.torch.nn;

/**
 * Normalises each channel over the batch and its positions: {@code [N, C] or [N, C, L]}.
 *
 * <p>Ioffe and Szegedy, "Batch Normalization".
 */
public class BatchNorm1d extends NormNd {
  /** For subclasses: a layer with fresh parameters. */
  protected BatchNorm1d(Builder<?> settings) {
    super(settings);
  }

  /** A layer over the same parameters and statistics. */
  public BatchNorm1d(BatchNorm1d from) {
    super(from);
  }

  /** A layer of that many channels. */
  public static Builder<? extends BatchNorm1d> builder(long features) {
    return new Builder<BatchNorm1d>(1, false, BatchNorm1d::new, features);
  }
}
