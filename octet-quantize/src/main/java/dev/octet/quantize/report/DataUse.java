package dev.octet.quantize.report;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which samples the numbers of a report come from.
 *
 * @param calibration the samples that ranges were learned from; null when none were needed
 * @param evaluation the samples that the metrics were measured on; null when nothing was measured
 * @param sameSetForBoth whether evaluation saw samples that calibration had seen
 */
public record DataUse(
    @Nullable SampleSet calibration, @Nullable SampleSet evaluation, boolean sameSetForBoth) {

  /**
   * One set of samples.
   *
   * @param source where they came from, in words: a folder, a file and its part, a generator and
   *     its seed
   * @param samples how many were used
   * @param skipped how many could not be read and were left out
   */
  public record SampleSet(String source, long samples, long skipped) {
    /** Refuses a missing source and negative counts. */
    public SampleSet {
      Objects.requireNonNull(source, "source");
      Check.notNegative(samples, "samples");
      Check.notNegative(skipped, "skipped");
    }
  }

  /** What to tell a reader when one set served both purposes; empty when it did not. */
  public Optional<String> sameSetWarning() {
    return sameSetForBoth
        ? Optional.of(
            "the same samples were used for calibration and evaluation; the accuracy below is likely"
                + " better than on unseen data")
        : Optional.empty();
  }
}
