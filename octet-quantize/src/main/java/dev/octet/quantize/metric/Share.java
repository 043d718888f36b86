package dev.octet.quantize.metric;

import java.util.List;

/** A count of hits among samples: the tally behind top-k and agreement. */
abstract class Share implements Tally {

  private final String metric;
  private String output = "";
  private long hits;
  private long count;
  private long nonFinite;

  Share(String metric) {
    this.metric = metric;
  }

  /** An empty tally of the same metric. */
  abstract Share fresh();

  /** Names the output that is judged. */
  void judging(String name) {
    output = name;
  }

  /** Counts a sample. */
  void count(boolean hit, boolean sawNaN) {
    count++;
    hits += hit ? 1 : 0;
    nonFinite += sawNaN ? 1 : 0;
  }

  @Override
  public final Tally merge(Tally other) {
    if (!(other instanceof Share that) || !that.metric.equals(metric)) {
      throw new IllegalArgumentException("a tally of '" + metric + "' merges with its own");
    }
    Share merged = fresh();
    merged.judging(output.isEmpty() ? that.output : output);
    merged.hits = hits + that.hits;
    merged.count = count + that.count;
    merged.nonFinite = nonFinite + that.nonFinite;
    return merged;
  }

  @Override
  public final List<Score> scores() {
    return count == 0
        ? List.of()
        : List.of(
            new Score(metric, output, (double) hits / count, Score.Unit.SHARE, count, nonFinite));
  }
}
