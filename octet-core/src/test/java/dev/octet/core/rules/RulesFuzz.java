package dev.octet.core.rules;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** That any pattern on any name gives an answer or a reason, and soon. */
class RulesFuzz {

  @Provide
  Arbitrary<String> patterns() {
    Arbitrary<String> pieces =
        Arbitraries.of(
            "a",
            "b",
            "(",
            ")",
            "(?:",
            "(?i)",
            "(?P<n>",
            "[",
            "]",
            "[^a]",
            "|",
            "*",
            "+",
            "?",
            "*?",
            "{3}",
            "{2,}",
            "{0,9}",
            "{1000}",
            "{",
            "}",
            ".",
            "^",
            "$",
            "\\b",
            "\\",
            "\\Q",
            "\\E",
            "\\pL",
            "\\x{10FFFF}",
            "\\d",
            "()",
            "(a+)+",
            "(a|aa)*",
            "(|a)");
    return Arbitraries.oneOf(
        pieces.list().ofMaxSize(40).map(list -> String.join("", list)), Arbitraries.strings());
  }

  @Provide
  Arbitrary<String> names() {
    return Arbitraries.oneOf(
        Arbitraries.strings().ofMaxLength(20),
        Arbitraries.of("a", "ab", "aab").map(part -> part.repeat(2_000)));
  }

  @Property(tries = 2000)
  void aPatternIsRefusedOrMatched(
      @ForAll("patterns") String pattern, @ForAll("names") String name) {
    Rule rule;
    try {
      rule = Rule.keepFloat(pattern, null);
    } catch (IllegalArgumentException e) {
      assertThat(e.getMessage()).isNotBlank();
      return;
    }
    Optional<Rule> found = Rules.of(rule).session().forTensor(name);
    assertThat(found.isEmpty() || found.get().equals(rule)).isTrue();
  }
}
