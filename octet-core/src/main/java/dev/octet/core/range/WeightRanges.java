package dev.octet.core.range;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Ranges of weights, which are at hand as a whole: least squared error and OCTAV look at the values
 * themselves, the other rules at a histogram of them.
 */
public final class WeightRanges {
  /** Bins a side of the histogram that rules without an exact form look at. */
  private static final int BINS = 2048;

  private WeightRanges() {}

  /**
   * The ranges of a weight tensor, in the order of its scales: one per tensor; one for each index
   * of the axis; or, in blocks, in the row-major order of the tensor with the axis cut into blocks
   * (ONNX's order, the last block may be shorter). A channel of zeros has the range [0, 0].
   *
   * @param weights row-major
   * @param shape of the weights; no axis is empty
   * @param descriptor bits, sign, symmetry, granularity and method; a fixed range changes nothing
   * @throws IllegalArgumentException when the shape does not fit, a weight is NaN or infinite, or
   *     the method averages batches or samples
   */
  public static List<Range> find(float[] weights, int[] shape, QuantDescriptor descriptor) {
    RangeSearch search = RangeSearch.of(descriptor.method());
    Levels levels = Levels.of(descriptor);
    Runs runs = Runs.of(shape, descriptor.granularity());
    if ((long) runs.outer * runs.axis * runs.inner != weights.length || weights.length == 0) {
      throw new IllegalArgumentException(
          "%d weights do not fill shape %s; give the weights of exactly that shape, at least one"
              .formatted(weights.length, Arrays.toString(shape)));
    }
    List<Range> ranges = new ArrayList<>(runs.count());
    for (int block = 0; block < runs.count(); block++) {
      ranges.add(find(runs.values(weights, block), search, levels));
    }
    return Collections.unmodifiableList(ranges);
  }

  private static Range find(float[] values, RangeSearch search, Levels levels) {
    Extremes extremes = new Extremes();
    extremes.add(values, 0, values.length);
    if (extremes.nonFinite() > 0) {
      throw new IllegalArgumentException(
          "weights hold %d NaN and %d infinities; repair the model before quantizing it"
              .formatted(extremes.nan, extremes.infinite));
    }
    if (extremes.min == 0 && extremes.max == 0) {
      return new Range(0, 0);
    }
    if (search instanceof RangeSearch.MinMax) {
      return new Range(extremes.min, extremes.max);
    }
    if (search instanceof RangeSearch.Mse) {
      return RangeSearch.Mse.search(samples(values), levels);
    }
    if (search instanceof RangeSearch.Octav) {
      return RangeSearch.Octav.search(samples(values), levels);
    }
    StreamingHistogram histogram = new StreamingHistogram(BINS);
    histogram.add(values, 0, values.length);
    return search.search(histogram.snapshot(), levels);
  }

  private static Distribution samples(float[] values) {
    double[] samples = new double[values.length];
    for (int i = 0; i < samples.length; i++) {
      samples[i] = values[i];
    }
    return new SampleDistribution(samples);
  }

  /**
   * The tensor seen as {@code [outer, axis, inner]} and cut into groups that share a range: {@code
   * block} indices of the axis, and every index of outer and inner by itself when {@code apart}.
   */
  private record Runs(int outer, int axis, int inner, int block, boolean apart) {

    static Runs of(int[] shape, Granularity granularity) {
      if (granularity instanceof Granularity.PerAxis perAxis) {
        return around(shape, perAxis.axis(), 1, false);
      }
      if (granularity instanceof Granularity.PerBlock perBlock) {
        return around(shape, perBlock.axis(), perBlock.size(), true);
      }
      return new Runs(1, 1, product(shape, 0, shape.length), 1, false);
    }

    private static Runs around(int[] shape, int named, int block, boolean apart) {
      int axis = named < 0 ? named + shape.length : named;
      if (axis < 0 || axis >= shape.length) {
        throw new IllegalArgumentException(
            "weights of shape %s have no axis %d; choose an axis they have"
                .formatted(Arrays.toString(shape), named));
      }
      return new Runs(
          product(shape, 0, axis),
          shape[axis],
          product(shape, axis + 1, shape.length),
          block,
          apart);
    }

    private static int product(int[] shape, int from, int to) {
      int product = 1;
      for (int i = from; i < to; i++) {
        product = Math.multiplyExact(product, shape[i]);
      }
      return product;
    }

    int blocks() {
      return (int) (((long) axis + block - 1) / block);
    }

    int count() {
      return apart ? outer * blocks() * inner : axis;
    }

    float[] values(float[] weights, int group) {
      if (apart) {
        int first = group / inner % blocks() * block;
        float[] values = new float[Math.min(block, axis - first)];
        int at = (group / inner / blocks() * axis + first) * inner + group % inner;
        for (int i = 0; i < values.length; i++, at += inner) {
          values[i] = weights[at];
        }
        return values;
      }
      float[] values = new float[outer * inner];
      for (int o = 0; o < outer; o++) {
        System.arraycopy(weights, (o * axis + group) * inner, values, o * inner, inner);
      }
      return values;
    }
  }
}
