package dev.octet.quantize.emit;

import dev.octet.core.affine.Affine;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import dev.octet.core.range.WeightRanges;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.quantize.place.Placement.WeightSite;
import dev.octet.quantize.place.Weights;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns float weights into integers: finds their ranges, rounds, and mends what rounding shrank.
 */
public final class WeightCoder {
  /** An int32 bias may not pass this, so that adding products to it cannot overflow. */
  private static final double LARGEST_BIAS = 1 << 30;

  private WeightCoder() {}

  /**
   * The integers of {@code site}.
   *
   * @param inputScale scale of the activations that the weights multiply, or 0 where the bias stays
   *     float
   * @param bias the bias that is to fit int32, or null
   * @throws IllegalArgumentException if a weight is NaN or infinite
   */
  public static QuantizedWeight code(WeightSite site, float inputScale, float @Nullable [] bias) {
    QuantDescriptor descriptor = site.descriptor();
    Tensor tensor = constant(site);
    int[] shape = shape(site);
    float[] weights = tensor.toFloats();
    QuantParams params = QuantParams.of(descriptor, ranges(weights, shape, descriptor));
    if (bias != null) {
      params = widenedForBias(params, inputScale, bias);
    }
    int[] codes = Affine.quantize(weights, shape, params);
    if (descriptor.bits() <= 4 && descriptor.symmetric()) {
      params = refitted(params, weights, codes, shape);
    }
    return stored(site, params, codes);
  }

  /**
   * The integers of {@code site} for scales that are known, such as trained ones.
   *
   * @param params as many scales as the site's granularity asks for
   * @param inputScale scale of the activations that the weights multiply, or 0 where the bias stays
   *     float
   * @param bias the bias that is to fit int32, or null
   */
  public static QuantizedWeight code(
      WeightSite site, QuantParams params, float inputScale, float @Nullable [] bias) {
    QuantParams used = bias == null ? params : widenedForBias(params, inputScale, bias);
    return stored(site, used, Affine.quantize(constant(site).toFloats(), shape(site), used));
  }

  private static QuantizedWeight stored(WeightSite site, QuantParams params, int[] codes) {
    QuantDescriptor descriptor = site.descriptor();
    long[] stored = storedShape(site.node(), constant(site), descriptor.granularity());
    Tensor integers =
        IntegerTensors.of(
            IntegerTensors.typeFor(descriptor.bits(), params.qmin() < 0), codes, stored);
    return new QuantizedWeight(site, params, integers);
  }

  private static int[] shape(WeightSite site) {
    long[] stored = storedShape(site.node(), constant(site), site.descriptor().granularity());
    return Arrays.stream(stored).mapToInt(Math::toIntExact).toArray();
  }

  private static Tensor constant(WeightSite site) {
    Tensor tensor = site.value().constant();
    if (tensor == null) {
      throw new IllegalArgumentException("'" + site.value().name() + "' is no constant");
    }
    return tensor;
  }

  private static List<Range> ranges(float[] weights, int[] shape, QuantDescriptor descriptor) {
    Range fixed = descriptor.fixedRange();
    if (fixed == null) {
      return WeightRanges.find(weights, shape, descriptor);
    }
    int scales = 1;
    for (int size : Affine.scaleShape(shape, descriptor.granularity())) {
      scales *= size;
    }
    return Collections.nCopies(scales, fixed);
  }

  /** What the integers of {@code weight} stand for, row-major. */
  public static float[] decode(QuantizedWeight weight) {
    int[] shape = Arrays.stream(weight.integers().shape()).mapToInt(Math::toIntExact).toArray();
    return Affine.dequantize(IntegerTensors.codes(weight.integers()), shape, weight.params());
  }

  /** Blocks of a convolution run over input channels and window together: {@code [out, rest]}. */
  private static long[] storedShape(Node node, Tensor tensor, Granularity granularity) {
    if (granularity instanceof Granularity.PerBlock && node.is("Conv") && tensor.rank() > 2) {
      long out = tensor.dim(0);
      return new long[] {out, tensor.elementCount() / Math.max(1, out)};
    }
    return tensor.shape();
  }

  /** Widens the scale of each channel whose bias would not fit int32 at input scale x scale. */
  private static QuantParams widenedForBias(QuantParams params, float inputScale, float[] bias) {
    float[] scales = params.scales();
    for (int i = 0; i < bias.length; i++) {
      int at = scales.length == 1 ? 0 : i;
      scales[at] = Math.max(scales[at], scaleForBias(bias[i], inputScale));
    }
    return QuantParams.affine(
        scales, params.zeroPoints(), params.granularity(), params.qmin(), params.qmax());
  }

  /**
   * How many channels of {@code weight}, coded with this input scale and bias, have a wider scale
   * than their weights need.
   */
  public static int widenedChannels(QuantizedWeight weight, float inputScale, float[] bias) {
    float[] scales = weight.params().scales();
    int widened = 0;
    for (int i = 0; i < bias.length; i++) {
      float scale = scales[scales.length == 1 ? 0 : i];
      widened += scale == scaleForBias(bias[i], inputScale) ? 1 : 0;
    }
    return widened;
  }

  /** The smallest weight scale with which {@code bias} fits. */
  private static float scaleForBias(float bias, float inputScale) {
    return Math.nextUp((float) (Math.abs(bias) / (LARGEST_BIAS * inputScale)));
  }

  /** Whether the weights are zero throughout. */
  public static boolean isZero(QuantizedWeight weight) {
    return Arrays.stream(IntegerTensors.codes(weight.integers())).allMatch(code -> code == 0);
  }

  /** How many channels hold zeros alone. */
  public static int zeroChannels(QuantizedWeight weight) {
    int[] codes = IntegerTensors.codes(weight.integers());
    int[] shape = Arrays.stream(weight.integers().shape()).mapToInt(Math::toIntExact).toArray();
    boolean blocks = weight.params().granularity() instanceof Granularity.PerBlock;
    Granularity channels =
        blocks
            ? Granularity.perAxis(Weights.outputAxis(weight.site().node()))
            : weight.params().granularity();
    ScaleIndex index = ScaleIndex.of(channels, shape);
    BitSet zero = new BitSet();
    for (int i = 0; i < codes.length; i++) {
      zero.set(index.of(i));
    }
    for (int i = 0; i < codes.length; i++) {
      if (codes[i] != 0) {
        zero.clear(index.of(i));
      }
    }
    return zero.cardinality();
  }

  /**
   * With few bits the clip of least squared error shrinks what a group of weights adds up to. The
   * codes stay, and the scale becomes {@code sum w^2 / sum w k}, the one for which the projection
   * of the rounded weights on the exact ones has the exact ones' length.
   */
  private static QuantParams refitted(
      QuantParams params, float[] weights, int[] codes, int[] shape) {
    float[] scales = params.scales();
    double[] energy = new double[scales.length];
    double[] projection = new double[scales.length];
    ScaleIndex index = ScaleIndex.of(params.granularity(), shape);
    for (int i = 0; i < weights.length; i++) {
      int group = index.of(i);
      energy[group] += (double) weights[i] * weights[i];
      projection[group] += (double) weights[i] * codes[i];
    }
    for (int group = 0; group < scales.length; group++) {
      float refit = (float) (energy[group] / projection[group]);
      if (projection[group] > 0 && refit >= Float.MIN_NORMAL && Float.isFinite(refit)) {
        scales[group] = refit;
      }
    }
    return QuantParams.affine(
        scales, params.zeroPoints(), params.granularity(), params.qmin(), params.qmax());
  }

  /** Which scale an element of a tensor belongs to, by its row-major position. */
  private record ScaleIndex(int outer, int axis, int inner, int block, boolean apart) {
    static ScaleIndex of(Granularity granularity, int[] shape) {
      if (granularity instanceof Granularity.PerAxis perAxis) {
        return around(shape, perAxis.axis(), 1, false);
      }
      if (granularity instanceof Granularity.PerBlock perBlock) {
        return around(shape, perBlock.axis(), perBlock.size(), true);
      }
      return new ScaleIndex(1, 1, Integer.MAX_VALUE, 1, false);
    }

    private static ScaleIndex around(int[] shape, int named, int block, boolean apart) {
      int axis = named < 0 ? named + shape.length : named;
      int outer = 1;
      int inner = 1;
      for (int i = 0; i < shape.length; i++) {
        outer *= i < axis ? shape[i] : 1;
        inner *= i > axis ? shape[i] : 1;
      }
      return new ScaleIndex(outer, shape[axis], inner, block, apart);
    }

    int of(int position) {
      int along = position / inner % axis;
      if (!apart) {
        return along;
      }
      int blocks = (axis + block - 1) / block;
      return (position / inner / axis * blocks + along / block) * inner + position % inner;
    }
  }

  /** The range that {@code weight} covers, for each scale. */
  public static List<Range> ranges(QuantizedWeight weight) {
    QuantParams params = weight.params();
    float[] scales = params.scales();
    int[] zeroPoints = params.zeroPoints();
    Range[] ranges = new Range[scales.length];
    Arrays.setAll(
        ranges,
        i ->
            new Range(
                scales[i] * (params.qmin() - zeroPoints[i]),
                scales[i] * (params.qmax() - zeroPoints[i])));
    return List.of(ranges);
  }
}
