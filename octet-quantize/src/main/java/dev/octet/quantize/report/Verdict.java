package dev.octet.quantize.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What the numbers say, in words: the answer to "what did it cost?".
 *
 * <p>The grade comes from the first source that has one: the largest loss among metrics in percent
 * that both models have; then the lowest metric in percent that compares the two, such as
 * agreement; then the lowest SQNR of an output. The bounds are conventions, not laws: half a
 * percentage point is what W8A8 of a convolutional network costs when it goes well, 30 dB is noise
 * of a thousandth of the signal's power, and at 20 dB a hundredth.
 *
 * @param grade how bad it is
 * @param title the same in two or three words
 * @param text one or two sentences with the figures
 */
record Verdict(Grade grade, String title, String text) {
  private static final double SMALL_LOSS = 0.5;
  private static final double FAIR_LOSS = 2;
  private static final double GOOD_AGREEMENT = 99;
  private static final double FAIR_AGREEMENT = 95;
  private static final double GOOD_DB = 30;
  private static final double FAIR_DB = 20;

  /** How bad it is. */
  enum Grade {
    GOOD,
    FAIR,
    POOR,
    UNKNOWN
  }

  static Verdict of(QuantizationReport report) {
    Grade grade = grade(report);
    boolean comparison = report.run().kind() == RunInfo.Kind.COMPARISON;
    String title =
        switch (grade) {
          case GOOD -> comparison ? "Nearly alike" : "Cost next to nothing";
          case FAIR -> comparison ? "Visibly different" : "Cost something";
          case POOR -> comparison ? "Far apart" : "Cost too much";
          case UNKNOWN -> "Quality not measured";
        };
    List<String> sentences = new ArrayList<>();
    sizeSentence(report).ifPresent(sentences::add);
    qualitySentence(report).ifPresent(sentences::add);
    if (grade == Grade.UNKNOWN) {
      sentences.add("No sample was evaluated, so nothing is known about its answers.");
    }
    return new Verdict(grade, title, String.join(" ", sentences));
  }

  private static Grade grade(QuantizationReport report) {
    // The extreme of numbers among which is a NaN is NaN, and that is graded as poor.
    OptionalDouble loss =
        percentages(report).stream()
            .map(MetricResult::loss)
            .filter(OptionalDouble::isPresent)
            .mapToDouble(OptionalDouble::getAsDouble)
            .max();
    if (loss.isPresent()) {
      return atMost(loss.getAsDouble(), SMALL_LOSS, FAIR_LOSS);
    }
    OptionalDouble agreement =
        percentages(report).stream()
            .filter(metric -> metric.floatValue() == null && metric.higherIsBetter())
            .mapToDouble(MetricResult::quantizedValue)
            .min();
    if (agreement.isPresent()) {
      return atMost(-agreement.getAsDouble(), -GOOD_AGREEMENT, -FAIR_AGREEMENT);
    }
    return worstOutput(report)
        .map(output -> atMost(-sqnr(output), -GOOD_DB, -FAIR_DB))
        .orElse(Grade.UNKNOWN);
  }

  /** NaN is neither good nor fair. */
  private static Grade atMost(double cost, double good, double fair) {
    // A loss of 0.5 points is often 0.4999999 or 0.5000001 after subtracting two percentages.
    double slack = 1e-9;
    return cost <= good + slack ? Grade.GOOD : cost <= fair + slack ? Grade.FAIR : Grade.POOR;
  }

  private static List<MetricResult> percentages(QuantizationReport report) {
    return report.metrics().stream().filter(metric -> metric.unit().equals("%")).toList();
  }

  /** The output with the lowest SQNR, a NaN below all; empty when none was measured. */
  static Optional<OutputReport> worstOutput(QuantizationReport report) {
    return report.outputs().stream()
        .filter(output -> output.sqnrDb() != null)
        .min(Comparator.comparingDouble(Verdict::sqnr));
  }

  private static double sqnr(OutputReport output) {
    Double sqnr = output.sqnrDb();
    return sqnr == null || sqnr.isNaN() ? Double.NEGATIVE_INFINITY : sqnr;
  }

  private static Optional<String> sizeSentence(QuantizationReport report) {
    ModelSize size = report.size();
    if (size == null || Double.isNaN(size.ratio())) {
      return Optional.empty();
    }
    double ratio = size.ratio();
    String change =
        ratio >= 1.05
            ? String.format(Locale.ROOT, "%.1f times smaller", ratio)
            : ratio <= 0.95
                ? String.format(Locale.ROOT, "%.1f times larger", 1 / ratio)
                : "about as large as before";
    return Optional.of(
        "The model is %s (%s, was %s)."
            .formatted(
                change, Figures.bytes(size.bytesAfter()), Figures.bytes(size.bytesBefore())));
  }

  private static Optional<String> qualitySentence(QuantizationReport report) {
    List<String> clauses = new ArrayList<>();
    for (MetricResult metric : report.metrics()) {
      OptionalDouble loss = metric.loss();
      if (loss.isPresent() && clauses.isEmpty()) {
        clauses.add(changeClause(metric, loss.getAsDouble()));
      } else if (metric.floatValue() == null && metric.unit().equals("%")) {
        clauses.add(
            Figures.line(metric.name())
                + " with the float model is "
                + Figures.metric(metric.quantizedValue(), metric.unit()));
      }
    }
    worstOutput(report)
        .ifPresent(
            output ->
                clauses.add(
                    sqnr(output) == Double.POSITIVE_INFINITY
                        ? "every output is exactly equal"
                        : "output '%s' keeps an SQNR of %s"
                            .formatted(
                                Figures.name(output.name()), Figures.decibels(output.sqnrDb()))));
    if (clauses.isEmpty()) {
      return Optional.empty();
    }
    String joined = String.join("; ", clauses);
    return Optional.of(joined.substring(0, 1).toUpperCase(Locale.ROOT) + joined.substring(1) + ".");
  }

  private static String changeClause(MetricResult metric, double loss) {
    String name = Figures.line(metric.name());
    String now = Figures.metric(metric.quantizedValue(), metric.unit());
    String before = Figures.metric(metric.floatValue(), metric.unit());
    if (now.equals(before)) {
      return name + " stays at " + now;
    }
    String verb =
        !metric.unit().equals("%")
            ? (loss > 0 ? "worsened" : "improved")
            : (loss > 0 == metric.higherIsBetter() ? "fell" : "rose")
                + " by %s percentage points".formatted(Figures.number(Math.abs(loss), 1));
    return "%s %s to %s (was %s)".formatted(name, verb, now, before);
  }
}
