package dev.octet.quantize.metric;

import java.util.Locale;

/**
 * One figure that a metric arrived at.
 *
 * @param metric the metric's name
 * @param output the model output it is about
 * @param value the figure; may be infinite (no noise at all, say), never NaN
 * @param unit what it counts
 * @param count how many samples or values it rests on; at least 1
 * @param nonFinite how many samples or values had a NaN or an infinity: a reader must be told
 */
public record Score(
    String metric, String output, double value, Unit unit, long count, long nonFinite) {

  /** What a figure counts. */
  public enum Unit {
    /** A share of all, 0 to 1. */
    SHARE,
    /** Decibels: 10 log10 of a ratio of energies. */
    DECIBEL,
    /** A plain number. */
    NUMBER
  }

  public Score {
    if (Double.isNaN(value)) {
      throw new IllegalArgumentException("score '" + metric + "' of '" + output + "' is NaN");
    }
  }

  /** The value as people write it, such as {@code 98.13 %} or {@code 28.2 dB}. */
  public String text() {
    return switch (unit) {
      case SHARE -> String.format(Locale.ROOT, "%.2f %%", 100 * value);
      case DECIBEL ->
          Double.isInfinite(value)
              ? (value > 0 ? "exact" : "no signal left")
              : String.format(Locale.ROOT, "%.1f dB", value);
      case NUMBER -> String.format(Locale.ROOT, "%.6g", value);
    };
  }
}
