package dev.octet.cli;

import dev.octet.quantize.data.DataSet;
import dev.octet.quantize.data.Samples;
import java.nio.file.Path;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Samples for calibration and for evaluation from different places. */
final class SplitDataOptions {
  @Option(
      names = "--calibration",
      paramLabel = "PATH",
      description = "Calibrate on these samples instead of those of --data.")
  private @Nullable Path calibration;

  @Option(
      names = "--evaluation",
      paramLabel = "PATH",
      description = "Evaluate on these samples instead of those of --data.")
  private @Nullable Path evaluation;

  @Option(
      names = "--no-evaluation",
      description = "Do not run the result: no evaluation, no error of layers.")
  private boolean noEvaluation;

  /** Whether neither path is given. */
  boolean none() {
    return calibration == null && evaluation == null;
  }

  /**
   * Opens what is given, each path once.
   *
   * @param most samples to calibrate on
   */
  SampleSets open(DataOptions data, Function<Path, DataSet> opener, int most) {
    if (noEvaluation && evaluation != null) {
      throw new OptionException("--evaluation and --no-evaluation contradict each other; drop one");
    }
    Path first = calibration != null ? calibration : data.path();
    Path second = noEvaluation ? null : evaluation != null ? evaluation : data.path();
    DataSet forRanges = first == null ? null : opener.apply(first);
    boolean onePath = second != null && second.equals(first);
    DataSet forJudging = onePath ? forRanges : second == null ? null : opener.apply(second);
    Samples calibrated = forRanges == null ? null : forRanges.calibration().representative(most);
    Samples judged = forJudging == null ? null : data.forEvaluation(forJudging.evaluation());
    return new SampleSets(
        calibrated, judged, onePath && forRanges != null && forRanges.sameSet(), !noEvaluation);
  }
}
