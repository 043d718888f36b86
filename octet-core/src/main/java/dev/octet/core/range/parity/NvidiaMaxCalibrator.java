package dev.octet.core.range.parity;

import java.util.Arrays;

/**
 * pytorch-quantization's {@code MaxCalibrator} (2.2.1): the running maximum of |x|, for the whole
 * tensor or for each index of the axes that are kept.
 *
 * <p>As there, NaN makes the maximum NaN.
 */
public final class NvidiaMaxCalibrator {
  private final int[] kept;
  private float[] amax = {};

  /** A calibrator for the indices along {@code axes}; without axes for the whole tensor. */
  public NvidiaMaxCalibrator(int... axes) {
    kept = axes.clone();
  }

  /**
   * Takes in one batch, row-major.
   *
   * @throws IllegalArgumentException when a kept axis changed its size, or is not there
   */
  public void collect(float[] values, int[] shape) {
    float[] batch = new float[channels(shape)];
    int[] index = new int[shape.length];
    for (float value : values) {
      int channel = 0;
      for (int axis = 0; axis < shape.length; axis++) {
        channel = isKept(axis, shape.length) ? channel * shape[axis] + index[axis] : channel;
      }
      batch[channel] = Math.max(batch[channel], Math.abs(value));
      for (int axis = shape.length - 1; axis >= 0 && ++index[axis] == shape[axis]; axis--) {
        index[axis] = 0;
      }
    }
    if (amax.length == 0) {
      amax = batch;
      return;
    }
    if (amax.length != batch.length) {
      throw new IllegalArgumentException(
          "shape %s has %d ranges where earlier batches had %d; keep the shape along axes %s"
              .formatted(Arrays.toString(shape), batch.length, amax.length, Arrays.toString(kept)));
    }
    for (int i = 0; i < amax.length; i++) {
      amax[i] = Math.max(amax[i], batch[i]);
    }
  }

  private int channels(int[] shape) {
    int channels = 1;
    for (int axis : kept) {
      if (axis < -shape.length || axis >= shape.length) {
        throw new IllegalArgumentException(
            "shape %s has no axis %d; choose an axis it has"
                .formatted(Arrays.toString(shape), axis));
      }
    }
    for (int axis = 0; axis < shape.length; axis++) {
      channels *= isKept(axis, shape.length) ? shape[axis] : 1;
    }
    return channels;
  }

  private boolean isKept(int axis, int rank) {
    for (int named : kept) {
      if (axis == (named < 0 ? named + rank : named)) {
        return true;
      }
    }
    return false;
  }

  /** The maxima, row-major over the kept axes; empty when nothing was collected. */
  public float[] amax() {
    return amax.clone();
  }
}
