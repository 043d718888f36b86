package dev.octet.core.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PresetsTest {

  static List<String> presets() {
    return Recipe.presets();
  }

  @ParameterizedTest
  @MethodSource("presets")
  void everyPresetIsCalledByItsNameAndSaysWhatItIsForInOneLine(String preset) {
    assertThat(Recipe.preset(preset).name()).isEqualTo(preset);
    assertThat(Recipe.describe(preset)).isNotBlank().doesNotContain("\n").hasSizeLessThan(100);
  }

  @ParameterizedTest
  @MethodSource("presets")
  void everyPresetComesBackFromItsYaml(String preset) {
    Recipe recipe = Recipe.preset(preset);
    assertThat(Recipe.parse(recipe.toYaml())).isEqualTo(recipe);
  }

  @ParameterizedTest
  @MethodSource("presets")
  void everyPresetCanBeStartedFrom(String preset) {
    assertThat(Recipe.parse("preset: " + preset)).isEqualTo(Recipe.preset(preset));
  }

  @Test
  void theFirstPresetIsTheDefault() {
    assertThat(Recipe.presets().get(0)).isEqualTo("int8");
    assertThat(Recipe.int8()).isEqualTo(Recipe.preset("int8"));
  }

  @Test
  void anUnknownPresetIsRefusedWithTheNearestOrAllOfThem() {
    assertThatThrownBy(() -> Recipe.preset("int-8"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("there is no preset 'int-8'; did you mean 'int8'?");
    assertThatThrownBy(() -> Recipe.describe("bfloat"))
        .hasMessage(
            "there is no preset 'bfloat'; choose one of " + String.join(", ", Recipe.presets()));
  }
}
