package dev.octet.workflows.pytorch.fx;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;

/**
 * How an activation is distributed, in whole and by channel, over the batches that were shown: what
 * detectors judge by. PyTorch's statistics, but that percentiles are those of each channel whatever
 * the axis.
 */
public final class ModelReportObserver {
  /** PyTorch's percentile. */
  public static final double DEFAULT_PERCENTILE = 0.9;

  private final int channelAxis;
  private final double compPercentile;

  private int batches;
  private double averageRange;
  private float epochMin = Float.POSITIVE_INFINITY;
  private float epochMax = Float.NEGATIVE_INFINITY;
  private float[] minVal = {};
  private float[] maxVal = {};
  private double[] ratio = {};
  private int[] ratioBatches = {};
  private int[] constantBatches = {};

  /** With {@link #DEFAULT_PERCENTILE}. */
  public ModelReportObserver(int channelAxis) {
    this(channelAxis, DEFAULT_PERCENTILE);
  }

  /**
   * Sees nothing yet.
   *
   * @param channelAxis the axis of the channels; -1 is the last
   * @param compPercentile the share of a channel's values that outliers are compared with, above 0
   *     and below 1
   */
  public ModelReportObserver(int channelAxis, double compPercentile) {
    if (!(compPercentile > 0 && compPercentile < 1)) {
      throw new IllegalArgumentException(
          "the percentile is " + compPercentile + "; choose above 0 and below 1");
    }
    this.channelAxis = channelAxis;
    this.compPercentile = compPercentile;
  }

  /**
   * Adds a batch; an empty one changes nothing.
   *
   * @throws IllegalArgumentException if it has not the axis, has another number of channels than
   *     batches before, or holds NaN or infinities
   */
  public void observe(Tensor batch) {
    long[] shape = Tensors.shape(Tensors.check(batch, "the batch"));
    int axis = channelAxis < 0 ? channelAxis + shape.length : channelAxis;
    if (axis < 0 || axis >= shape.length) {
      throw new IllegalArgumentException(
          Tensors.describe(batch) + " has no channels along axis " + channelAxis);
    }
    int channels = Math.toIntExact(shape[axis]);
    if (batches > 0 && channels != minVal.length) {
      throw new IllegalArgumentException(
          "%s has %d channels; batches before had %d"
              .formatted(Tensors.describe(batch), channels, minVal.length));
    }
    if (batch.numel() == 0) {
      return;
    }
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      Tensor sorted = batch.detach().transpose(0, axis).flatten(1, -1).sort(1, false).get0();
      long last = sorted.size(1) - 1;
      float[] low = Tensors.toFloats(sorted.select(1, 0));
      float[] high = Tensors.toFloats(sorted.select(1, last));
      for (int i = 0; i < channels; i++) {
        // What is not a number is sorted to the end.
        if (!Float.isFinite(low[i]) || !Float.isFinite(high[i])) {
          throw new IllegalArgumentException(
              "channel %d of %s holds NaN or infinities; find where they come from"
                  .formatted(i, Tensors.describe(batch)));
        }
      }
      long place = (long) Math.floor(compPercentile * last);
      add(low, Tensors.toFloats(sorted.select(1, place)), high);
    }
  }

  private void add(float[] low, float[] comp, float[] high) {
    if (batches == 0) {
      minVal = low.clone();
      maxVal = high.clone();
      ratio = new double[low.length];
      ratioBatches = new int[low.length];
      constantBatches = new int[low.length];
    }
    float least = Float.POSITIVE_INFINITY;
    float most = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < low.length; i++) {
      least = Math.min(least, low[i]);
      most = Math.max(most, high[i]);
      minVal[i] = Math.min(minVal[i], low[i]);
      maxVal[i] = Math.max(maxVal[i], high[i]);
      constantBatches[i] += low[i] == high[i] ? 1 : 0;
      if (comp[i] != 0) {
        ratio[i] += ((double) high[i] / comp[i] - ratio[i]) / ++ratioBatches[i];
      }
    }
    epochMin = Math.min(epochMin, least);
    epochMax = Math.max(epochMax, most);
    averageRange += ((double) most - least - averageRange) / ++batches;
  }

  /** Forgets everything. */
  public void resetBatchAndEpochValues() {
    batches = 0;
    averageRange = 0;
    epochMin = Float.POSITIVE_INFINITY;
    epochMax = Float.NEGATIVE_INFINITY;
    minVal = new float[0];
    maxVal = new float[0];
    ratio = new double[0];
    ratioBatches = new int[0];
    constantBatches = new int[0];
  }

  /**
   * The average range of a batch over the range of all: near 1 where every batch looks like the
   * others ("stationary").
   *
   * @throws IllegalStateException before the first batch, or if all values are the same
   */
  public double getBatchToEpochRatio() {
    if (batches == 0) {
      throw new IllegalStateException("no batch was observed; calibrate first");
    }
    if (epochMin == epochMax) {
      throw new IllegalStateException("all values are " + epochMin + ", which is no range");
    }
    return averageRange / ((double) epochMax - epochMin);
  }

  /** How many batches were seen. */
  public int numBatchesTracked() {
    return batches;
  }

  /** The average over batches of largest less smallest value. */
  public double averageBatchActivationRange() {
    return averageRange;
  }

  /** The smallest value; +∞ before the first batch. */
  public float epochActivationMin() {
    return epochMin;
  }

  /** The largest value; −∞ before the first batch. */
  public float epochActivationMax() {
    return epochMax;
  }

  /** The smallest value of each channel. */
  public float[] minVal() {
    return minVal.clone();
  }

  /** The largest value of each channel. */
  public float[] maxVal() {
    return maxVal.clone();
  }

  /**
   * The average for each channel of its largest value over its value at the percentile, 0 where the
   * latter was always 0.
   */
  public double[] averagePercentileRatio() {
    return ratio.clone();
  }

  /** How many batches went into the ratio of each channel: those whose percentile was not 0. */
  public int[] percentileBatchesTracked() {
    return ratioBatches.clone();
  }

  /** In how many batches each channel had one value only. */
  public int[] constantChannels() {
    return constantBatches.clone();
  }

  @Override
  public String toString() {
    return "ModelReportObserver(%d batches, [%s, %s], %d channels%s)"
        .formatted(
            batches,
            epochMin,
            epochMax,
            minVal.length,
            Arrays.stream(constantBatches).anyMatch(n -> n == batches && n > 0)
                ? ", some constant"
                : "");
  }
}
