package dev.octet.core.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.RangeMethod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** That docs/guide/recipes.md says only what is so. */
class RecipeGuideTest {
  private static final Pattern BLOCK = Pattern.compile("```([a-z ]+)\n(.*?)```\n", Pattern.DOTALL);
  private static final Pattern ROW = Pattern.compile("(?m)^\\| (`[^|]*`) \\| (.*) \\|$");

  /** A fenced block: what follows the backquotes, and the text inside. */
  private record Block(String info, String text) {}

  private static String guide() throws IOException {
    Path folder = Path.of("").toAbsolutePath();
    while (folder != null) {
      Path file = folder.resolve("docs/guide/recipes.md");
      if (Files.exists(file)) {
        return Files.readString(file);
      }
      folder = folder.getParent();
    }
    throw new AssertionError("docs/guide/recipes.md is not above the working directory");
  }

  private static List<Block> blocks() throws IOException {
    List<Block> blocks = new ArrayList<>();
    Matcher matcher = BLOCK.matcher(guide());
    while (matcher.find()) {
      blocks.add(new Block(matcher.group(1), matcher.group(2)));
    }
    return blocks;
  }

  private static String chapter(String title) throws IOException {
    String guide = guide();
    int start = guide.indexOf("## " + title + "\n");
    assertThat(start).as(title).isNotNegative();
    int end = guide.indexOf("\n## ", start + 1);
    return guide.substring(start, end < 0 ? guide.length() : end);
  }

  private static List<String> firstColumn(String text) {
    return ROW.matcher(text).results().map(row -> row.group(1)).toList();
  }

  private static List<String> quoted(List<String> keys) {
    return keys.stream().map(key -> "`" + key + "`").toList();
  }

  @Test
  void everyRecipeOfTheGuideLoads() throws IOException {
    List<Block> recipes = blocks().stream().filter(b -> b.info().equals("yaml")).toList();
    assertThat(recipes).hasSizeGreaterThanOrEqualTo(5);
    for (Block recipe : recipes) {
      assertThat(Recipe.parse(recipe.text())).isNotNull();
    }
  }

  @Test
  void everyMistakeOfTheGuideGivesTheMessageBelowIt() throws IOException {
    List<Block> blocks = blocks();
    int mistakes = 0;
    for (int i = 0; i < blocks.size(); i++) {
      if (blocks.get(i).info().equals("yaml wrong")) {
        String yaml = blocks.get(i).text();
        assertThatThrownBy(() -> Recipe.parse(yaml, "recipe.yaml"))
            .isInstanceOf(RecipeException.class)
            .hasMessage(blocks.get(i + 1).text().strip());
        mistakes++;
      }
    }
    assertThat(mistakes).isEqualTo(3);
  }

  @Test
  void theDefaultsOfTheGuideAreTheDefaults() throws IOException {
    assertThat(blocks()).contains(new Block("yaml", Recipe.int8().toYaml()));
  }

  @Test
  void theTableOfPresetsIsTheListOfPresets() throws IOException {
    String rows =
        Recipe.presets().stream()
            .map(name -> "| `" + name + "` | " + Recipe.describe(name) + " |\n")
            .reduce("| preset | what it is for |\n|---|---|\n", String::concat);
    assertThat(guide()).contains(rows + "\n");
  }

  @Test
  void everyKeyHasItsRow() throws IOException {
    assertThat(firstColumn(chapter("All keys"))).isEqualTo(quoted(RecipeReader.KEYS));
    assertThat(firstColumn(chapter("Preprocessing")))
        .isEqualTo(quoted(RecipeReader.PREPROCESSING_KEYS));
    assertThat(firstColumn(chapter("Rules"))).isEqualTo(quoted(RecipeReader.RULE_KEYS));
    assertThat(firstColumn(chapter("Weights and activations")))
        .startsWith(quoted(RecipeReader.TENSOR_KEYS).toArray(String[]::new));
  }

  @Test
  void everyMethodHasItsRowWithItsDefault() throws IOException {
    List<String> methods =
        firstColumn(chapter("Weights and activations")).stream()
            .skip(RecipeReader.TENSOR_KEYS.size())
            .flatMap(cell -> Stream.of(cell.replace("`", "").split(", ")))
            .toList();
    assertThat(methods.stream().map(RangeMethod::parse).map(RangeMethod::getClass).distinct())
        .hasSameSizeAs(RangeMethod.class.getPermittedSubclasses());
    for (String method : methods) {
      assertThat(RangeMethod.parse(method)).hasToString(method);
      if (!method.equals("aciq:gauss")) {
        assertThat(RangeMethod.parse(method.replaceAll(":.*", ""))).hasToString(method);
      }
    }
  }
}
