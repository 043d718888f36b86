package dev.octet.core.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.Range;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RulesTest {
  private static final Settings INT4 = new Settings(4, null, null, null, null, null, null);
  private static final Settings INT16 = new Settings(16, null, null, null, null, null, null);

  private static Rule weight(String pattern, String operator, Settings settings) {
    return new Rule(pattern, operator, false, settings, Settings.NONE);
  }

  @Test
  void theFirstRuleThatNamesANodeDecidesAlone() {
    Rule first = weight("layer1\\..*", null, INT4);
    Rule second = new Rule("layer1\\.0", null, false, INT16, INT16);
    Rules.Session session = Rules.of(first, second).session();
    assertThat(session.forNode("layer1.0", "Conv")).contains(first);
    assertThat(session.forNode("layer2.0", "Conv")).isEmpty();
  }

  @Test
  void aPatternMatchesTheWholeNameOnly() {
    Rules.Session session = Rules.of(Rule.keepFloat("conv1", null)).session();
    assertThat(session.forNode("conv1", "Conv")).isPresent();
    assertThat(session.forNode("conv10", "Conv")).isEmpty();
    assertThat(session.forNode("/conv1", "Conv")).isEmpty();
    Rules.Session either = Rules.of(Rule.keepFloat("a|bc", null)).session();
    assertThat(either.forTensor("bc")).isPresent();
    assertThat(either.forTensor("ac")).isEmpty();
  }

  @Test
  void aDotMatchesAnyCharacterOfAName() {
    Rules.Session session = Rules.of(Rule.keepFloat(".*", null)).session();
    assertThat(session.forTensor("a\nb")).isPresent();
    assertThat(session.forTensor("")).isPresent();
  }

  @Test
  void anOperatorIsNamedExactlyAndTogetherWithThePattern() {
    Rules.Session session = Rules.of(Rule.keepFloat("head.*", "Gemm")).session();
    assertThat(session.forNode("head.0", "Gemm")).isPresent();
    assertThat(session.forNode("head.0", "gemm")).isEmpty();
    assertThat(session.forNode("body.0", "Gemm")).isEmpty();
  }

  @Test
  void aRuleWithAnOperatorNamesNoTensors() {
    Rules.Session session =
        Rules.of(Rule.keepFloat(null, "Conv"), Rule.keepFloat("x", null)).session();
    assertThat(session.forTensor("x").orElseThrow().pattern()).isEqualTo("x");
    assertThat(session.forTensor("y")).isEmpty();
  }

  @Test
  void aRuleThatMatchedNothingIsWarnedOf() {
    Rules.Session session =
        Rules.of(Rule.keepFloat("conv1", null), Rule.keepFloat("cnov2", "Conv")).session();
    session.forNode("conv1", "Conv");
    session.forNode("conv2", "Conv");
    assertThat(session.unused())
        .containsExactly("rule 2 'cnov2' for operator Conv matched nothing");
  }

  @Test
  void aRuleBehindAWiderOneIsWarnedOfInOtherWords() {
    Rules.Session session =
        Rules.of(weight(null, "Conv", INT4), weight("conv1", null, INT16)).session();
    session.forNode("conv1", "Conv");
    session.forNode("conv2", "Conv");
    assertThat(session.unused())
        .containsExactly(
            "rule 2 'conv1' decided nothing: earlier rules name all that it names; move it up");
  }

  @Test
  void eachSessionStartsAnew() {
    Rules rules = Rules.of(Rule.keepFloat("a", null));
    rules.session().forTensor("a");
    assertThat(rules.session().unused()).containsExactly("rule 1 'a' matched nothing");
    assertThat(Rules.NONE.session().unused()).isEmpty();
  }

  @Test
  void twoRulesThatNameTheSameAndDifferContradict() {
    assertThatThrownBy(
            () ->
                Rules.of(
                    weight("a", "Conv", INT4),
                    Rule.keepFloat("a", null),
                    Rule.keepFloat("a", "Conv")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "rules 1 and 3 both name 'a' for operator Conv and contradict each other; drop one");
    assertThatThrownBy(() -> Rules.of(weight(null, "Conv", INT4), weight(null, "Conv", INT16)))
        .hasMessage(
            "rules 1 and 2 both name for operator Conv and contradict each other; drop one");
  }

  @Test
  void saidTwiceIsNoContradiction() {
    Rule rule = Rule.keepFloat("a", null);
    Rules.Session session = Rules.of(rule, rule).session();
    assertThat(session.forTensor("a")).contains(rule);
  }

  @Test
  void moreRulesThanAModelCouldNeedAreRefused() {
    List<Rule> many =
        IntStream.range(0, 1001).mapToObj(i -> Rule.keepFloat("n" + i, null)).toList();
    assertThat(new Rules(many.subList(0, 1000)).rules()).hasSize(1000);
    assertThatThrownBy(() -> new Rules(many))
        .hasMessage("there are 1001 rules; at most 1000 are allowed");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a+)+b",
        "(a|a)*b",
        "(a|aa)+b",
        "(.*)*b",
        "(a?){99}a{99}b",
        "((a*)*)*b",
        "(a|b|ab)*c",
        "(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)b"
      })
  void patternsThatBacktrackForEverElsewhereEnd(String pattern) {
    // copies of nested counts are limited, so this one is refused before it can be slow
    if (pattern.startsWith("(a?)")) {
      assertThatThrownBy(() -> Rule.keepFloat(pattern, null))
          .hasMessageContaining("repeats parts more than 1000 times");
      return;
    }
    Rules.Session session = Rules.of(Rule.keepFloat(pattern, null)).session();
    assertThat(session.forTensor("a".repeat(10_000))).isEmpty();
    assertThat(session.forTensor("")).isEmpty();
  }

  @Test
  void alternativesInALongNameNeedNoDeepStack() {
    Rules.Session session = Rules.of(Rule.keepFloat("(a|b)*", null)).session();
    assertThat(session.forTensor("ab".repeat(500_000))).isPresent();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"(a{999}){2}", "(()){1000}{1000}", "((x{0,11}){11}){11}", "a{1001}", "a{33}b{33}"})
  void countsThatWouldGrowThePatternAreRefused(String pattern) {
    assertThatThrownBy(() -> Rule.keepFloat(pattern, null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "pattern '"
                + pattern
                + "' repeats parts more than 1000 times; write * or + instead of large counts");
  }

  @Test
  void aPatternOfTooManyInstructionsIsRefused() {
    String pattern = "(" + "abcdefghij".repeat(10) + "){500}";
    assertThatThrownBy(() -> Rule.keepFloat(pattern, null))
        .hasMessage("pattern '" + pattern + "' is too large; write * or + instead of large counts");
  }

  @Test
  void theDeepestPatternThatIsShortEnoughCompiles() {
    assertThat(Rule.keepFloat("(".repeat(249) + "a" + ")".repeat(249), null)).isNotNull();
    assertThatThrownBy(() -> Rule.keepFloat("a".repeat(501), null))
        .hasMessage("a rule's pattern has 501 characters; at most 500 are allowed");
  }

  @Test
  void whatIsNoRegularExpressionIsRefused() {
    assertThatThrownBy(() -> Rule.keepFloat("(a", null))
        .hasMessage("'(a' is no regular expression: missing closing )");
    assertThatThrownBy(() -> Rule.keepFloat("(?=a)b", null))
        .hasMessage("'(?=a)b' is no regular expression: invalid or unsupported Perl syntax");
  }

  @Test
  void nodesWithoutANameCanBeNamed() {
    assertThat(Rules.of(Rule.keepFloat("()", null)).session().forNode("", "Conv")).isPresent();
    assertThatThrownBy(() -> Rule.keepFloat("", null))
        .hasMessage("a rule's pattern is empty; drop it, or write () for what has no name");
  }

  @Test
  void aRuleNamesSomethingAndChangesSomething() {
    assertThatThrownBy(() -> Rule.keepFloat(null, null))
        .hasMessage("a rule names nothing; give 'name', 'operator' or both");
    assertThatThrownBy(() -> Rule.keepFloat("a", " "))
        .hasMessage("a rule's operator is blank; name one such as 'Conv', or drop the key");
    assertThatThrownBy(() -> weight("a", null, Settings.NONE))
        .hasMessage("rule 'a' changes nothing; give 'weight' or 'activation', or 'float: true'");
    assertThatThrownBy(() -> new Rule("a", "Conv", true, INT4, Settings.NONE))
        .hasMessage(
            "rule 'a' for operator Conv keeps float and changes settings; drop one of the two");
  }

  @Test
  void activationsHaveOneScale() {
    Settings channels = new Settings(null, null, null, null, Granularity.perAxis(1), null, null);
    assertThatThrownBy(() -> new Rule("a", null, false, Settings.NONE, channels))
        .hasMessage(
            "rule 'a' wants activations per channel of axis 0; they have one scale for the tensor");
  }

  @Test
  void settingsChangeWhatTheyNameOnly() {
    QuantDescriptor base = QuantDescriptor.int8Weight(0);
    assertThat(Settings.NONE.applyTo(base)).isEqualTo(base);
    assertThat(INT4.applyTo(base)).isEqualTo(base.toBuilder().bits(4).build());
  }

  @Test
  void unsignedIntegersDropANarrowRangeUnlessItIsAskedFor() {
    QuantDescriptor narrow = QuantDescriptor.int8Weight(0);
    Settings unsigned = new Settings(null, false, null, null, null, null, null);
    assertThat(unsigned.applyTo(narrow).narrow()).isFalse();
    Settings both = new Settings(null, false, null, true, null, null, null);
    assertThatThrownBy(() -> both.applyTo(narrow))
        .hasMessage("narrow range needs signed; drop one of the two");
  }

  @Test
  void aMethodTakesThePlaceOfAFixedRange() {
    QuantDescriptor fixed = QuantDescriptor.builder().fixedRange(Range.symmetric(3)).build();
    Settings learned = new Settings(null, null, null, null, null, new RangeMethod.Mse(), null);
    assertThat(learned.applyTo(fixed).fixedRange()).isNull();
    Settings other =
        new Settings(null, null, null, null, null, new RangeMethod.Mse(), Range.symmetric(2));
    assertThat(other.applyTo(fixed).fixedRange()).isEqualTo(Range.symmetric(2));
  }

  @Test
  void axesAreTheOperators() {
    assertThat(new Settings(null, null, null, null, Granularity.perAxis(3), null, null))
        .isEqualTo(new Settings(null, null, null, null, Granularity.perAxis(0), null, null));
    assertThat(Settings.onOperatorAxes(Granularity.perBlock(0, 32)))
        .isEqualTo(Granularity.perBlock(1, 32));
  }

  @Test
  void anUnmatchedRuleAmongAThousandIsFound() {
    List<Rule> many =
        IntStream.range(0, 1000).mapToObj(i -> Rule.keepFloat("n" + i, null)).toList();
    Rules.Session session = new Rules(many).session();
    IntStream.range(0, 1000).filter(i -> i != 500).forEach(i -> session.forTensor("n" + i));
    assertThat(session.unused())
        .isEqualTo(Collections.singletonList("rule 501 'n500' matched nothing"));
  }
}
