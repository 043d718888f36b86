package dev.octet.quantize.calibrate;

import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.HostTensor;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The mean of a tensor for each index of one axis, over everything seen: what bias correction needs
 * of a layer's input. Sums are float64 and depend on the order of batches in their last bits; the
 * same batches in the same order give the same bits. NaN and infinities are left out.
 */
public final class ChannelMeans {
  private final int axis;
  private double[] sums = new double[0];
  private long[] counts = new long[0];
  private boolean oneRowASample = true;

  /** Means along {@code axis}; a negative axis counts from the last. */
  public ChannelMeans(int axis) {
    this.axis = axis;
  }

  /** The axis as given. */
  public int axis() {
    return axis;
  }

  /** Whether no sample had more than one value for a channel. */
  public boolean oneRowASample() {
    return oneRowASample;
  }

  /**
   * Takes in one batch of {@code samples} samples. Tensors without the axis, or with another size
   * along it, are left out.
   */
  void collect(HostTensor tensor, int samples) {
    int[] shape = tensor.shape();
    int at = axis < 0 ? axis + shape.length : axis;
    if (at < 0 || at >= shape.length || tensor.elementCount() == 0) {
      return;
    }
    int channels = shape[at];
    if (sums.length == 0) {
      sums = new double[channels];
      counts = new long[channels];
    }
    if (sums.length != channels) {
      return;
    }
    oneRowASample &= tensor.elementCount() == (long) channels * samples;
    int inner = 1;
    for (int i = at + 1; i < shape.length; i++) {
      inner *= shape[i];
    }
    FloatBuffer values = tensor.to(ElementType.FLOAT32).floatBuffer();
    float[] run = new float[inner];
    for (int channel = 0; values.hasRemaining(); ) {
      values.get(run);
      double sum = sum(run);
      int finite = inner;
      if (!Double.isFinite(sum)) { // no finite floats add up to that
        sum = 0;
        finite = 0;
        for (float value : run) {
          if (Float.isFinite(value)) {
            sum += value;
            finite++;
          }
        }
      }
      sums[channel] += sum;
      counts[channel] += finite;
      channel = channel + 1 == channels ? 0 : channel + 1;
    }
  }

  /** Four sums at a time, so that no addition waits for the one before it. */
  private static double sum(float[] values) {
    double a = 0;
    double b = 0;
    double c = 0;
    double d = 0;
    int i = 0;
    for (; i + 4 <= values.length; i += 4) {
      a += values[i];
      b += values[i + 1];
      c += values[i + 2];
      d += values[i + 3];
    }
    for (; i < values.length; i++) {
      a += values[i];
    }
    return (a + b) + (c + d);
  }

  /** The mean of each channel, 0 where nothing was seen; null if no tensor was seen at all. */
  public double @Nullable [] means() {
    if (sums.length == 0) {
      return null;
    }
    double[] means = new double[sums.length];
    for (int i = 0; i < means.length; i++) {
      means[i] = counts[i] == 0 ? 0 : sums[i] / counts[i];
    }
    return means;
  }

  void writeTo(DataOutput out) throws IOException {
    out.writeInt(axis);
    out.writeBoolean(oneRowASample);
    out.writeInt(sums.length);
    for (int i = 0; i < sums.length; i++) {
      out.writeDouble(sums[i]);
      out.writeLong(counts[i]);
    }
  }

  static ChannelMeans read(DataInput in) throws IOException {
    ChannelMeans means = new ChannelMeans(in.readInt());
    means.oneRowASample = in.readBoolean();
    int channels = in.readInt();
    if (channels < 0 || channels > 1 << 20) {
      throw new IOException("a mean of " + channels + " channels cannot be");
    }
    means.sums = new double[channels];
    means.counts = new long[channels];
    for (int i = 0; i < channels; i++) {
      means.sums[i] = in.readDouble();
      means.counts[i] = in.readLong();
    }
    return means;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ChannelMeans that
        && axis == that.axis
        && Arrays.equals(sums, that.sums)
        && Arrays.equals(counts, that.counts);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(sums) + axis;
  }
}
