package dev.octet.cli;

import dev.octet.core.recipe.Recipe;
import dev.octet.engine.Explanation;
import dev.octet.graph.Model;
import dev.octet.graph.onnx.AtomicFile;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.inspect.Inspection;
import dev.octet.quantize.run.EngineRunner;
import dev.octet.quantize.run.ModelInputs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code octet inspect}: what is quantized in a model, or would be, and what is not, and why. */
@Command(
    name = "inspect",
    description = "Show what in a model is quantized, or would be, and what is not, and why.",
    footer = {
      "",
      "Examples:",
      "  octet inspect model.onnx --recipe tensorrt-int8    what that recipe would do to it",
      "  octet inspect model.int8.onnx                      its scales, and what stayed float",
      "  octet inspect model.int8.onnx --plan               what the engine runs for it",
    })
final class InspectCommand extends OctetCommand {
  @Parameters(paramLabel = "MODEL", description = "A float or quantized ONNX file.")
  private Path file;

  @Option(names = "--json", description = "Print JSON, and nothing else.")
  private boolean json;

  @Option(
      names = "--plan",
      description = "Show what the engine would run for it, step by step, instead.")
  private boolean plan;

  @Option(
      names = "--plan-graph",
      paramLabel = "FILE",
      description = "Write those steps as a graph in Graphviz's language, a .dot file.")
  private @Nullable Path planGraph;

  @ArgGroup(validate = false, heading = "%nShapes, for the plan:%n")
  private ShapeOptions shapes = new ShapeOptions();

  @ArgGroup(validate = false, heading = "%nRecipe, for a float model:%n")
  private RecipeOptions recipes = new RecipeOptions();

  @Mixin private CommonOptions common;

  @Override
  public Integer call() throws IOException {
    Console console = common.console();
    if (plan || planGraph != null) {
      return explain(console);
    }
    Recipe recipe = recipes.recipe();
    Model model = OnnxReader.read(file);
    Inspection inspection = Inspection.of(file.toString(), Files.size(file), model, recipe);
    console.print(json ? InspectionJson.of(inspection) : InspectionText.of(inspection));
    return ExitCode.OK;
  }

  private int explain(Console console) throws IOException {
    if (json) {
      throw new OptionException("a plan has no JSON form; drop --json");
    }
    if (planGraph != null) {
      ReportOptions.checkFolder(planGraph);
    }
    Model model = OnnxReader.read(file);
    shapes.check(ModelInputs.of(model.graph()).stream().map(ModelInput::name).toList());
    Explanation explanation;
    try {
      explanation = EngineRunner.explain(model, shapes.of(model.graph(), 1), common.threads());
    } catch (IllegalArgumentException e) { // the shapes do not fit the model
      throw new DataException(String.valueOf(e.getMessage()), e);
    }
    console.print(explanation.toString());
    if (planGraph != null) {
      AtomicFile.write(planGraph, explanation.graph());
    }
    return ExitCode.OK;
  }
}
