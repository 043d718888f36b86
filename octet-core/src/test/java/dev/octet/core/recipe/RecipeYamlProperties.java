package dev.octet.core.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.Range;
import dev.octet.core.rules.Rule;
import dev.octet.core.rules.Rules;
import dev.octet.core.rules.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;

/** That a recipe is written down without loss. */
class RecipeYamlProperties {

  @Property(tries = 500)
  void aRecipeComesBackFromItsYaml(@ForAll("recipes") Recipe recipe) {
    String yaml = recipe.toYaml();
    assertThat(Recipe.parse(yaml)).as(yaml).isEqualTo(recipe);
    assertThat(Recipe.parse(yaml).toYaml()).isEqualTo(yaml);
  }

  @Provide
  Arbitrary<Recipe> recipes() {
    Arbitrary<Recipe> plain =
        Combinators.combine(
                names(),
                Arbitraries.of(Mode.class),
                Arbitraries.of(Format.class),
                Arbitraries.of(Target.class),
                descriptors(granularities()).filter(RecipeYamlProperties::looksAtValues),
                descriptors(Arbitraries.just(Granularity.perTensor())),
                Arbitraries.doubles().between(0, 1).injectNull(0.3),
                Arbitraries.integers().greaterOrEqual(1))
            .as(
                (name, mode, format, target, weight, activation, strength, samples) ->
                    Recipe.int8().toBuilder()
                        .name(name)
                        .mode(mode)
                        .format(format)
                        .target(target)
                        .weight(weight)
                        .activation(activation)
                        .smoothQuant(strength)
                        .samples(samples)
                        .build());
    return Combinators.combine(
            plain,
            Arbitraries.of(true, false),
            Arbitraries.of(true, false),
            Arbitraries.integers().between(1, 4096),
            names().set().ofMaxSize(3),
            preprocessing().injectNull(0.5),
            rules().list().ofMaxSize(4))
        .as(
            (recipe, equalize, correct, batch, operators, spec, rules) ->
                recipe.toBuilder()
                    .crossLayerEqualization(equalize)
                    .biasCorrection(correct)
                    .batchSize(batch)
                    .operators(operators)
                    .preprocessing(spec)
                    .rules(fitting(recipe, rules))
                    .build());
  }

  /** Names as models have them, words that YAML reads as something else, and any text at all. */
  private static Arbitrary<String> names() {
    Arbitrary<String> ordinary =
        Arbitraries.strings().withChars("abcXYZ019_./-: #").ofMinLength(1).ofMaxLength(20);
    Arbitrary<String> special =
        Arbitraries.of(
            "true",
            "No",
            "null",
            "~",
            "1.0",
            "0x1F",
            "1e3",
            "-",
            "- a",
            "a: b",
            "*",
            "&a",
            "!b",
            "[a]",
            "{a}",
            "'",
            "\"",
            "a\nb",
            " a",
            "a ",
            "#",
            "%",
            "@",
            "`",
            "?",
            "|",
            ">",
            "=",
            "<<",
            "1:30",
            "2001-01-01",
            "\ud83d\ude00",
            "\t.",
            "a\u0085b",
            "\u2028",
            "\ufeffa");
    Arbitrary<String> any =
        Arbitraries.strings()
            .ofMinLength(1)
            .ofMaxLength(8)
            .filter(text -> text.chars().noneMatch(c -> Character.isSurrogate((char) c)));
    return Arbitraries.frequencyOf(Tuple.of(3, ordinary), Tuple.of(2, special), Tuple.of(1, any))
        .filter(name -> !name.isBlank());
  }

  private static Arbitrary<Granularity> granularities() {
    return Arbitraries.oneOf(
        Arbitraries.of(Granularity.perTensor(), Granularity.perAxis(0), Granularity.perAxis(-1)),
        Arbitraries.integers().between(1, 999_999).map(size -> Granularity.perBlock(0, size)));
  }

  private static Arbitrary<RangeMethod> methods() {
    Arbitrary<Double> shares = Arbitraries.doubles().between(0, false, 1, true).ofScale(12);
    return Arbitraries.oneOf(
        Arbitraries.of(
            new RangeMethod.MinMax(),
            new RangeMethod.Entropy(),
            new RangeMethod.Mse(),
            new RangeMethod.Octav(),
            new RangeMethod.AverageExtremes(),
            new RangeMethod.Aciq(RangeMethod.Aciq.Distribution.LAPLACE),
            new RangeMethod.Aciq(RangeMethod.Aciq.Distribution.GAUSS)),
        shares.map(RangeMethod.MovingAverage::new),
        shares.map(share -> new RangeMethod.Percentile(100 - 40 * share)),
        shares.map(RangeMethod.NSigma::new));
  }

  private static Arbitrary<Range> ranges() {
    Arbitrary<Float> ends =
        Arbitraries.oneOf(
            Arbitraries.integers().map(Float::intBitsToFloat).filter(f -> Float.isFinite(f)),
            Arbitraries.of(0f, -0f, 1e10f, 1e-10f, Float.MIN_VALUE, Float.MAX_VALUE));
    return Combinators.combine(ends, ends).as((a, b) -> new Range(Math.min(a, b), Math.max(a, b)));
  }

  private static Arbitrary<Settings> settings(Arbitrary<Granularity> granularities) {
    return Combinators.combine(
            Arbitraries.integers().between(2, 16).injectNull(0.5),
            Arbitraries.of(true, false).injectNull(0.5),
            Arbitraries.of(true, false).injectNull(0.5),
            Arbitraries.of(true, false).injectNull(0.5),
            granularities.injectNull(0.5),
            methods().injectNull(0.5),
            ranges().injectNull(0.8))
        .as(Settings::new);
  }

  private static Arbitrary<QuantDescriptor> descriptors(Arbitrary<Granularity> granularities) {
    return settings(granularities)
        .filter(settings -> fits(settings, QuantDescriptor.builder().build()))
        .map(settings -> settings.applyTo(QuantDescriptor.builder().build()));
  }

  private static boolean looksAtValues(QuantDescriptor weight) {
    return !(weight.method() instanceof RangeMethod.MovingAverage)
        && !(weight.method() instanceof RangeMethod.AverageExtremes);
  }

  private static boolean fits(Settings settings, QuantDescriptor base) {
    try {
      settings.applyTo(base);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static Arbitrary<Rule> rules() {
    Arbitrary<String> patterns =
        Arbitraries.oneOf(
            names().map(Pattern::quote), Arbitraries.of("layer1\\.[0-9]+", ".*", "(?i)conv|gemm"));
    Arbitrary<Rule> floats =
        Combinators.combine(patterns, names().injectNull(0.5)).as(Rule::keepFloat);
    Arbitrary<Rule> changes =
        Combinators.combine(
                patterns.injectNull(0.3),
                names(),
                settings(granularities()),
                settings(Arbitraries.just(Granularity.perTensor())))
            .filter(
                (pattern, operator, a, b) -> !a.equals(Settings.NONE) || !b.equals(Settings.NONE))
            .as((pattern, operator, a, b) -> new Rule(pattern, operator, false, a, b));
    return Arbitraries.oneOf(floats, changes);
  }

  /** Those of the rules that the recipe takes. */
  private static Rules fitting(Recipe recipe, List<Rule> rules) {
    List<Rule> kept = new ArrayList<>();
    for (Rule rule : rules) {
      kept.add(rule);
      try {
        recipe.toBuilder().rules(new Rules(kept)).build();
      } catch (IllegalArgumentException e) {
        kept.remove(kept.size() - 1);
      }
    }
    return new Rules(kept);
  }

  private static Arbitrary<PreprocessingSpec> preprocessing() {
    Arbitrary<List<Float>> numbers =
        Arbitraries.floats().between(0.001f, 255).ofScale(4).list().ofMinSize(1).ofMaxSize(3);
    return Combinators.combine(
            names().injectNull(0.5),
            Arbitraries.integers().between(1, 16384).injectNull(0.5),
            Arbitraries.integers().between(1, 16384).injectNull(0.5),
            Arbitraries.of("nchw", "nhwc").injectNull(0.5),
            Arbitraries.of("rgb", "bgr", "grey").injectNull(0.5),
            Arbitraries.of(1f, 255f).injectNull(0.5),
            numbers.injectNull(0.5),
            numbers.injectNull(0.5))
        .as(PreprocessingSpec::new);
  }
}
