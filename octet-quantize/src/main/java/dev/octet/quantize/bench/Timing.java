package dev.octet.quantize.bench;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What one side took, in milliseconds of wall clock.
 *
 * @param runs how many runs the next three figures are of
 * @param medianMs the median
 * @param p10Ms a tenth of the runs took at most this
 * @param p90Ms nine tenths of the runs took at most this
 * @param loadMs from the file to ready to run, in a fresh process: starting the runtime included
 * @param firstRunMs the first run
 * @param peakBytes the most memory that the process had resident, the JVM included; null where the
 *     system does not tell
 */
public record Timing(
    int runs,
    double medianMs,
    double p10Ms,
    double p90Ms,
    double loadMs,
    double firstRunMs,
    @Nullable Long peakBytes) {

  private static final double NANOSECONDS = 1e6; // in a millisecond

  static Timing of(long[] nanoseconds, long load, long firstRun, long peakBytes) {
    long[] sorted = nanoseconds.clone();
    Arrays.sort(sorted);
    return new Timing(
        sorted.length,
        quantile(sorted, 0.5) / NANOSECONDS,
        quantile(sorted, 0.1) / NANOSECONDS,
        quantile(sorted, 0.9) / NANOSECONDS,
        load / NANOSECONDS,
        firstRun / NANOSECONDS,
        peakBytes < 0 ? null : peakBytes);
  }

  /** Linear between the two nearest ranks, as NumPy has it. */
  private static double quantile(long[] sorted, double share) {
    double at = share * (sorted.length - 1);
    int below = (int) at;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }
}
