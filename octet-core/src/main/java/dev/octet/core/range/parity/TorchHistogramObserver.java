package dev.octet.core.range.parity;

import dev.octet.core.range.Range;
import java.util.Arrays;

/**
 * PyTorch's {@code HistogramObserver} (2.13, with the merging that 2.6 had wrong): a histogram over
 * {@code [min, max]} of what was seen, and a search that trims its ends while the squared error of
 * {@code levels} levels falls.
 *
 * <p>When the range grows, the old histogram is cut into sixteenths of bins whose centres choose
 * the new bins, so counts are fractions and depend on the order of the batches. Differs from the
 * peer in that counts are doubles and do not stop at 2^24, and that NaN is left out as infinities
 * are.
 */
public final class TorchHistogramObserver {
  /** The search gives up this share of the values, at one end or the other, at a time. */
  private static final double STEP = 1e-5;

  private final int bins;
  private final int upsampling;
  private final int levels;
  private double[] histogram;
  private float min = Float.POSITIVE_INFINITY;
  private float max = Float.NEGATIVE_INFINITY;

  /**
   * An observer that has seen nothing.
   *
   * @param bins the peer's default is 2048
   * @param upsampling parts an old bin is cut into when the range grows; the peer's default is 16
   * @param levels 2 to the bits of the dtype, whatever range of it is used: 256 for 8 bits
   */
  public TorchHistogramObserver(int bins, int upsampling, int levels) {
    if (bins < 1 || upsampling < 1 || levels < 2) {
      throw new IllegalArgumentException(
          "bins is %d, upsampling %d, levels %d; choose at least 1, 1 and 2"
              .formatted(bins, upsampling, levels));
    }
    this.bins = bins;
    this.upsampling = upsampling;
    this.levels = levels;
    histogram = new double[bins];
  }

  /**
   * An observer that goes on from what another had seen.
   *
   * @param levels as for a new one
   * @param histogram the other's counts, one for each bin, none negative
   * @param observed the other's extremes
   */
  public static TorchHistogramObserver resume(
      int upsampling, int levels, double[] histogram, Range observed) {
    TorchHistogramObserver resumed =
        new TorchHistogramObserver(histogram.length, upsampling, levels);
    for (double count : histogram) {
      if (!(count >= 0 && count < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException("a bin holds " + count + ", which is no count");
      }
    }
    resumed.histogram = histogram.clone();
    resumed.min = observed.min();
    resumed.max = observed.max();
    return resumed;
  }

  /** Takes in one batch; an empty one changes nothing. */
  public void collect(float[] values) {
    float low = Float.POSITIVE_INFINITY;
    float high = Float.NEGATIVE_INFINITY;
    for (float value : values) {
      if (Float.isFinite(value)) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    if (low > high) {
      return;
    }
    if (min > max) {
      min = low;
      max = high;
      histogram = histc(values, low, high);
      return;
    }
    float newMin = Math.min(min, low);
    float newMax = Math.max(max, high);
    double[] added = histc(values, newMin, newMax);
    double[] moved = newMin == min && newMax == max ? histogram : moved(newMin, newMax);
    for (int i = 0; i < bins; i++) {
      added[i] += moved[i];
    }
    histogram = added;
    min = newMin;
    max = newMax;
  }

  /** torch.histc; a range of one point is widened by one to either side. */
  private double[] histc(float[] values, float low, float high) {
    float from = low == high ? low - 1 : low;
    float to = low == high ? high + 1 : high;
    double[] counts = new double[bins];
    for (float value : values) {
      if (value >= from && value <= to) {
        counts[Math.min((int) ((value - from) * bins / (to - from)), bins - 1)]++;
      }
    }
    return counts;
  }

  private double[] moved(float newMin, float newMax) {
    if (min == max) {
      double[] counts = histc(new float[] {min}, newMin, newMax);
      double total = Arrays.stream(histogram).sum();
      return Arrays.stream(counts).map(count -> count * total).toArray();
    }
    float[] edges = linspace(newMin, newMax, bins);
    float[] parts = linspace(min, max, bins * upsampling);
    float half = 0.5f * ((max - min) / (bins * upsampling));
    double[] counts = new double[bins];
    for (int i = 0; i < bins * upsampling; i++) {
      int found = Arrays.binarySearch(edges, parts[i] + half);
      int bin = found >= 0 ? found : -found - 2;
      counts[Math.min(Math.max(bin, 0), bins - 1)] += histogram[i / upsampling] / upsampling;
    }
    return counts;
  }

  /** torch.linspace in float32: from both ends towards the middle, rounded once. */
  private static float[] linspace(float from, float to, int parts) {
    float step = (to - from) / parts;
    float[] points = new float[parts + 1];
    for (int i = 0; i <= parts; i++) {
      points[i] =
          i < (parts + 1) / 2
              ? Math.fma(step, (float) i, from)
              : Math.fma(-step, (float) (parts - i), to);
    }
    return points;
  }

  /** A copy of the counts of {@code bins} equal bins over {@link #observed()}. */
  public double[] histogram() {
    return histogram.clone();
  }

  /**
   * The extremes seen.
   *
   * @throws IllegalStateException when no finite value was
   */
  public Range observed() {
    requireSeen();
    return new Range(min, max);
  }

  /**
   * The range the search ends with, inside {@link #observed()}.
   *
   * @throws IllegalStateException when no finite value was seen
   */
  public Range search() {
    requireSeen();
    double[] below = new double[bins]; // up to and with bin i
    double total = 0;
    for (int i = 0; i < bins; i++) {
      total += histogram[i];
      below[i] = total;
    }
    double alpha = 0;
    double beta = 1;
    int start = 0;
    int end = bins - 1;
    double least = Double.POSITIVE_INFINITY;
    while (alpha < beta) {
      double nextAlpha = alpha + STEP;
      double nextBeta = beta - STEP;
      int left = start;
      while (left < end && below[left] < nextAlpha * total) {
        left++;
      }
      int right = end;
      while (right > start && below[right] > nextBeta * total) {
        right--;
      }
      boolean fromLeft = left - start > end - right;
      int nextStart = fromLeft ? left : start;
      int nextEnd = fromLeft ? end : right;
      alpha = fromLeft ? nextAlpha : alpha;
      beta = fromLeft ? beta : nextBeta;
      if (nextStart == start && nextEnd == end) {
        continue;
      }
      double error = error(nextStart, nextEnd);
      if (error > least) {
        break;
      }
      least = error;
      start = nextStart;
      end = nextEnd;
    }
    float width = (max - min) / bins;
    return new Range(min + width * start, min + width * (end + 1));
  }

  /** The squared error when the bins from start to end share the levels, values even in a bin. */
  private double error(int start, int end) {
    double width = ((double) max - min) / bins;
    double level = width * (end - start + 1) / levels;
    if (level == 0) {
      return 0;
    }
    double full = cube(level / 2) * 2;
    double sum = 0;
    for (int i = 0; i < bins; i++) {
      if (histogram[i] == 0) {
        continue;
      }
      float begin = (float) ((i - start) * width);
      float stop = (float) (begin + width);
      double levelOfBegin = clampToLevel(Math.floor(begin / level));
      double levelOfStop = clampToLevel(Math.floor(stop / level));
      double error = cube(level / 2) - cube(begin - (levelOfBegin + 0.5) * level);
      error += (levelOfStop - levelOfBegin - 1) * full;
      error += cube(stop - (levelOfStop + 0.5) * level) - cube(-level / 2);
      sum += histogram[i] / width * error / 3;
    }
    return sum;
  }

  private double clampToLevel(double level) {
    return Math.min(Math.max(level, 0), levels - 1);
  }

  private static double cube(double x) {
    return x * x * x;
  }

  private void requireSeen() {
    if (min > max) {
      throw new IllegalStateException("no finite value was seen; collect a batch first");
    }
  }
}
