package dev.octet.core.range;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.List;

/**
 * Learns the range of one tensor from batches of its values, keeping statistics and never the
 * values.
 *
 * <p>NaN and infinities are counted and left out. An empty batch changes nothing. Memory does not
 * grow with the number of values.
 *
 * <p>Two collectors are equal when they are of one kind, for one tensor, with the same settings and
 * exactly the same state. Collectors are confined to one thread at a time; to collect on several,
 * give each its own and {@linkplain MergeableRangeCollector#merge merge} them.
 */
public sealed interface RangeCollector permits MergeableRangeCollector, ChannelCollector {

  /** The name of the tensor, for messages. */
  String tensor();

  /** How many ranges come out: 1 for a whole tensor, else the number of channels. */
  int channels();

  /**
   * Takes in one batch from position to limit of a buffer; the position stays where it is. Direct
   * buffers are read in chunks, never copied whole.
   *
   * @param values as many as {@code shape} says, row-major
   * @param shape the tensor's shape, {@code []} for a scalar
   * @throws IllegalArgumentException when the number of values does not fit the shape, or the shape
   *     does not have the channels this collector was made for
   */
  void collect(FloatBuffer values, int[] shape);

  /** As {@link #collect(FloatBuffer, int[])}, for an array that holds exactly the tensor. */
  default void collect(float[] values, int[] shape) {
    collect(FloatBuffer.wrap(values), shape);
  }

  /**
   * Takes in {@code values[offset .. offset + length)} as a tensor of rank 1; for collectors of one
   * range for the whole tensor.
   */
  default void collect(float[] values, int offset, int length) {
    collect(FloatBuffer.wrap(values, offset, length), new int[] {length});
  }

  /**
   * The learned ranges, one for each channel; a single one for a whole tensor.
   *
   * @throws CalibrationException when the tensor, or one of its channels, had no finite value
   */
  List<Range> ranges();

  /** What was seen, one entry for each channel, in the order of {@link #ranges()}. */
  List<Observed> observed();

  /** Writes settings and state, to be read back by {@link #read}. */
  void writeTo(DataOutput out) throws IOException;

  /**
   * Reads what {@link #writeTo} wrote; the result equals the collector that was written, and
   * carries on collecting from there. Sizes are checked before anything is allocated for them.
   *
   * @throws CollectorStateException when the bytes are not a collector's state
   * @throws IOException when the input itself fails
   */
  static RangeCollector read(DataInput in) throws IOException {
    return CollectorFormat.read(in);
  }
}
