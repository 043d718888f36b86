package dev.octet.core.range;

import dev.octet.core.descriptor.RangeMethod;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A histogram of each channel, and a rule that finds the range in it: percentile, entropy, least
 * squared error, OCTAV, ACIQ, or so many standard deviations.
 *
 * <p>Means and deviations come from the counts, as of values evenly spread within each bin, not
 * from floating sums, which would depend on the order of the values.
 */
public final class HistogramCollector extends ChannelCollector implements MergeableRangeCollector {
  static final String KIND = "histogram";

  /** Bins a side of one histogram for a whole tensor. */
  private static final int TENSOR_BINS = 4096;

  /** Bins a side of a channel's histogram; fewer when there are many channels. */
  private static final int MOST_CHANNEL_BINS = 2048;

  private static final int FEWEST_CHANNEL_BINS = 256;

  /** Bins a side that all channels share while each can have more than the fewest. */
  private static final int SHARED_BINS = 1 << 18;

  private final RangeSearch search;
  private final Levels levels;
  private final StreamingHistogram[] histograms;

  HistogramCollector(Subject subject, RangeSearch search, Levels levels) {
    this(subject, search, levels, new StreamingHistogram[subject.channels()]);
    Arrays.setAll(histograms, channel -> new StreamingHistogram(bins(subject)));
  }

  private HistogramCollector(
      Subject subject, RangeSearch search, Levels levels, StreamingHistogram[] histograms) {
    super(subject);
    this.search = search;
    this.levels = levels;
    this.histograms = histograms;
  }

  private static int bins(Subject subject) {
    if (subject.axis().isEmpty()) {
      return TENSOR_BINS;
    }
    int share = Integer.highestOneBit(SHARED_BINS / subject.channels());
    return Math.max(FEWEST_CHANNEL_BINS, Math.min(share, MOST_CHANNEL_BINS));
  }

  /**
   * What was counted, one histogram for each channel.
   *
   * @throws CalibrationException when a channel had no finite value
   */
  public List<Histogram> histograms() {
    requireSeen();
    return Arrays.stream(histograms).map(StreamingHistogram::snapshot).toList();
  }

  /**
   * The ranges that another method finds in the same counts, so that several can be tried on what
   * was collected once.
   *
   * @throws CalibrationException when a channel had no finite value
   * @throws IllegalArgumentException for averages, which look at batches or samples
   */
  public List<Range> ranges(RangeMethod method) {
    RangeSearch other = RangeSearch.of(method);
    requireSeen();
    return IntStream.range(0, channels()).mapToObj(channel -> range(channel, other)).toList();
  }

  @Override
  void add(int channel, float[] values, int offset, int length) {
    histograms[channel].add(values, offset, length);
  }

  @Override
  Observed observed(int channel) {
    return histograms[channel].observed();
  }

  @Override
  Range range(int channel) {
    return range(channel, search);
  }

  private Range range(int channel, RangeSearch by) {
    Histogram histogram = histograms[channel].snapshot();
    return observed(channel).allZero() ? new Range(0, 0) : by.search(histogram, levels);
  }

  @Override
  public HistogramCollector merge(MergeableRangeCollector other) {
    requireSameSubject(other);
    HistogramCollector that = (HistogramCollector) other;
    if (!search.equals(that.search) || !levels.equals(that.levels)) {
      throw new IllegalArgumentException(
          "collectors of '%s' with different settings do not merge: %s, %s and %s, %s"
              .formatted(tensor(), search, levels, that.search, that.levels));
    }
    StreamingHistogram[] merged = new StreamingHistogram[histograms.length];
    Arrays.setAll(merged, channel -> histograms[channel].merge(that.histograms[channel]));
    return new HistogramCollector(subject(), search, levels, merged);
  }

  @Override
  String kind() {
    return KIND;
  }

  @Override
  void writeState(DataOutput out) throws IOException {
    CollectorFormat.writeSearch(search, out);
    out.writeByte(levels.bits());
    out.writeBoolean(levels.signed());
    out.writeBoolean(levels.symmetric());
    out.writeBoolean(levels.narrow());
    for (StreamingHistogram histogram : histograms) {
      histogram.writeTo(out);
    }
  }

  static HistogramCollector read(Subject subject, DataInput in) throws IOException {
    RangeSearch search = CollectorFormat.readSearch(in);
    Levels levels = new Levels(in.readByte(), in.readBoolean(), in.readBoolean(), in.readBoolean());
    int bins = bins(subject);
    StreamingHistogram[] histograms =
        CollectorFormat.readChannels(subject, () -> StreamingHistogram.read(bins, in))
            .toArray(StreamingHistogram[]::new);
    return new HistogramCollector(subject, search, levels, histograms);
  }

  @Override
  public boolean equals(@Nullable Object object) {
    return object instanceof HistogramCollector other
        && subject().equals(other.subject())
        && search.equals(other.search)
        && levels.equals(other.levels)
        && Arrays.equals(histograms, other.histograms);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(histograms);
  }
}
