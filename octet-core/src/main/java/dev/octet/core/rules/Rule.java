package dev.octet.core.rules;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * One line of a recipe: what it names and what becomes of it.
 *
 * @param pattern a regular expression that must match a node's or tensor's whole name; null matches
 *     every name
 * @param operator an operator type such as {@code Conv}; null matches every operator
 * @param keepFloat whether what it names stays in float; excludes the other two
 * @param weight changes to how weights are quantized
 * @param activation changes to how activations are quantized
 */
public record Rule(
    @Nullable String pattern,
    @Nullable String operator,
    boolean keepFloat,
    Settings weight,
    Settings activation) {

  /** Longer patterns are refused: names are short, and matching time can grow with the pattern. */
  public static final int LONGEST_PATTERN = 500;

  public Rule {
    if (pattern == null && operator == null) {
      throw new IllegalArgumentException("a rule names nothing; give 'name', 'operator' or both");
    }
    if (pattern != null) {
      if (pattern.length() > LONGEST_PATTERN) {
        throw new IllegalArgumentException(
            "a rule's pattern has "
                + pattern.length()
                + " characters; at most "
                + LONGEST_PATTERN
                + " are allowed");
      }
      try {
        Pattern.compile(pattern);
      } catch (PatternSyntaxException e) {
        throw new IllegalArgumentException(
            "'" + pattern + "' is no regular expression: " + e.getDescription(), e);
      }
    }
    boolean changes = !weight.equals(Settings.NONE) || !activation.equals(Settings.NONE);
    if (keepFloat == changes) {
      throw new IllegalArgumentException(
          "rule "
              + describe(pattern, operator)
              + (keepFloat
                  ? " keeps float and changes settings; drop one of the two"
                  : " changes nothing; give 'weight' or 'activation', or 'float: true'"));
    }
  }

  /** A rule that keeps in float whatever {@code pattern} and {@code operator} name. */
  public static Rule keepFloat(@Nullable String pattern, @Nullable String operator) {
    return new Rule(pattern, operator, true, Settings.NONE, Settings.NONE);
  }

  /** Whether it names exactly what {@code other} names. */
  boolean namesTheSameAs(Rule other) {
    return java.util.Objects.equals(pattern, other.pattern)
        && java.util.Objects.equals(operator, other.operator);
  }

  /** What it names, for messages. */
  public String describe() {
    return describe(pattern, operator);
  }

  private static String describe(@Nullable String pattern, @Nullable String operator) {
    return pattern == null
        ? "for operator " + operator
        : "'" + pattern + "'" + (operator == null ? "" : " for operator " + operator);
  }
}
