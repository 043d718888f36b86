package dev.octet.core.range;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An exponential moving average of each batch's smallest and largest value: {@code min ← min + c ·
 * (batchMin − min)}, in float32, starting with the first batch's extremes (PyTorch's
 * MovingAverageMinMaxObserver; its c is 0.01).
 *
 * <p>The result depends on the order of the batches and on how the data is cut into them, so there
 * is nothing to merge and this is no {@link MergeableRangeCollector}.
 */
final class MovingAverageCollector extends ChannelCollector {
  static final String KIND = "moving-average";

  private final float constant;
  private final Channel[] states;

  MovingAverageCollector(Subject subject, float constant) {
    this(
        subject,
        constant,
        Stream.generate(Channel::new).limit(subject.channels()).toArray(Channel[]::new));
  }

  private MovingAverageCollector(Subject subject, float constant, Channel[] states) {
    super(subject);
    if (!(constant > 0 && constant <= 1)) {
      throw new IllegalArgumentException(
          "averaging constant is " + constant + "; choose more than 0 and at most 1");
    }
    this.constant = constant;
    this.states = states;
  }

  /** One channel's state: everything seen, the averages, and the batch being added. */
  private static final class Channel {
    private Extremes all = new Extremes();
    private Extremes batch = new Extremes();
    private float min;
    private float max;

    void endBatch(float constant) {
      if (batch.finite > 0) {
        boolean first = all.finite == 0;
        min = first ? batch.min : toward(min, batch.min, constant);
        max = first ? batch.max : toward(max, batch.max, constant);
      }
      all = all.merge(batch);
      batch = new Extremes();
    }

    private static float toward(float average, float next, float constant) {
      float moved = average + constant * (next - average);
      // The difference of two huge floats of unlike sign overflows; the average itself cannot.
      return Float.isFinite(moved)
          ? moved
          : (float) (average + (double) constant * ((double) next - average));
    }
  }

  @Override
  void add(int channel, float[] values, int offset, int length) {
    states[channel].batch.add(values, offset, length);
  }

  @Override
  void endPart() {
    for (Channel state : states) {
      state.endBatch(constant);
    }
  }

  @Override
  Observed observed(int channel) {
    return states[channel].all.observed();
  }

  @Override
  Range range(int channel) {
    // Rounding can cross two averages that are all but equal.
    Channel state = states[channel];
    return new Range(Math.min(state.min, state.max), Math.max(state.min, state.max));
  }

  @Override
  String kind() {
    return KIND;
  }

  @Override
  void writeState(DataOutput out) throws IOException {
    out.writeFloat(constant);
    for (Channel state : states) {
      state.all.writeTo(out);
      out.writeFloat(state.min);
      out.writeFloat(state.max);
    }
  }

  static MovingAverageCollector read(Subject subject, DataInput in) throws IOException {
    float constant = in.readFloat();
    Channel[] states =
        CollectorFormat.readChannels(subject, () -> readChannel(in)).toArray(Channel[]::new);
    return new MovingAverageCollector(subject, constant, states);
  }

  private static Channel readChannel(DataInput in) throws IOException {
    Channel read = new Channel();
    read.all = Extremes.read(in);
    read.min = in.readFloat();
    read.max = in.readFloat();
    if (!Float.isFinite(read.min) || !Float.isFinite(read.max)) {
      throw new CollectorStateException(
          "averages " + read.min + " and " + read.max + " are not finite");
    }
    return read;
  }

  @Override
  public boolean equals(@Nullable Object object) {
    if (!(object instanceof MovingAverageCollector other)
        || !subject().equals(other.subject())
        || Float.compare(constant, other.constant) != 0) {
      return false;
    }
    for (int i = 0; i < states.length; i++) {
      Channel mine = states[i];
      Channel theirs = other.states[i];
      if (!mine.all.equals(theirs.all)
          || Float.compare(mine.min, theirs.min) != 0
          || Float.compare(mine.max, theirs.max) != 0) {
        return false;
      }
    }
    return true;
  }

  @Override
  public int hashCode() {
    return Float.hashCode(states[0].min) * 31 + Float.hashCode(states[0].max);
  }
}
