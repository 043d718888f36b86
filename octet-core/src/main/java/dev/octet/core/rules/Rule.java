package dev.octet.core.rules;

import dev.octet.core.descriptor.Granularity;
import org.jspecify.annotations.Nullable;

/**
 * One line of a recipe: what it names and what becomes of it.
 *
 * @param pattern a regular expression that must match a node's or tensor's whole name, in the
 *     syntax of RE2 (no back references, no looking around), at most 500 characters; null matches
 *     every name
 * @param operator an operator type such as {@code Conv}; null matches every operator
 * @param keepFloat whether what it names stays in float; excludes the other two
 * @param weight changes to how weights are quantized
 * @param activation changes to how activations are quantized, which have one scale for a tensor
 */
public record Rule(
    @Nullable String pattern,
    @Nullable String operator,
    boolean keepFloat,
    Settings weight,
    Settings activation) {

  /**
   * Checks the rule.
   *
   * @throws IllegalArgumentException if it names nothing or changes nothing, keeps float and
   *     changes settings, or if the pattern is no regular expression or too large a one
   */
  public Rule {
    if (pattern == null && operator == null) {
      throw new IllegalArgumentException("a rule names nothing; give 'name', 'operator' or both");
    }
    if (pattern != null) {
      if (pattern.isEmpty()) {
        throw new IllegalArgumentException(
            "a rule's pattern is empty; drop it, or write () for what has no name");
      }
      new NamePattern(pattern);
    }
    if (operator != null && operator.isBlank()) {
      throw new IllegalArgumentException(
          "a rule's operator is blank; name one such as 'Conv', or drop the key");
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
    Granularity granularity = activation.granularity();
    if (granularity != null && !(granularity instanceof Granularity.PerTensor)) {
      throw new IllegalArgumentException(
          "rule "
              + describe(pattern, operator)
              + " wants activations "
              + granularity
              + "; they have one scale for the tensor");
    }
  }

  /** A rule that keeps in float whatever {@code pattern} and {@code operator} name. */
  public static Rule keepFloat(@Nullable String pattern, @Nullable String operator) {
    return new Rule(pattern, operator, true, Settings.NONE, Settings.NONE);
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
