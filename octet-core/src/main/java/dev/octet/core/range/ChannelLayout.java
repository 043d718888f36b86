package dev.octet.core.range;

import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Which values of a row-major tensor belong to which channel: the tensor seen as {@code [outer,
 * channels, inner]}. Hands the values on in runs of one channel.
 */
record ChannelLayout(int outer, int channels, int inner) {

  /** Values read from a buffer at a time: 64 KiB, which stays in a second-level cache. */
  static final int CHUNK = 1 << 14;

  /** Below this run length values are gathered by channel first, so that runs are worth a call. */
  private static final int SHORTEST_RUN = 1 << 10;

  /** Takes a run of values of one channel. */
  interface Sink {
    void accept(int channel, float[] values, int offset, int length);
  }

  /** The layout of a tensor all of whose values belong together. */
  static ChannelLayout whole(int[] shape) {
    return new ChannelLayout(1, 1, size(shape, 0, shape.length));
  }

  /** The layout of a tensor whose channels lie along {@code axis}, already counted from zero. */
  static ChannelLayout along(int axis, int[] shape) {
    return new ChannelLayout(
        size(shape, 0, axis), shape[axis], size(shape, axis + 1, shape.length));
  }

  private static int size(int[] shape, int from, int to) {
    long size = 1;
    for (int i = from; i < to; i++) {
      if (shape[i] < 0) {
        throw new IllegalArgumentException(
            "shape " + Arrays.toString(shape) + " has a negative size; give the actual shape");
      }
      size = Math.multiplyExact(size, shape[i]);
    }
    return Math.toIntExact(size);
  }

  int size() {
    return Math.multiplyExact(Math.multiplyExact(outer, channels), inner);
  }

  /** Hands on every value from the buffer's position on; each channel's values in their order. */
  void walk(FloatBuffer buffer, Sink sink) {
    if (buffer.hasArray()) {
      walk(buffer.array(), buffer.arrayOffset() + buffer.position(), sink);
      return;
    }
    int row = channels * inner;
    float[] chunk = new float[Math.min(CHUNK, size())];
    int at = buffer.position();
    if (row <= CHUNK) {
      int rows = CHUNK / row;
      for (int o = 0; o < outer; o += rows) {
        ChannelLayout part = new ChannelLayout(Math.min(rows, outer - o), channels, inner);
        buffer.get(at, chunk, 0, part.size());
        at += part.size();
        part.walk(chunk, 0, sink);
      }
      return;
    }
    for (int o = 0; o < outer; o++) {
      for (int channel = 0; channel < channels; channel++) {
        for (int i = 0; i < inner; i += CHUNK) {
          int length = Math.min(CHUNK, inner - i);
          buffer.get(at, chunk, 0, length);
          at += length;
          sink.accept(channel, chunk, 0, length);
        }
      }
    }
  }

  private void walk(float[] values, int offset, Sink sink) {
    if (inner >= SHORTEST_RUN || outer == 1) {
      int at = offset;
      for (int o = 0; o < outer; o++) {
        for (int channel = 0; channel < channels; channel++, at += inner) {
          sink.accept(channel, values, at, inner);
        }
      }
      return;
    }
    int rows = Math.min(outer, Math.max(1, CHUNK / inner));
    float[] gathered = new float[rows * inner];
    for (int o = 0; o < outer; o += rows) {
      int count = Math.min(rows, outer - o);
      for (int channel = 0; channel < channels; channel++) {
        gather(values, offset + (o * channels + channel) * inner, count, gathered);
        sink.accept(channel, gathered, 0, count * inner);
      }
    }
  }

  private void gather(float[] values, int first, int rows, float[] gathered) {
    int stride = channels * inner;
    if (inner == 1) {
      for (int row = 0, from = first; row < rows; row++, from += stride) {
        gathered[row] = values[from];
      }
      return;
    }
    for (int row = 0; row < rows; row++) {
      System.arraycopy(values, first + row * stride, gathered, row * inner, inner);
    }
  }
}
