package dev.octet.core.range;

import static dev.octet.core.range.CollectorKinds.INT8;
import static dev.octet.core.range.CollectorKinds.channels;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** Damaged state gives our exception or a collector that works, and nothing else. */
class CollectorFormatFuzz {

  private static List<ChannelCollector> collectors() {
    return List.of(
        new MinMaxCollector(channels(1, 2)),
        new SampleAverageCollector(channels(1, 2)),
        new MovingAverageCollector(channels(1, 2), 0.01f),
        new HistogramCollector(channels(1, 2), new RangeSearch.Percentile(99), INT8));
  }

  @Property(tries = 5000)
  void mutatedBytes(@ForAll Random random) throws IOException {
    ChannelCollector collector = collectors().get(random.nextInt(4));
    float[] values = new float[40];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.intBitsToFloat(random.nextInt());
    }
    collector.collect(values, new int[] {4, 2, 5});
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    collector.writeTo(new DataOutputStream(out));
    byte[] bytes = out.toByteArray();
    for (int i = random.nextInt(4); i >= 0; i--) {
      bytes[random.nextInt(bytes.length)] = (byte) (random.nextBoolean() ? random.nextInt() : -1);
    }
    read(
        Arrays.copyOf(bytes, random.nextInt(5) == 0 ? random.nextInt(bytes.length) : bytes.length));
  }

  /** Once accepted, and then too large to be added to itself. */
  @Example
  void refusesACountThatCannotBeAddedToItself() throws IOException {
    ChannelCollector collector = collectors().get(3);
    collector.collect(new float[] {1, -2}, new int[] {1, 2, 1});
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    collector.writeTo(new DataOutputStream(out));
    byte[] bytes = out.toByteArray();
    byte[] most = ByteBuffer.allocate(8).putLong(1L << 62).array();
    for (int at = 0; at + 8 <= bytes.length; at++) {
      byte[] changed = bytes.clone();
      System.arraycopy(most, 0, changed, at, 8);
      read(changed);
    }
  }

  @Property
  void anyBytes(@ForAll byte[] bytes) throws IOException {
    read(bytes);
  }

  private static void read(byte[] bytes) throws IOException {
    RangeCollector read;
    try {
      read = RangeCollector.read(new DataInputStream(new ByteArrayInputStream(bytes)));
    } catch (CollectorStateException e) {
      return;
    }
    try {
      read.ranges();
    } catch (CalibrationException e) {
      // A state that saw nothing is a state all the same.
    }
    if (read instanceof MergeableRangeCollector mergeable) {
      mergeable.merge(mergeable);
    }
    read.writeTo(new DataOutputStream(new ByteArrayOutputStream()));
  }
}
