package dev.octet.cli;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.inspect.Inspection;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code octet inspect}: what is quantized in a model, or would be, and what is not, and why. */
@Command(
    name = "inspect",
    description = "Show what in a model is quantized, or would be, and what is not, and why.",
    mixinStandardHelpOptions = true,
    versionProvider = Octet.VersionText.class,
    abbreviateSynopsis = true,
    sortOptions = false,
    footer = {
      "",
      "Examples:",
      "  octet inspect model.onnx --recipe tensorrt-int8    what that recipe would do to it",
      "  octet inspect model.int8.onnx                      its scales, and what stayed float",
    })
final class InspectCommand implements Callable<Integer> {
  @Parameters(paramLabel = "MODEL", description = "A float or quantized ONNX file.")
  private Path file;

  @Option(names = "--json", description = "Print JSON, and nothing else.")
  private boolean json;

  @ArgGroup(validate = false, heading = "%nRecipe, for a float model:%n")
  private RecipeOptions recipes = new RecipeOptions();

  @Mixin private CommonOptions common;

  @Override
  public Integer call() throws IOException {
    Console console = common.console();
    Recipe recipe = recipes.recipe();
    Model model = OnnxReader.read(file);
    Inspection inspection = Inspection.of(file.toString(), Files.size(file), model, recipe);
    console.print(json ? InspectionJson.of(inspection) : InspectionText.of(inspection));
    return ExitCode.OK;
  }
}
