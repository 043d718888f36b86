package dev.octet.core.range;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The smallest and largest finite value of each channel. */
final class MinMaxCollector extends ChannelCollector implements MergeableRangeCollector {
  static final String KIND = "min-max";

  private final Extremes[] extremes;

  MinMaxCollector(Subject subject) {
    super(subject);
    extremes = new Extremes[subject.channels()];
    Arrays.setAll(extremes, channel -> new Extremes());
  }

  private MinMaxCollector(Subject subject, Extremes[] extremes) {
    super(subject);
    this.extremes = extremes;
  }

  @Override
  void add(int channel, float[] values, int offset, int length) {
    extremes[channel].add(values, offset, length);
  }

  @Override
  Observed observed(int channel) {
    return extremes[channel].observed();
  }

  @Override
  Range range(int channel) {
    return new Range(extremes[channel].min, extremes[channel].max);
  }

  @Override
  public MinMaxCollector merge(MergeableRangeCollector other) {
    requireSameSubject(other);
    MinMaxCollector that = (MinMaxCollector) other;
    Extremes[] merged = new Extremes[extremes.length];
    Arrays.setAll(merged, channel -> extremes[channel].merge(that.extremes[channel]));
    return new MinMaxCollector(subject(), merged);
  }

  @Override
  String kind() {
    return KIND;
  }

  @Override
  void writeState(DataOutput out) throws IOException {
    for (Extremes channel : extremes) {
      channel.writeTo(out);
    }
  }

  static MinMaxCollector read(Subject subject, DataInput in) throws IOException {
    return new MinMaxCollector(
        subject,
        CollectorFormat.readChannels(subject, () -> Extremes.read(in)).toArray(Extremes[]::new));
  }

  @Override
  public boolean equals(@Nullable Object object) {
    return object instanceof MinMaxCollector other
        && subject().equals(other.subject())
        && Arrays.equals(extremes, other.extremes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(extremes);
  }
}
