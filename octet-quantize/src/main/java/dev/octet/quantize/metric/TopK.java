package dev.octet.quantize.metric;

import dev.octet.quantize.data.HostTensor;
import java.util.Map;
import java.util.OptionalInt;

/**
 * The share of labelled samples whose label is among the k classes with the largest scores; no
 * figure where there are not more than k classes.
 */
record TopK(String name, int k) implements Metric {

  @Override
  public Tally tally() {
    return new Hits(this);
  }

  private static final class Hits extends Share {
    private final TopK metric;

    Hits(TopK metric) {
      super(metric.name);
      this.metric = metric;
    }

    @Override
    Share fresh() {
      return new Hits(metric);
    }

    @Override
    public void add(Outcome outcome) {
      if (outcome.actual().isEmpty()) {
        return;
      }
      Map.Entry<String, HostTensor> first = outcome.actual().entrySet().iterator().next();
      ClassScores scores = ClassScores.of(first.getValue());
      if (scores.classes() <= metric.k) {
        return; // every class is among the k largest: a figure would say nothing
      }
      if (scores.samples() != outcome.labels().size()) {
        throw new IllegalArgumentException(
            "output '"
                + first.getKey()
                + "' has "
                + scores.samples()
                + " samples, the batch "
                + outcome.labels().size()
                + " labels; is its first axis the batch?");
      }
      judging(first.getKey());
      for (int i = 0; i < scores.samples(); i++) {
        OptionalInt label = outcome.labels().get(i);
        if (label.isPresent()) {
          boolean sawNaN = scores.hasNaN(i);
          int wanted = label.getAsInt();
          boolean known = wanted >= 0 && wanted < scores.classes();
          count(known && !sawNaN && scores.rank(i, wanted) < metric.k, sawNaN);
        }
      }
    }
  }
}
