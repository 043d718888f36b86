package dev.octet.core.range;

import java.io.DataOutput;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * What every collector shares: the tensor's name, the channel axis, the checks on a batch, and the
 * way from a batch to runs of one channel.
 */
abstract sealed class ChannelCollector implements RangeCollector
    permits MinMaxCollector, HistogramCollector, SampleAverageCollector, MovingAverageCollector {

  /** More channels than this are refused, so that a hostile file cannot ask for the memory. */
  static final int MOST_CHANNELS = 1 << 20;

  /** The tensor, and which of its axes keeps its own ranges; without axis there is one channel. */
  record Subject(String tensor, OptionalInt axis, int channels) {
    Subject {
      Objects.requireNonNull(tensor, "tensor");
      if (channels < 1 || channels > MOST_CHANNELS) {
        throw new IllegalArgumentException(
            "tensor '%s' is given %d channels; choose 1 to %d"
                .formatted(tensor, channels, MOST_CHANNELS));
      }
      if (axis.isEmpty() && channels != 1) {
        throw new IllegalArgumentException(
            "tensor '%s' is given %d channels but no axis; name the axis or choose 1 channel"
                .formatted(tensor, channels));
      }
    }
  }

  private final Subject subject;

  ChannelCollector(Subject subject) {
    this.subject = subject;
  }

  /** Takes in finite and other values of one channel. */
  abstract void add(int channel, float[] values, int offset, int length);

  /** Called when all values of a batch, or of a sample where those are kept apart, were added. */
  void endPart() {}

  /** Whether {@link #endPart} is wanted after each index of axis 0, not after the whole batch. */
  boolean keepsSamplesApart() {
    return false;
  }

  /** What was seen of one channel. */
  abstract Observed observed(int channel);

  /** The range of a channel that saw a finite value. */
  abstract Range range(int channel);

  /** The word that names this kind in messages and in saved state. */
  abstract String kind();

  /** Writes settings and state, without what {@link Subject} holds. */
  abstract void writeState(DataOutput out) throws IOException;

  final Subject subject() {
    return subject;
  }

  @Override
  public final String tensor() {
    return subject.tensor();
  }

  @Override
  public final int channels() {
    return subject.channels();
  }

  @Override
  public final void collect(FloatBuffer values, int[] shape) {
    ChannelLayout layout = layout(shape);
    if (values.remaining() != layout.size()) {
      throw new IllegalArgumentException(
          "tensor '%s' has %d values but shape %s holds %d; give the values of exactly that shape"
              .formatted(tensor(), values.remaining(), Arrays.toString(shape), layout.size()));
    }
    if (layout.size() == 0) {
      return;
    }
    if (!keepsSamplesApart() || shape.length == 0) {
      layout.walk(values, this::add);
      endPart();
      return;
    }
    int samples = shape[0];
    int[] sample = shape.clone();
    sample[0] = 1;
    ChannelLayout one = layout(sample);
    FloatBuffer part = values.duplicate();
    for (int i = 0; i < samples; i++) {
      one.walk(part, this::add);
      endPart();
      part.position(part.position() + one.size());
    }
  }

  private ChannelLayout layout(int[] shape) {
    if (subject.axis().isEmpty()) {
      return ChannelLayout.whole(shape);
    }
    int named = subject.axis().getAsInt();
    int axis = named < 0 ? named + shape.length : named;
    if (axis < 0 || axis >= shape.length) {
      throw new IllegalArgumentException(
          "tensor '%s' of shape %s has no axis %d; choose an axis it has"
              .formatted(tensor(), Arrays.toString(shape), named));
    }
    if (shape[axis] != subject.channels()) {
      throw new IllegalArgumentException(
          "tensor '%s' of shape %s has %d channels on axis %d where %d were declared"
              .formatted(tensor(), Arrays.toString(shape), shape[axis], named, subject.channels()));
    }
    return ChannelLayout.along(axis, shape);
  }

  @Override
  public final List<Range> ranges() {
    requireSeen();
    List<Range> ranges = new ArrayList<>(channels());
    for (int channel = 0; channel < channels(); channel++) {
      ranges.add(range(channel));
    }
    return Collections.unmodifiableList(ranges);
  }

  /** Checks that every channel saw a finite value. */
  final void requireSeen() {
    for (int channel = 0; channel < channels(); channel++) {
      Observed seen = observed(channel);
      if (seen.finite() == 0) {
        throw new CalibrationException(
            "tensor '%s'%s saw no finite value (%d NaN, %d infinite); check the samples and the"
                    .formatted(tensor(), place(channel), seen.nan(), seen.infinite())
                + " preprocessing, or leave its node in float");
      }
    }
  }

  private String place(int channel) {
    return subject.axis().isEmpty()
        ? ""
        : ", channel %d of axis %d,".formatted(channel, subject.axis().getAsInt());
  }

  @Override
  public final List<Observed> observed() {
    List<Observed> observed = new ArrayList<>(channels());
    for (int channel = 0; channel < channels(); channel++) {
      observed.add(observed(channel));
    }
    return Collections.unmodifiableList(observed);
  }

  @Override
  public final void writeTo(DataOutput out) throws IOException {
    CollectorFormat.write(this, out);
  }

  /** Checks that {@code other} may be merged into this one, settings aside. */
  final void requireSameSubject(RangeCollector other) {
    if (getClass() != other.getClass()
        || !(other instanceof ChannelCollector same)
        || !subject.equals(same.subject)) {
      throw new IllegalArgumentException(
          "collectors of different tensors or kinds do not merge: " + this + " and " + other);
    }
  }

  @Override
  public String toString() {
    return "%s of '%s'%s"
        .formatted(
            kind(),
            tensor(),
            subject.axis().isEmpty()
                ? ""
                : ", %d channels of axis %d".formatted(channels(), subject.axis().getAsInt()));
  }
}
