package dev.octet.core.range;

import static dev.octet.core.range.CollectorKinds.INT8;
import static dev.octet.core.range.CollectorKinds.channels;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
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
