package dev.octet.core.rules;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An ordered list of rules. The first rule that names a node (or tensor) decides for it alone;
 * later ones are not looked at. Put the special before the general.
 *
 * @param rules in order of precedence, at most 1000
 */
public record Rules(List<Rule> rules) {
  /** No rules. */
  public static final Rules NONE = new Rules(List.of());

  /** Every name of a model is held against every rule. */
  private static final int MOST = 1000;

  /**
   * Checks that no two rules name the same and differ: the second could never take effect.
   *
   * @throws IllegalArgumentException if two do, or if there are more than 1000
   */
  public Rules {
    rules = List.copyOf(rules);
    if (rules.size() > MOST) {
      throw new IllegalArgumentException(
          "there are " + rules.size() + " rules; at most " + MOST + " are allowed");
    }
    Map<List<Optional<String>>, Integer> places = new HashMap<>();
    for (int i = 0; i < rules.size(); i++) {
      Rule rule = rules.get(i);
      Integer first =
          places.putIfAbsent(
              List.of(Optional.ofNullable(rule.pattern()), Optional.ofNullable(rule.operator())),
              i);
      if (first != null && !rules.get(first).equals(rule)) {
        throw new IllegalArgumentException(
            "rules "
                + (first + 1)
                + " and "
                + (i + 1)
                + " both name "
                + rule.describe()
                + " and contradict each other; drop one");
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
    private final List<@Nullable NamePattern> patterns = new ArrayList<>();
    private final boolean[] matched;
    private final boolean[] decided;

    private Session(List<Rule> rules) {
      this.rules = rules;
      this.matched = new boolean[rules.size()];
      this.decided = new boolean[rules.size()];
      for (Rule rule : rules) {
        patterns.add(rule.pattern() == null ? null : new NamePattern(rule.pattern()));
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

    /**
     * A warning for each rule that did nothing: it never named anything that was asked about, or
     * only what an earlier rule had named.
     */
    public List<String> unused() {
      List<String> warnings = new ArrayList<>();
      for (int i = 0; i < matched.length; i++) {
        String rule = "rule " + (i + 1) + " " + rules.get(i).describe();
        if (!matched[i]) {
          warnings.add(rule + " matched nothing");
        } else if (!decided[i]) {
          warnings.add(rule + " decided nothing: earlier rules name all that it names; move it up");
        }
      }
      return warnings;
    }

    private Optional<Rule> first(String name, @Nullable String operator) {
      Rule found = null;
      for (int i = 0; i < matched.length; i++) {
        if (found != null && matched[i]) {
          continue;
        }
        Rule rule = rules.get(i);
        NamePattern pattern = patterns.get(i);
        boolean names =
            (rule.operator() == null || rule.operator().equals(operator))
                && (pattern == null || pattern.matches(name));
        if (names) {
          // Later rules are asked as well: one that is shadowed is not one that is misspelled.
          matched[i] = true;
          if (found == null) {
            found = rule;
            decided[i] = true;
          }
        }
      }
      return Optional.ofNullable(found);
    }
  }
}
