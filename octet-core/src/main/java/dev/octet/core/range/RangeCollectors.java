package dev.octet.core.range;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
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

  /**
   * An empty collector of the kind that the descriptor's method asks for. A fixed range in the
   * descriptor changes nothing here: who has one need not collect.
   *
   * <p>It is a {@link MergeableRangeCollector} for every method but the moving average, which
   * depends on the order of the batches. Averages of samples, an index along axis 0 each, cannot
   * have axis 0 for channels. Percentile, entropy, squared error, OCTAV, ACIQ and deviations give a
   * {@link HistogramCollector}.
   *
   * @param tensor its name, for messages
   * @param descriptor bits, sign, symmetry, granularity and method
   * @param channels the tensor's size along the channel axis; 1 per tensor
   * @throws IllegalArgumentException for blocks, or channels that do not fit the granularity
   */
  public static RangeCollector create(String tensor, QuantDescriptor descriptor, int channels) {
    Subject subject = subject(tensor, descriptor.granularity(), channels);
    RangeMethod method = descriptor.method();
    if (method instanceof RangeMethod.MinMax) {
      return new MinMaxCollector(subject);
    }
    if (method instanceof RangeMethod.AverageExtremes) {
      return new SampleAverageCollector(subject);
    }
    if (method instanceof RangeMethod.MovingAverage average) {
      return new MovingAverageCollector(subject, (float) average.constant());
    }
    return new HistogramCollector(subject, RangeSearch.of(method), Levels.of(descriptor));
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
