package dev.octet.quantize.report;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * How a tensor's values are spread, coarse enough to draw. Bin {@code i} holds the values from
 * {@code lowerEdge + i * binWidth} up to the next edge.
 *
 * @param lowerEdge where the first bin begins, finite
 * @param binWidth width of every bin, positive and finite
 * @param counts values per bin, none negative; at most {@value #MAX_BINS} bins, at least one
 */
public record ValueHistogram(double lowerEdge, double binWidth, List<Long> counts) {
  /** A chart shows no more, and a report with a thousand tensors stays small. */
  public static final int MAX_BINS = 128;

  /** Copies the counts and checks the bounds above. */
  public ValueHistogram {
    counts = List.copyOf(counts);
    if (counts.isEmpty() || counts.size() > MAX_BINS) {
      throw new IllegalArgumentException(
          "histogram has "
              + counts.size()
              + " bins; give 1 to "
              + MAX_BINS
              + ", or use downsampled(...)");
    }
    if (!Double.isFinite(lowerEdge) || !(binWidth > 0) || Double.isInfinite(binWidth)) {
      throw new IllegalArgumentException(
          "histogram from "
              + lowerEdge
              + " by "
              + binWidth
              + "; give a finite edge and a positive width");
    }
    counts.forEach(count -> Check.notNegative(count, "counts"));
  }

  /**
   * Merges equal groups of neighbouring bins until at most {@value #MAX_BINS} are left. No value is
   * lost: the counts of the result add up to the counts given. Where groups do not fit evenly the
   * last is filled up with empty bins.
   *
   * @param lowerEdge where the first bin begins
   * @param binWidth width of the bins given
   * @param counts values per bin given; at least one bin
   */
  public static ValueHistogram downsampled(double lowerEdge, double binWidth, long[] counts) {
    int group = Math.max(1, (counts.length + MAX_BINS - 1) / MAX_BINS);
    List<Long> merged =
        new ArrayList<>(Collections.nCopies((counts.length + group - 1) / group, 0L));
    for (int i = 0; i < counts.length; i++) {
      merged.set(i / group, Math.addExact(merged.get(i / group), counts[i]));
    }
    return new ValueHistogram(lowerEdge, binWidth * group, merged);
  }
}
