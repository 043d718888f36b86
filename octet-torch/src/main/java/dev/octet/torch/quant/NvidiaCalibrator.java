package dev.octet.torch.quant;

import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.CalibrationException;
import dev.octet.core.range.Observed;
import dev.octet.core.range.Range;
import dev.octet.core.range.parity.NvidiaHistogramCalibrator;
import dev.octet.core.range.parity.NvidiaMaxCalibrator;
import dev.octet.torch.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * pytorch-quantization's own calibrators on tensors, for runs that must find the ranges that it
 * found. {@link RangeCalibrator} is better in every other respect.
 */
public final class NvidiaCalibrator implements Calibrator {
  /** The original's first candidate for entropy and squared error. */
  private static final int START_BIN = 128;

  private final String name;
  private final int[] axes;
  private final @Nullable Supplier<NvidiaHistogramCalibrator> histograms;
  private NvidiaMaxCalibrator max;
  private @Nullable NvidiaHistogramCalibrator histogram;
  private long[] shape = {};
  private boolean seen;

  private NvidiaCalibrator(
      String name, int[] axes, @Nullable Supplier<NvidiaHistogramCalibrator> histograms) {
    this.name = name;
    this.axes = axes;
    this.histograms = histograms;
    max = new NvidiaMaxCalibrator(axes);
    histogram = histograms == null ? null : histograms.get();
  }

  /** {@code MaxCalibrator} for the indices along {@code axes}; for the whole tensor without. */
  public static NvidiaCalibrator max(int... axes) {
    return new NvidiaCalibrator("MaxCalibrator", axes.clone(), null);
  }

  /**
   * {@code HistogramCalibrator} with its default way of counting.
   *
   * @param bits of the quantizer, 2 to 16
   * @param unsigned whether the quantizer has all its levels at or above zero
   * @param bins of the first batch; 2048 in the original unless set
   * @param skipZeros whether exact zeros are left out
   */
  public static NvidiaCalibrator histogram(
      int bits, boolean unsigned, int bins, boolean skipZeros) {
    return new NvidiaCalibrator(
        "HistogramCalibrator",
        new int[0],
        () ->
            new NvidiaHistogramCalibrator(
                bits, unsigned, bins, skipZeros, NvidiaHistogramCalibrator.Path.TORCH));
  }

  /**
   * @throws IllegalArgumentException where the original fails: NaN and infinities in a histogram, a
   *     kept axis that changes its size
   */
  @Override
  public void collect(Tensor x) {
    Tensors.check(x, "the batch");
    if (x.numel() == 0) {
      return;
    }
    NvidiaHistogramCalibrator counts = histogram;
    if (counts != null) {
      counts.collect(Tensors.toFloats(x));
    } else {
      long[] sizes = Tensors.shape(x);
      max.collect(Tensors.toFloats(x), Arrays.stream(sizes).mapToInt(Math::toIntExact).toArray());
      shape = kept(sizes);
    }
    seen = true;
  }

  /** Size 1 along axes that share; without dimensions for one range, as in the original. */
  private long[] kept(long[] sizes) {
    long[] kept = new long[sizes.length];
    Arrays.fill(kept, 1);
    for (int axis : axes) {
      int at = axis < 0 ? axis + sizes.length : axis;
      kept[at] = sizes[at];
    }
    return Arrays.stream(kept).allMatch(size -> size == 1) ? new long[0] : kept;
  }

  @Override
  public List<Range> ranges(RangeMethod method) {
    if (!seen) {
      throw new CalibrationException(
          "the calibrator was given nothing; enable calibration and call the model on samples");
    }
    List<Range> ranges = new ArrayList<>();
    for (float amax : amax(method)) {
      ranges.add(Range.symmetric(amax));
    }
    return ranges;
  }

  private float[] amax(RangeMethod method) {
    NvidiaHistogramCalibrator counts = histogram;
    if (counts == null) {
      if (method instanceof RangeMethod.MinMax) {
        return max.amax();
      }
    } else if (method instanceof RangeMethod.Entropy) {
      return new float[] {counts.entropyAmax(1, START_BIN)};
    } else if (method instanceof RangeMethod.Mse) {
      return new float[] {counts.mseAmax(1, START_BIN)};
    } else if (method instanceof RangeMethod.Percentile percentile) {
      return new float[] {counts.percentileAmax(percentile.percent())};
    }
    throw new IllegalArgumentException(
        "pytorch-quantization's " + name + " has no method " + method);
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  /** Nothing: the original counts no NaN and no infinities. */
  @Override
  public List<Observed> observed() {
    return List.of();
  }

  @Override
  public void reset() {
    max = new NvidiaMaxCalibrator(axes);
    histogram = histograms == null ? null : histograms.get();
    shape = new long[0];
    seen = false;
  }

  @Override
  public String name() {
    return name;
  }
}
