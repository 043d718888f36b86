package dev.octet.quantize.metric;

import dev.octet.quantize.data.HostTensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** A figure of the {@link Difference} of each output from the float model's. */
record DifferenceMetric(String name, Score.Unit unit, ToDoubleFunction<Difference> figure)
    implements Metric {

  @Override
  public Tally tally() {
    return new Differences(this, new LinkedHashMap<>());
  }

  private record Differences(DifferenceMetric metric, Map<String, Difference> byOutput)
      implements Tally {

    @Override
    public void add(Outcome outcome) {
      outcome
          .actual()
          .forEach(
              (output, actual) -> {
                HostTensor reference = outcome.reference().get(output);
                if (reference != null) {
                  byOutput.computeIfAbsent(output, name -> new Difference()).add(reference, actual);
                }
              });
    }

    @Override
    public Tally merge(Tally other) {
      if (!(other instanceof Differences that) || !that.metric.name.equals(metric.name)) {
        throw new IllegalArgumentException("a tally of '" + metric.name + "' merges with its own");
      }
      Map<String, Difference> merged = new LinkedHashMap<>(byOutput);
      that.byOutput.forEach((output, sums) -> merged.merge(output, sums, Difference::merge));
      // An output that only one side has is shared after this: give the new tally its own.
      merged.replaceAll((output, sums) -> sums.merge(new Difference()));
      return new Differences(metric, merged);
    }

    @Override
    public List<Score> scores() {
      return byOutput.entrySet().stream()
          .filter(entry -> entry.getValue().count() > 0)
          .map(
              entry ->
                  new Score(
                      metric.name,
                      entry.getKey(),
                      metric.figure.applyAsDouble(entry.getValue()),
                      metric.unit,
                      entry.getValue().count(),
                      entry.getValue().nonFinite()))
          .toList();
    }
  }
}
