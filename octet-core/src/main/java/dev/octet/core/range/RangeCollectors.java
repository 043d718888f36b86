package dev.octet.core.range;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.range.ChannelCollector.Subject;
import java.util.OptionalInt;

/**
 * Makes empty collectors, one for each tensor, and says what each kind costs in memory.
 *
 * <p>{@code granularity} is per tensor or per axis; {@code channels} is the tensor's size along
 * that axis, 1 per tensor. Blocks are for weights, which need no collecting: see {@link
 * WeightRanges}.
 *
 * <ul>
 *   <li>Min-max, sample average and moving average: at most 300 bytes a channel.
 *   <li>Histogram: 64 KiB per tensor. Per channel 2048 bins a side up to 128 channels, then fewer,
 *       but not less than 256: at most 4 MiB up to 1024 channels, 4 KiB a channel beyond. Half of
 *       that while no value is negative.
 * </ul>
 */
public final class RangeCollectors {
  private RangeCollectors() {}

  /** A collector of the smallest and largest finite value. */
  public static MergeableRangeCollector minMax(
      String tensor, Granularity granularity, int channels) {
    return new MinMaxCollector(subject(tensor, granularity, channels));
  }

  /** A collector of histograms, in which {@code search} finds the range for {@code levels}. */
  public static HistogramCollector histogram(
      String tensor, Granularity granularity, int channels, RangeSearch search, Levels levels) {
    return new HistogramCollector(subject(tensor, granularity, channels), search, levels);
  }

  /**
   * A collector of the average of each sample's extremes; a sample is one index along axis 0, which
   * cannot be the channel axis then.
   */
  public static MergeableRangeCollector sampleAverage(
      String tensor, Granularity granularity, int channels) {
    return new SampleAverageCollector(subject(tensor, granularity, channels));
  }

  /**
   * A collector of a moving average of each batch's extremes. It depends on the order of the
   * batches and cannot be merged.
   *
   * @param constant the weight of a new batch, more than 0 and at most 1; PyTorch's is 0.01
   */
  public static RangeCollector movingAverage(
      String tensor, Granularity granularity, int channels, float constant) {
    return new MovingAverageCollector(subject(tensor, granularity, channels), constant);
  }

  private static Subject subject(String tensor, Granularity granularity, int channels) {
    if (granularity instanceof Granularity.PerBlock) {
      throw new IllegalArgumentException(
          "tensor '%s' asks for ranges %s; choose per tensor or per channel"
              .formatted(tensor, granularity));
    }
    OptionalInt axis =
        granularity instanceof Granularity.PerAxis perAxis
            ? OptionalInt.of(perAxis.axis())
            : OptionalInt.empty();
    return new Subject(tensor, axis, channels);
  }
}
