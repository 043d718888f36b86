package dev.octet.core.range.parity;

import dev.octet.core.range.EntropySearch;

/**
 * A histogram of magnitudes as pytorch-quantization holds one, and its three ways to find amax in
 * it. Edges are float32; there is one more than bins, rarely two.
 */
final class NvidiaHistogram {
  private final float[] edges;
  private final long[] counts;

  /** Takes both arrays over; nobody else may change them. */
  NvidiaHistogram(float[] edges, long[] counts) {
    this.edges = edges;
    this.counts = counts;
  }

  float[] edges() {
    return edges;
  }

  long[] counts() {
    return counts;
  }

  /** Levels of a magnitude: {@code 2^(bits − 1)}, twice that when unsigned. */
  private static int levels(int bits, boolean unsigned) {
    return 1 << (bits - 1 + (unsigned ? 1 : 0));
  }

  float entropy(int bits, boolean unsigned, int stride, int startBin) {
    if (startBin > counts.length) {
      throw new IllegalArgumentException(
          "start bin is %d of %d bins; choose fewer".formatted(startBin, counts.length));
    }
    long[] bins = counts.clone();
    bins[0] = bins[1]; // zeros are not what the clip is about
    return edges[EntropySearch.bestBins(bins, levels(bits, unsigned), startBin, stride)];
  }

  float mse(int bits, boolean unsigned, int stride, int startBin) {
    float bound = levels(bits, unsigned) - 1;
    float[] centres = new float[counts.length];
    for (int i = 0; i < centres.length; i++) {
      centres[i] = (edges[i] + edges[i + 1]) / 2;
    }
    double least = Double.POSITIVE_INFINITY;
    int best = Math.min(startBin, centres.length - 1);
    for (int i = startBin; i < centres.length; i += stride) {
      float scale = bound / centres[i];
      double score = 0;
      for (int j = 0; j < centres.length; j++) {
        if (counts[j] > 0) {
          float level = Math.min((float) Math.rint(centres[j] * scale), bound);
          float error = level / scale - centres[j];
          score += (double) (error * error) * counts[j];
        }
      }
      if (score < least) {
        least = score;
        best = i;
      }
    }
    return centres[best];
  }

  float percentile(double percent) {
    if (!(percent >= 0 && percent <= 100)) {
      throw new IllegalArgumentException("percentile is " + percent + "; choose 0 to 100");
    }
    double total = 0;
    for (long count : counts) {
      total += count;
    }
    double below = 0;
    for (int i = 0; i < counts.length; i++) {
      below += counts[i] / total;
      if (below >= percent / 100) {
        return edges[i];
      }
    }
    return edges[counts.length]; // rounding left the sum just short of 1
  }
}
