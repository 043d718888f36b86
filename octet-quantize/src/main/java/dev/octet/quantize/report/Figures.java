package dev.octet.quantize.report;

import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** How numbers and foreign names look in text meant for people. */
final class Figures {
  private static final int LONGEST_NAME = 56;

  private Figures() {}

  /**
   * Bytes in decimal units with three digits that matter: {@code 999 B}, {@code 302 kB}, {@code
   * 1.11 MB}.
   */
  static String bytes(long bytes) {
    if (bytes < 1000) {
      return bytes + " B";
    }
    double value = bytes;
    String[] units = {"kB", "MB", "GB", "TB", "PB", "EB"};
    int unit = -1;
    do {
      value /= 1000;
      unit++;
    } while (value >= 999.5);
    int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    return String.format(Locale.ROOT, "%." + decimals + "f %s", value, units[unit]);
  }

  /** Decibels to one decimal; {@code exact} for +infinity, {@code -} when not measured. */
  static String decibels(@Nullable Double value) {
    if (value == null) {
      return "-";
    }
    return value == Double.POSITIVE_INFINITY ? "exact" : number(value, 1) + " dB";
  }

  /** A number with so many decimals; {@code -} when not measured. */
  static String number(@Nullable Double value, int decimals) {
    if (value == null) {
      return "-";
    }
    return Double.isFinite(value)
        ? String.format(Locale.ROOT, "%." + decimals + "f", value)
        : value.toString();
  }

  /**
   * A metric's value with its unit; percent to one decimal, anything else to four digits that
   * matter.
   */
  static String metric(@Nullable Double value, String unit) {
    if (value == null) {
      return "-";
    }
    if (unit.equals("dB")) {
      return decibels(value);
    }
    if (unit.equals("%")) {
      return number(value, Math.abs(value) > 99.9 && value != 100 ? 2 : 1) + " %";
    }
    String text = Double.isFinite(value) ? String.format(Locale.ROOT, "%.4g", value) : "" + value;
    return unit.isEmpty() ? text : text + " " + unit;
  }

  /** A time: {@code 84 ms}, {@code 2.3 s}, {@code 3 min 20 s}. */
  static String time(Duration time) {
    double seconds = time.toMillis() / 1000.0;
    if (seconds < 1) {
      return time.toMillis() + " ms";
    }
    return seconds < 60
        ? number(seconds, 1) + " s"
        : time.toMinutes() + " min " + time.toSecondsPart() + " s";
  }

  /**
   * A name from a model, safe for a terminal: control and direction characters, with which a name
   * could move the cursor or read backwards, become question marks, and a long name keeps its two
   * ends.
   */
  static String name(String name) {
    String safe = line(name);
    if (safe.length() <= LONGEST_NAME) {
      return safe;
    }
    int half = LONGEST_NAME / 2 - 1;
    return safe.substring(0, half) + "…" + safe.substring(safe.length() - half);
  }

  /**
   * Text that may quote a model's names, safe for a terminal like {@link #name} but not shortened.
   */
  static String line(String text) {
    StringBuilder safe = new StringBuilder(text.length());
    text.codePoints().forEach(c -> safe.appendCodePoint(isPlain(c) ? c : '?'));
    return safe.toString();
  }

  private static boolean isPlain(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
