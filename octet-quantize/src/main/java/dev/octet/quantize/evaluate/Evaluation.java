package dev.octet.quantize.evaluate;

import dev.octet.graph.Model;
import dev.octet.quantize.Progress;
import dev.octet.quantize.data.Batch;
import dev.octet.quantize.data.Batches;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.metric.Metric;
import dev.octet.quantize.metric.Outcome;
import dev.octet.quantize.metric.Score;
import dev.octet.quantize.metric.Tally;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * How good a model is on samples, and beside it the float model it came from.
 *
 * @param samples how many samples it rests on
 * @param scores what the metrics say of the model
 * @param referenceScores what they say of the float model itself; empty without one
 */
public record Evaluation(long samples, List<Score> scores, List<Score> referenceScores) {

  public Evaluation {
    scores = List.copyOf(scores);
    referenceScores = List.copyOf(referenceScores);
  }

  /**
   * Runs {@code model}, and {@code reference} if there is one, over all samples once.
   *
   * @param reference the float model, with the same inputs and outputs; or null
   * @param batchSize samples in a batch, where the model leaves that open
   */
  public static Evaluation run(
      Model model,
      @Nullable Model reference,
      Samples samples,
      int batchSize,
      List<Metric> metrics,
      Progress progress) {
    List<Tally> tallies = metrics.stream().map(Metric::tally).toList();
    List<Tally> referenceTallies = metrics.stream().map(Metric::tally).toList();
    long count = 0;
    progress.begin("evaluating", samples.size());
    try (ModelRun run = ModelRun.open(model, List.of());
        ModelRun referenceRun = reference == null ? null : ModelRun.open(reference, List.of());
        Batches batches = Batches.of(samples, run.binding(), batchSize)) {
      while (batches.hasNext()) {
        Batch batch = batches.next();
        List<OptionalInt> labels = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
          labels.add(batch.label(i));
        }
        Map<String, HostTensor> actual = run.run(batch);
        Map<String, HostTensor> expected =
            referenceRun == null ? Map.of() : referenceRun.run(batch);
        Outcome outcome = new Outcome(actual, expected, labels);
        tallies.forEach(tally -> tally.add(outcome));
        if (referenceRun != null) {
          Outcome own = new Outcome(expected, Map.of(), labels);
          referenceTallies.forEach(tally -> tally.add(own));
        }
        count += batch.size();
        progress.advance(batch.size());
      }
    }
    progress.end();
    return new Evaluation(count, scores(tallies), scores(referenceTallies));
  }

  /** The figure of {@code metric} for the first output that has one, or NaN. */
  public double value(String metric) {
    return first(scores, metric);
  }

  private static double first(List<Score> scores, String metric) {
    return scores.stream()
        .filter(score -> score.metric().equals(metric))
        .mapToDouble(Score::value)
        .findFirst()
        .orElse(Double.NaN);
  }

  private static List<Score> scores(List<Tally> tallies) {
    return tallies.stream().flatMap(tally -> tally.scores().stream()).toList();
  }
}
