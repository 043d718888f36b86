package dev.octet.core.range.parity;

import java.util.Arrays;

/**
 * pytorch-quantization's {@code calibrate_weights} (2.2.1) for 8 signed bits: amax of each channel,
 * or of the whole tensor, from a histogram over {@code [0, max |w|]}.
 */
public final class NvidiaWeightCalibration {
  private static final int BITS = 8;
  private static final int START_BIN = 128;

  private NvidiaWeightCalibration() {}

  /** Finds amax in the weights of one channel. */
  private interface Rule {
    float amax(float[] magnitudes);
  }

  /** The largest magnitude of each index along {@code axis}. */
  public static float[] max(float[] weights, int[] shape, int axis) {
    return perChannel(weights, shape, axis, NvidiaWeightCalibration::largest);
  }

  /** The amax of least squared error, for each index along {@code axis}. */
  public static float[] mse(float[] weights, int[] shape, int axis, int bins) {
    return perChannel(weights, shape, axis, magnitudes -> mse(magnitudes, bins));
  }

  /** The amax of least squared error for the whole tensor; the peer has 2048 bins here. */
  public static float mse(float[] weights, int bins) {
    return histogram(weights, bins).mse(BITS, false, 1, START_BIN);
  }

  /** The percentile of the magnitudes, for each index along {@code axis}. */
  public static float[] percentile(
      float[] weights, int[] shape, int axis, double percent, int bins) {
    return perChannel(weights, shape, axis, magnitudes -> percentile(magnitudes, percent, bins));
  }

  /** The percentile of the magnitudes of the whole tensor; the peer has 2048 bins here. */
  public static float percentile(float[] weights, double percent, int bins) {
    return histogram(weights, bins).percentile(percent);
  }

  private static NvidiaHistogram histogram(float[] weights, int bins) {
    float[] magnitudes = new float[weights.length];
    for (int i = 0; i < weights.length; i++) {
      magnitudes[i] = Math.abs(weights[i]);
    }
    float[] edges = NvidiaBins.numpyLinspace(0, largest(weights), bins);
    return new NvidiaHistogram(edges, NvidiaBins.countBetween(magnitudes, edges));
  }

  private static float largest(float[] weights) {
    float largest = 0;
    for (float weight : weights) {
      largest = Math.max(largest, Math.abs(weight));
    }
    return largest;
  }

  private static float[] perChannel(float[] weights, int[] shape, int axis, Rule rule) {
    if (axis < 0 || axis >= shape.length) {
      throw new IllegalArgumentException(
          "shape %s has no axis %d; choose an axis it has".formatted(Arrays.toString(shape), axis));
    }
    int inner = 1;
    for (int i = axis + 1; i < shape.length; i++) {
      inner *= shape[i];
    }
    int channels = shape[axis];
    float[] amax = new float[channels];
    float[] channel = new float[weights.length / channels];
    for (int c = 0; c < channels; c++) {
      for (int i = 0; i < channel.length; i++) {
        channel[i] = weights[(i / inner * channels + c) * inner + i % inner];
      }
      amax[c] = rule.amax(channel);
    }
    return amax;
  }
}
