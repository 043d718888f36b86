package dev.octet.core.rules;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.util.regex.MatchResult;

/**
 * A regular expression that matches a whole name in time proportional to its length.
 *
 * <p>Names come from model files and patterns from recipes, and neither need be friendly. RE2/J
 * walks all alternatives at once where {@code java.util.regex} tries one after the other, so that
 * neither {@code (a+)+b} nor deep recursion can stop a run; in return there are no back references
 * and no looking around.
 */
final class NamePattern {
  /** Longer patterns are refused. */
  static final int LONGEST = 500;

  /**
   * The most copies that counted repetitions may make of a part, nested ones multiplied. They are
   * written out before matching.
   */
  static final long MOST_COPIES = 1000;

  /** The most instructions a pattern may become; matching takes at most so many steps a letter. */
  static final int MOST_INSTRUCTIONS = 5_000;

  private static final java.util.regex.Pattern COUNTS =
      java.util.regex.Pattern.compile("\\{([0-9]{1,9})(?:,([0-9]{0,9}))?\\}");

  private final Pattern pattern;

  /**
   * Compiles {@code text}.
   *
   * @throws IllegalArgumentException if it is no regular expression, or too large a one
   */
  NamePattern(String text) {
    if (text.length() > LONGEST) {
      throw new IllegalArgumentException(
          "a rule's pattern has "
              + text.length()
              + " characters; at most "
              + LONGEST
              + " are allowed");
    }
    if (copies(text) > MOST_COPIES) {
      throw new IllegalArgumentException(
          "pattern '"
              + text
              + "' repeats parts more than "
              + MOST_COPIES
              + " times; write * or + instead of large counts");
    }
    try {
      pattern = Pattern.compile(text, Pattern.DOTALL);
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "'" + text + "' is no regular expression: " + e.getDescription(), e);
    }
    if (pattern.programSize() > MOST_INSTRUCTIONS) {
      throw new IllegalArgumentException(
          "pattern '" + text + "' is too large; write * or + instead of large counts");
    }
  }

  /** Counts that stand side by side are multiplied as well: simple, and on the safe side. */
  private static long copies(String text) {
    return COUNTS
        .matcher(text)
        .results()
        .mapToLong(NamePattern::count)
        .reduce(1, (product, count) -> Math.min(product * Math.max(1, count), MOST_COPIES + 1));
  }

  private static long count(MatchResult counts) {
    String last = counts.group(2);
    return Long.parseLong(last == null || last.isEmpty() ? counts.group(1) : last);
  }

  boolean matches(String name) {
    return pattern.matches(name);
  }
}
