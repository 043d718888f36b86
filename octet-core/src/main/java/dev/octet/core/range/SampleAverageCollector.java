package dev.octet.core.range;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The average, over samples, of each sample's smallest and largest value (Distiller's clip mode
 * AVG). A sample is one index along axis 0. Samples without a finite value in a channel do not
 * count there. Sums are exact, so the order of samples does not matter.
 */
final class SampleAverageCollector extends ChannelCollector implements MergeableRangeCollector {
  static final String KIND = "sample-average";

  private final Channel[] states;

  SampleAverageCollector(Subject subject) {
    this(subject, Stream.generate(Channel::new).limit(subject.channels()).toArray(Channel[]::new));
  }

  private SampleAverageCollector(Subject subject, Channel[] states) {
    super(subject);
    if (subject.axis().isPresent() && subject.axis().getAsInt() == 0) {
      throw new IllegalArgumentException(
          "tensor '%s' averages samples of axis 0, which cannot be its channel axis too; choose"
                  .formatted(subject.tensor())
              + " another axis or another method");
    }
    this.states = states;
  }

  /** One channel's state: everything seen, the sums, and the sample being added. */
  private static final class Channel {
    private Extremes all = new Extremes();
    private Extremes sample = new Extremes();
    private ExactSum minima = new ExactSum();
    private ExactSum maxima = new ExactSum();
    private long samples;

    void endSample() {
      if (sample.finite > 0) {
        minima.add(sample.min);
        maxima.add(sample.max);
        samples++;
      }
      all = all.merge(sample);
      sample = new Extremes();
    }

    Range range() {
      return new Range(
          (float) minima.dividedBy(samples) + 0f, (float) maxima.dividedBy(samples) + 0f);
    }

    Channel merge(Channel other) {
      Channel merged = new Channel();
      merged.all = all.merge(other.all);
      merged.minima = minima.plus(other.minima);
      merged.maxima = maxima.plus(other.maxima);
      merged.samples = Math.addExact(samples, other.samples);
      return merged;
    }

    static Channel read(DataInput in) throws IOException {
      Channel read = new Channel();
      read.all = Extremes.read(in);
      read.samples = CollectorFormat.readCount(in, "number of samples");
      read.minima = ExactSum.read(in);
      read.maxima = ExactSum.read(in);
      read.check();
      return read;
    }

    private void check() throws CollectorStateException {
      boolean fits = samples <= all.finite && (samples > 0 || all.finite == 0);
      if (fits && samples > 0) {
        double low = minima.dividedBy(samples);
        double high = maxima.dividedBy(samples);
        fits = low >= all.min && low <= high && high <= all.max;
      }
      if (!fits) {
        throw new CollectorStateException(
            "averages over " + samples + " samples contradict " + all.observed());
      }
    }

    @Override
    public boolean equals(@Nullable Object object) {
      return object instanceof Channel other
          && samples == other.samples
          && all.equals(other.all)
          && minima.equals(other.minima)
          && maxima.equals(other.maxima);
    }

    @Override
    public int hashCode() {
      return minima.hashCode();
    }
  }

  @Override
  void add(int channel, float[] values, int offset, int length) {
    states[channel].sample.add(values, offset, length);
  }

  @Override
  boolean keepsSamplesApart() {
    return true;
  }

  @Override
  void endPart() {
    for (Channel state : states) {
      state.endSample();
    }
  }

  @Override
  Observed observed(int channel) {
    return states[channel].all.observed();
  }

  @Override
  Range range(int channel) {
    return states[channel].range();
  }

  @Override
  public SampleAverageCollector merge(MergeableRangeCollector other) {
    requireSameSubject(other);
    SampleAverageCollector that = (SampleAverageCollector) other;
    Channel[] merged = new Channel[states.length];
    Arrays.setAll(merged, channel -> states[channel].merge(that.states[channel]));
    return new SampleAverageCollector(subject(), merged);
  }

  @Override
  String kind() {
    return KIND;
  }

  @Override
  void writeState(DataOutput out) throws IOException {
    for (Channel state : states) {
      state.all.writeTo(out);
      out.writeLong(state.samples);
      state.minima.writeTo(out);
      state.maxima.writeTo(out);
    }
  }

  static SampleAverageCollector read(Subject subject, DataInput in) throws IOException {
    return new SampleAverageCollector(
        subject,
        CollectorFormat.readChannels(subject, () -> Channel.read(in)).toArray(Channel[]::new));
  }

  @Override
  public boolean equals(@Nullable Object object) {
    return object instanceof SampleAverageCollector other
        && subject().equals(other.subject())
        && Arrays.equals(states, other.states);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(states);
  }
}
