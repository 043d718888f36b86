package dev.octet.core.range.parity;

import dev.octet.core.range.parity.NvidiaHistogramCalibrator.Path;
import java.util.Arrays;

/**
 * The edges and counts of torch.histc, torch.linspace, torch.arange and numpy.histogram, in float32
 * where those round to it.
 */
final class NvidiaBins {
  private NvidiaBins() {}

  static NvidiaHistogram first(float[] magnitudes, int bins, Path path) {
    float max = max(magnitudes);
    if (path == Path.TORCH) {
      float[] edges = torchLinspace(max, bins);
      return new NvidiaHistogram(edges, histc(magnitudes, bins, max));
    }
    float min = max;
    for (float magnitude : magnitudes) {
      min = Math.min(min, magnitude);
    }
    float[] edges = numpyLinspace(min, max, bins);
    return new NvidiaHistogram(edges, countBetween(magnitudes, edges));
  }

  static NvidiaHistogram next(NvidiaHistogram before, float[] magnitudes, Path path) {
    float[] edges = before.edges();
    int bins = before.counts().length;
    float max = max(magnitudes);
    if (max > edges[edges.length - 1]) {
      float width = edges[1] - edges[0];
      if (path == Path.TORCH) {
        bins = (int) Math.ceil(max / width);
        edges = torchArange(max + width, width);
      } else {
        edges = numpyAppend(edges, max + width, width);
        bins = edges.length - 1;
      }
    }
    long[] counts =
        path == Path.TORCH
            ? histc(magnitudes, bins, edges[edges.length - 1])
            : countBetween(magnitudes, edges);
    for (int i = 0; i < before.counts().length; i++) {
      counts[i] += before.counts()[i];
    }
    return new NvidiaHistogram(edges, counts);
  }

  private static float max(float[] magnitudes) {
    float max = 0;
    for (float magnitude : magnitudes) {
      max = Math.max(max, magnitude);
    }
    return max;
  }

  /** torch.linspace(0, max, bins + 1): from both ends towards the middle. */
  private static float[] torchLinspace(float max, int bins) {
    float step = max / bins;
    float[] edges = new float[bins + 1];
    for (int i = 0; i <= bins; i++) {
      edges[i] =
          i < (bins + 1) / 2 ? step * i : (float) ((double) max - (double) step * (bins - i));
    }
    return edges;
  }

  /** torch.arange(0, end, step), computed in double and rounded once. */
  private static float[] torchArange(float end, float step) {
    float[] edges = new float[(int) Math.ceil((double) end / step)];
    for (int i = 0; i < edges.length; i++) {
      edges[i] = (float) ((double) step * i);
    }
    return edges;
  }

  /** torch.histc(x, bins, 0, max): the index from a division, not from the edges. */
  private static long[] histc(float[] magnitudes, int bins, float max) {
    long[] counts = new long[bins];
    for (float magnitude : magnitudes) {
      if (magnitude <= max) {
        int bin = (int) (magnitude * bins / max);
        counts[Math.min(bin, bins - 1)]++;
      }
    }
    return counts;
  }

  static float[] numpyLinspace(float min, float max, int bins) {
    double step = ((double) max - min) / bins;
    float[] edges = new float[bins + 1];
    for (int i = 0; i < bins; i++) {
      edges[i] = (float) (i * step + min);
    }
    edges[bins] = max;
    return edges;
  }

  /** The edges followed by numpy.arange(last + width, end, width), which adds in float32. */
  private static float[] numpyAppend(float[] edges, float end, float width) {
    float start = edges[edges.length - 1] + width;
    int more = (int) Math.ceil(((double) end - start) / width);
    float[] longer = Arrays.copyOf(edges, edges.length + Math.max(0, more));
    float step = (start + width) - start;
    for (int i = 0; i < more; i++) {
      longer[edges.length + i] = start + i * step;
    }
    return longer;
  }

  /** numpy.histogram over given edges: left edges belong to a bin, the last bin has both. */
  static long[] countBetween(float[] magnitudes, float[] edges) {
    long[] counts = new long[edges.length - 1];
    for (float magnitude : magnitudes) {
      if (magnitude < edges[0] || magnitude > edges[counts.length]) {
        continue;
      }
      int found = Arrays.binarySearch(edges, magnitude);
      int bin = found >= 0 ? found : -found - 2;
      counts[Math.min(bin, counts.length - 1)]++;
    }
    return counts;
  }
}
