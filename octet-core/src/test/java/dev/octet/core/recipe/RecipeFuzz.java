package dev.octet.core.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** That no text does anything but give a recipe or a {@link RecipeException}. */
class RecipeFuzz {
  private static final String SAMPLE =
      """
      preset: int8
      weight: {bits: 4, granularity: block:32, range: [-1.0, 1.5e3]}
      operators: [Conv, "Gemm"]
      preprocessing: {mean: [0.5, 1, 2], scale: 255}
      rules:
        - name: 'layer1\\.[0-9]{1,3}'
          operator: Conv # the first
          float: true
        - name: |
            block
          weight: {bits: 8, method: percentile:99.9}
      """;

  /** One change: cut {@code length} characters at {@code place} and put {@code text} there. */
  private record Edit(int place, int length, String text) {}

  @Provide
  Arbitrary<String> mutations() {
    Arbitrary<String> texts =
        Arbitraries.oneOf(
            Arbitraries.strings().withChars("-:,?[]{}#&*!|>'\"%@` \n\t\\0a~.<=").ofMaxLength(3),
            Arbitraries.of(
                "<<: ",
                "- - ",
                "? ",
                "!!",
                "*a",
                "&a ",
                "---\n",
                "...\n",
                "%YAML 1.2\n",
                "\\x",
                "1e999",
                "-0",
                ".inf",
                ".nan",
                "0x7f",
                "null",
                "\ufeff",
                "\u0000",
                "\ud800",
                "bits: 7",
                "rules",
                "\n  ",
                "{a: ",
                "[[",
                "\u2028",
                "99999999999999999999"),
            Arbitraries.strings().ofMaxLength(2));
    Arbitrary<Edit> edits =
        Combinators.combine(
                Arbitraries.integers().between(0, 400), Arbitraries.integers().between(0, 6), texts)
            .as(Edit::new);
    Arbitrary<String> starts =
        Arbitraries.of(SAMPLE, Recipe.int8().toYaml(), Recipe.preset("tensorrt-int8").toYaml());
    return Combinators.combine(starts, edits.list().ofMinSize(1).ofMaxSize(5))
        .as(RecipeFuzz::edited);
  }

  private static String edited(String start, List<Edit> edits) {
    StringBuilder text = new StringBuilder(start);
    for (Edit edit : edits) {
      int from = Math.min(edit.place(), text.length());
      text.replace(from, Math.min(from + edit.length(), text.length()), edit.text());
    }
    return text.toString();
  }

  @Provide
  Arbitrary<String> noise() {
    return Arbitraries.strings().withChars("-:,?[]{}#&*!|>'\"%@` \n\t\\0a~.").ofMaxLength(60);
  }

  @Property(tries = 3000)
  void aMutatedRecipeIsReadOrRefused(@ForAll("mutations") String text) {
    readOrRefuse(text);
  }

  @Property(tries = 3000)
  void noiseIsReadOrRefused(@ForAll("noise") String text) {
    readOrRefuse(text);
  }

  private static void readOrRefuse(String text) {
    Recipe recipe;
    try {
      recipe = Recipe.parse(text);
    } catch (RecipeException e) {
      assertThat(e).hasMessageStartingWith("recipe:");
      assertThat(e.getMessage().lines()).hasSize(1);
      return;
    }
    assertThat(Recipe.parse(recipe.toYaml())).isEqualTo(recipe);
  }

  @Example
  void depthIsBounded() {
    for (String nest : List.of("[", "{a: ", "- ", "? ", "- - [", "a: [", "&a [")) {
      String deep = nest.repeat(100_000 / nest.length());
      refused(deep);
      refused("rules: " + deep);
      refused("rules:\n" + deep);
    }
    StringBuilder stairs = new StringBuilder();
    IntStream.range(0, 1000).forEach(i -> stairs.append(" ".repeat(i)).append("a:\n"));
    refused(stairs.toString());
  }

  @Example
  void aliasesDoNotMultiply() {
    StringBuilder bomb = new StringBuilder("a0: &a0 [x, x]\n");
    IntStream.range(1, 100)
        .forEach(i -> bomb.append("a%d: &a%d [*a%d, *a%d]\n".formatted(i, i, i - 1, i - 1)));
    refused(bomb.toString());
    refused("a: &a [*a]");
    refused("&a a: *a");
    refused("rules: *nowhere");
    refused("<<: {mode: static}");
  }

  @Example
  void sizeIsBounded() {
    assertThatThrownBy(() -> Recipe.parse("#".repeat(2_000_000)))
        .hasMessage("recipe: the recipe has 2000000 characters; at most 1048576 are read");
    int most = 1_000_000;
    refused("samples: " + "9".repeat(most));
    refused("smooth-quant: 0." + "9".repeat(most));
    refused("smooth-quant: 1e" + "9".repeat(most));
    refused("weight: {method: percentile:" + "9".repeat(most) + "}");
    refused("weight: {granularity: block:" + "9".repeat(most) + "}");
    refused("mode: " + "a".repeat(most));
    refused("a".repeat(most) + ": 1");
    refused("? " + "a".repeat(most) + "\n: 1");
    refused("rules: [" + "{},".repeat(most / 3) + "]");
    refused("operators: [" + "[],".repeat(most / 3) + "]");
    refused("rules: [{name: '" + "a".repeat(most) + "', float: true}]");
    refused("rules:\n" + "- {name: a, float: true}\n".repeat(40_000));
    refused("operators:\n" + "- \n".repeat(most / 3));
    refused("name: 'a" + "\n".repeat(most));
    refused("name: \"" + "\\u0061".repeat(most / 6));
    refused("name: |\n" + " a\n".repeat(most / 3) + "b");
    refused("--- a\n".repeat(most / 6));
    refused("%A b\n".repeat(most / 5));
    refused("? \n".repeat(most / 3));
    StringBuilder keys = new StringBuilder();
    IntStream.range(0, 90_000).forEach(i -> keys.append('k').append(i).append(": 1\n"));
    refused(keys.toString());
  }

  private static void refused(String text) {
    assertThatThrownBy(() -> Recipe.parse(text)).isInstanceOf(RecipeException.class);
  }
}
