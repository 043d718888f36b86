package dev.octet.quantize.metric;

import dev.octet.quantize.data.HostTensor;
import java.util.Map;

/** The share of samples that get the same class from both models. */
record Agreement() implements Metric {

  private static final String NAME = "agreement";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Tally tally() {
    return new Same();
  }

  private static final class Same extends Share {
    Same() {
      super(NAME);
    }

    @Override
    Share fresh() {
      return new Same();
    }

    @Override
    public void add(Outcome outcome) {
      if (outcome.actual().isEmpty()) {
        return;
      }
      Map.Entry<String, HostTensor> first = outcome.actual().entrySet().iterator().next();
      HostTensor reference = outcome.reference().get(first.getKey());
      if (reference == null) {
        return;
      }
      ClassScores actual = ClassScores.of(first.getValue());
      ClassScores wanted = ClassScores.of(reference);
      if (actual.samples() != wanted.samples() || actual.classes() != wanted.classes()) {
        throw new IllegalArgumentException(
            "output '"
                + first.getKey()
                + "' is "
                + first.getValue()
                + ", the float model's "
                + reference);
      }
      if (actual.classes() < 2) {
        return;
      }
      judging(first.getKey());
      for (int i = 0; i < actual.samples(); i++) {
        boolean sawNaN = actual.hasNaN(i) || wanted.hasNaN(i);
        count(!sawNaN && actual.argMax(i) == wanted.argMax(i), sawNaN);
      }
    }
  }
}
