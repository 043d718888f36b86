package dev.octet.quantize;

import dev.octet.quantize.evaluate.Evaluation;
import dev.octet.quantize.metric.Score;
import dev.octet.quantize.report.MetricResult;
import dev.octet.quantize.report.OutputReport;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** An evaluation in the words of a report. */
final class Judgement {
  private Judgement() {}

  /** What is said of each output by itself. */
  static List<OutputReport> outputs(Evaluation evaluation) {
    Map<String, Map<String, Double>> byOutput = new LinkedHashMap<>();
    for (Score score : evaluation.scores()) {
      if (score.unit() != Score.Unit.SHARE) {
        byOutput
            .computeIfAbsent(score.output(), name -> new HashMap<>())
            .put(score.metric(), score.value());
      }
    }
    List<OutputReport> reports = new ArrayList<>();
    byOutput.forEach(
        (name, figures) ->
            reports.add(
                new OutputReport(
                    name, figures.get("sqnr"), figures.get("cosine"), figures.get("max-error"))));
    return reports;
  }

  /** Shares of samples, in percent, beside those of the float model. */
  static List<MetricResult> metrics(Evaluation evaluation) {
    List<MetricResult> results = new ArrayList<>();
    for (Score score : evaluation.scores()) {
      if (score.unit() == Score.Unit.SHARE) {
        Double own =
            evaluation.referenceScores().stream()
                .filter(
                    other ->
                        other.metric().equals(score.metric())
                            && other.output().equals(score.output()))
                .map(other -> 100 * other.value())
                .findFirst()
                .orElse(null);
        results.add(MetricResult.percent(score.metric(), own, 100 * score.value()));
      }
    }
    return results;
  }
}
