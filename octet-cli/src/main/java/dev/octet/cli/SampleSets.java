package dev.octet.cli;

import dev.octet.quantize.PostTraining;
import dev.octet.quantize.data.Samples;
import org.jspecify.annotations.Nullable;

/**
 * The samples of a run.
 *
 * @param calibration what ranges are learned from; null for nothing
 * @param evaluation what the result is judged on; null for nothing
 * @param same whether both come from one set
 * @param runResult whether the result is to be run at all
 */
record SampleSets(
    @Nullable Samples calibration, @Nullable Samples evaluation, boolean same, boolean runResult) {

  /** Hands them over. */
  void giveTo(PostTraining training) {
    training.compareLayers(runResult);
    if (calibration != null) {
      training.calibrate(calibration);
    }
    if (evaluation != null) {
      training.evaluate(evaluation).sameSet(same);
    }
  }
}
