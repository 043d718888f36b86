package dev.octet.quantize.report;

import org.jspecify.annotations.Nullable;

/** The bounds that the report's records share, each with one message. */
final class Check {
  private Check() {}

  static void notNegative(long value, String name) {
    if (value < 0) {
      throw new IllegalArgumentException(
          "'" + name + "' is " + value + "; it counts, so give 0 or more");
    }
  }

  /** A fraction that was not measured is null, never NaN. */
  static void fraction(@Nullable Double value, String name) {
    if (value != null && !(value >= 0 && value <= 1)) {
      throw new IllegalArgumentException(
          "'" + name + "' is " + value + "; give a fraction from 0 to 1, or null if not measured");
    }
  }
}
