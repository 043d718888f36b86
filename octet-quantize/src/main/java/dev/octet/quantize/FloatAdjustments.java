package dev.octet.quantize;

import static java.util.stream.Collectors.joining;

import dev.octet.core.range.Range;
import dev.octet.core.range.RangeCollector;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.quantize.adjust.CrossLayerEqualization;
import dev.octet.quantize.adjust.Refusal;
import dev.octet.quantize.adjust.SmoothQuant;
import dev.octet.quantize.calibrate.Calibration;
import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.Samples;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The optional steps that change a float model before it is placed and calibrated, so that it
 * computes the same and rounds better.
 */
final class FloatAdjustments {
  /** Reasons are told in full up to this many; then they are counted. */
  private static final int TOLD_REASONS = 3;

  private final Model model;
  private final Recipe recipe;
  private final Progress progress;
  private final List<String> warnings = new ArrayList<>();

  FloatAdjustments(Model model, Recipe recipe, Progress progress) {
    this.model = model;
    this.recipe = recipe;
    this.progress = progress;
  }

  /** Evens out neighbouring layers, where the recipe asks for it. */
  void equalize() {
    if (!recipe.crossLayerEqualization()) {
      return;
    }
    CrossLayerEqualization.Result result = CrossLayerEqualization.apply(model.graph());
    warn("cross-layer equalization", "pairs", result.pairs().size(), result.refusals());
  }

  /**
   * Moves outlying features of inputs into weights, where the recipe asks for it. That takes a pass
   * over the samples, whose state lies beside that of the calibration.
   *
   * @throws DataException if samples are needed and missing
   */
  void smooth(@Nullable Samples samples, @Nullable Path calibrationState) {
    Double strength = recipe.smoothQuant();
    if (strength == null) {
      return;
    }
    SmoothQuant smoothing = SmoothQuant.find(model.graph());
    warn("SmoothQuant", "inputs", smoothing.sites().size(), smoothing.refusals());
    if (smoothing.sites().isEmpty()) {
      return;
    }
    if (samples == null) {
      throw new DataException(
          "SmoothQuant needs samples to learn which features of an input are large; give some, or"
              + " leave it out");
    }
    Calibration calibration =
        Calibration.of(model).batchSize(recipe.batchSize()).progress(progress);
    for (SmoothQuant.Site site : smoothing.sites()) {
      calibration.watchFeatures(site.input(), site.channels());
    }
    if (calibrationState != null) {
      calibration.resumable(stateFile(calibrationState), Fingerprint.of(model, recipe, samples));
    }
    smoothing.apply(maxima(calibration.run(samples)), strength);
  }

  /** Where the pass over the samples keeps its state when calibration keeps its own in a file. */
  static Path stateFile(Path calibrationState) {
    return calibrationState.resolveSibling(calibrationState.getFileName() + ".features");
  }

  /** What the user asked for and did not get everywhere. */
  List<String> warnings() {
    return List.copyOf(warnings);
  }

  private static Map<String, double[]> maxima(Calibration.Result seen) {
    Map<String, double[]> maxima = new HashMap<>();
    for (Map.Entry<String, RangeCollector> entry : seen.collectors().entrySet()) {
      List<Range> ranges = entry.getValue().ranges();
      double[] max = new double[ranges.size()];
      for (int i = 0; i < max.length; i++) {
        max[i] = ranges.get(i).amax();
      }
      maxima.put(entry.getKey(), max);
    }
    return maxima;
  }

  private void warn(String step, String what, int done, List<Refusal> refusals) {
    if (refusals.isEmpty() && done > 0) {
      return;
    }
    String reasons =
        refusals.stream().limit(TOLD_REASONS).map(Refusal::toString).collect(joining("; "));
    int more = refusals.size() - TOLD_REASONS;
    warnings.add(
        "%s changed %s%s%s%s"
            .formatted(
                step,
                done == 0 ? "nothing" : done + " " + what,
                refusals.isEmpty() ? "" : " and left the others as they were: ",
                reasons,
                more > 0 ? "; and " + more + " more" : ""));
  }
}
