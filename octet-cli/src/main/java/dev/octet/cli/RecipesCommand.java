package dev.octet.cli;

import dev.octet.core.recipe.Recipe;
import dev.octet.quantize.report.TextTable;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code octet recipes}: the presets, or one of them as YAML to start a file from. */
@Command(
    name = "recipes",
    description = "List the recipes that ship with Octet, or print one as YAML.",
    mixinStandardHelpOptions = true,
    versionProvider = Octet.VersionText.class,
    sortOptions = false,
    footer = {
      "",
      "Example, a recipe of one's own:",
      "  octet recipes int8 > mine.yaml && octet quantize model.onnx --data photos/ -r mine.yaml",
    })
final class RecipesCommand implements Callable<Integer> {
  @Parameters(
      arity = "0..1",
      paramLabel = "NAME",
      description = "The recipe to print; without it, all are listed.")
  private @Nullable String name;

  @Mixin private CommonOptions common;

  @Override
  public Integer call() {
    Console console = common.console();
    if (name == null) {
      TextTable columns = TextTable.ofWords();
      Recipe.presets().forEach(preset -> columns.row(preset, Recipe.describe(preset)));
      console.print(columns.print());
      return ExitCode.OK;
    }
    if (!Recipe.presets().contains(name)) {
      throw new OptionException(
          "there is no recipe '" + name + "'; 'octet recipes' lists those there are");
    }
    console.print(Recipe.preset(name).toYaml());
    return ExitCode.OK;
  }
}
