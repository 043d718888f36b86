package dev.octet.core.range.parity;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * pytorch-quantization's {@code HistogramCalibrator} (2.2.1): a histogram of |x| whose bin width is
 * that of the first batch; a larger magnitude later adds bins.
 *
 * <p>Differs from the peer in that counts are 64-bit and do not stop at 2^24. As there, the number
 * of bins has no bound, and the result depends on which batch comes first.
 */
public final class NvidiaHistogramCalibrator {

  /** Which of the peer's two ways of counting is reproduced. */
  public enum Path {
    /** Bins from zero to the largest magnitude (the default, {@code torch_hist=True}). */
    TORCH,
    /** Bins from the smallest to the largest magnitude; what later lies below is dropped. */
    NUMPY
  }

  private final int bits;
  private final boolean unsigned;
  private final int firstBins;
  private final boolean skipZeros;
  private final Path path;
  private @Nullable NvidiaHistogram histogram;

  /**
   * A calibrator that has seen nothing.
   *
   * @param bits of the quantizer, 2 to 16
   * @param unsigned whether the quantizer has all its levels at or above zero
   * @param bins bins of the first batch; the peer's default is 2048
   * @param skipZeros whether exact zeros are left out
   * @param path the way of counting
   */
  public NvidiaHistogramCalibrator(
      int bits, boolean unsigned, int bins, boolean skipZeros, Path path) {
    if (bits < 2 || bits > 16 || bins < 2) {
      throw new IllegalArgumentException(
          "bits is %d and bins is %d; choose 2 to 16 bits and 2 or more bins"
              .formatted(bits, bins));
    }
    this.bits = bits;
    this.unsigned = unsigned;
    this.firstBins = bins;
    this.skipZeros = skipZeros;
    this.path = path;
  }

  /**
   * Takes in one batch.
   *
   * @throws IllegalArgumentException for NaN, infinities and a batch with nothing to count, which
   *     the peer cannot take either
   */
  public void collect(float[] values) {
    float[] magnitudes = new float[values.length];
    int length = 0;
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw new IllegalArgumentException(
            "batch holds " + value + "; this calibrator needs finite values");
      }
      if (value != 0 || !skipZeros) {
        magnitudes[length++] = Math.abs(value);
      }
    }
    if (length == 0) {
      throw new IllegalArgumentException("batch holds nothing to count; leave it out");
    }
    magnitudes = Arrays.copyOf(magnitudes, length);
    NvidiaHistogram before = histogram;
    if (before == null) {
      histogram = NvidiaBins.first(magnitudes, firstBins, path);
    } else {
      histogram = NvidiaBins.next(before, magnitudes, path);
    }
  }

  /** The number of bins so far; 0 before the first batch. */
  public int bins() {
    return histogram == null ? 0 : histogram.counts().length;
  }

  /** A copy of the counts. */
  public long[] counts() {
    return seen().counts().clone();
  }

  /** A copy of the bins' edges; one more than bins, rarely two more. */
  public float[] edges() {
    return seen().edges().clone();
  }

  /**
   * The right edge of the bin at which the divergence is least; the peer's defaults are stride 1
   * and start bin 128.
   *
   * @throws IllegalStateException when nothing was collected
   * @throws IllegalArgumentException when there are fewer than {@code startBin} bins
   */
  public float entropyAmax(int stride, int startBin) {
    return seen().entropy(bits, unsigned, stride, startBin);
  }

  /**
   * The centre of a bin at which the squared error is least; the peer's defaults are stride 1 and
   * start bin 128.
   *
   * @throws IllegalStateException when nothing was collected
   */
  public float mseAmax(int stride, int startBin) {
    return seen().mse(bits, unsigned, stride, startBin);
  }

  /**
   * The left edge of the first bin up to which {@code percent} % of the values lie.
   *
   * @throws IllegalStateException when nothing was collected
   * @throws IllegalArgumentException when {@code percent} is not 0 to 100
   */
  public float percentileAmax(double percent) {
    return seen().percentile(percent);
  }

  private NvidiaHistogram seen() {
    if (histogram == null) {
      throw new IllegalStateException("nothing was collected; collect a batch first");
    }
    return histogram;
  }
}
