package dev.octet.quantize.data;

import java.util.Optional;

/**
 * What a path gives: samples to calibrate with and samples to evaluate with.
 *
 * @param calibration the training part, where the path holds one
 * @param evaluation the test part, where the path holds one
 * @param sameSet whether both are the same samples, which a report must say
 * @param preprocessing how images are prepared; empty for arrays and tokens
 */
public record DataSet(
    Samples calibration,
    Samples evaluation,
    boolean sameSet,
    Optional<Preprocessing> preprocessing) {

  static DataSet of(Samples both, Optional<Preprocessing> preprocessing) {
    return new DataSet(both, both, true, preprocessing);
  }

  /** What the path holds, in words. */
  public String description() {
    return sameSet
        ? calibration.description()
        : calibration.description() + "; evaluation: " + evaluation.description();
  }
}
