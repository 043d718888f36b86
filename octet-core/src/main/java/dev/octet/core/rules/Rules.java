package dev.octet.core.rules;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An ordered list of rules. The first rule that names a node (or tensor) decides for it alone;
 * later ones are not looked at. Put the special before the general.
 *
 * @param rules in order of precedence
 */
public record Rules(List<Rule> rules) {
  /** No rules. */
  public static final Rules NONE = new Rules(List.of());

  /**
   * Checks that no two rules name the same and differ.
   *
   * @throws IllegalArgumentException if two do: the second could never take effect
   */
  public Rules {
    rules = List.copyOf(rules);
    for (int i = 0; i < rules.size(); i++) {
      for (int j = 0; j < i; j++) {
        Rule first = rules.get(j);
        Rule second = rules.get(i);
        if (first.namesTheSameAs(second) && !first.equals(second)) {
          throw new IllegalArgumentException(
              "rules "
                  + (j + 1)
                  + " and "
                  + (i + 1)
                  + " both name "
                  + first.describe()
                  + " and contradict each other; drop one");
        }
      }
    }
  }

  /** The rules in the given order. */
  public static Rules of(Rule... rules) {
    return new Rules(List.of(rules));
  }

  /** Starts asking; the session remembers which rules were of use. */
  public Session session() {
    return new Session(rules);
  }

  /** One use of the rules on one model. Not thread-safe. */
  public static final class Session {
    private final List<Rule> rules;
    private final List<@Nullable Pattern> patterns = new ArrayList<>();
    private final boolean[] matched;

    private Session(List<Rule> rules) {
      this.rules = rules;
      this.matched = new boolean[rules.size()];
      for (Rule rule : rules) {
        patterns.add(rule.pattern() == null ? null : Pattern.compile(rule.pattern()));
      }
    }

    /** The rule that decides for the node {@code name} with operator {@code operator}, if any. */
    public Optional<Rule> forNode(String name, String operator) {
      return first(name, operator);
    }

    /** The rule that decides for the tensor {@code name}, if any; rules with an operator do not. */
    public Optional<Rule> forTensor(String name) {
      return first(name, null);
    }

    /** A warning for each rule that never named anything. */
    public List<String> unused() {
      List<String> warnings = new ArrayList<>();
      for (int i = 0; i < matched.length; i++) {
        if (!matched[i]) {
          warnings.add("rule " + (i + 1) + " " + rules.get(i).describe() + " matched nothing");
        }
      }
      return warnings;
    }

    private Optional<Rule> first(String name, @Nullable String operator) {
      Rule found = null;
      for (int i = 0; i < matched.length; i++) {
        Rule rule = rules.get(i);
        Pattern pattern = patterns.get(i);
        boolean names =
            (rule.operator() == null || rule.operator().equals(operator))
                && (pattern == null || pattern.matcher(name).matches());
        if (names) {
          // A rule that an earlier one shadows everywhere is still not a misspelled one.
          matched[i] = true;
          if (found == null) {
            found = rule;
          }
        }
      }
      return Optional.ofNullable(found);
    }
  }
}
