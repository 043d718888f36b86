package dev.octet.cli;

import dev.octet.core.recipe.Mode;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.PostTraining;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.report.QuantizationReport;
import dev.octet.quantize.run.ModelInputs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code octet quantize}: a float model and samples in, a quantized model and a report out. */
@Command(
    name = "quantize",
    description = "Quantize an ONNX model, and report what it cost.",
    footer = {
      "",
      "Examples:",
      "  octet quantize model.onnx --data photos/",
      "  octet quantize model.onnx --data cifar10/ --recipe w4a8 -o small.onnx",
      "  octet quantize model.onnx --recipe weight-only-int8",
      "  octet quantize model.onnx --data photos/ --float 'head/.*' --min-agreement 99",
    })
final class QuantizeCommand extends OctetCommand {
  @Parameters(paramLabel = "MODEL", description = "The float model, an ONNX file.")
  private Path model;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description =
          "The quantized model (default: MODEL's name with the recipe's, such as model.int8.onnx,"
              + " in the current folder).")
  private @Nullable Path output;

  @Mixin private ForceOption force;

  @ArgGroup(validate = false, heading = "%nData:%n")
  private DataOptions data = new DataOptions();

  @ArgGroup(validate = false, heading = "")
  private SplitDataOptions split = new SplitDataOptions();

  @ArgGroup(validate = false, heading = "%nImages become tensors:%n")
  private PreprocessingOptions preprocessing = new PreprocessingOptions();

  @ArgGroup(validate = false, heading = "%nRecipe:%n")
  private RecipeOptions recipes = new RecipeOptions();

  @ArgGroup(validate = false, heading = "%nCalibration:%n")
  private CalibrationOptions calibration = new CalibrationOptions();

  @ArgGroup(validate = false, heading = "%nReport:%n")
  private ReportOptions reports = new ReportOptions();

  @Option(names = "--no-report", description = "Write no report; the summary is still printed.")
  private boolean noReport;

  @ArgGroup(validate = false, heading = "%nFloors:%n")
  private FloorOptions floors = new FloorOptions();

  @Mixin private RunnerOption runner;

  @Mixin private CommonOptions common;

  @Override
  public Integer call() throws IOException {
    Console console = common.console();
    runner.apply();
    Recipe recipe = recipes.recipe();
    Path target = output != null ? output : defaultOutput(recipe);
    ReportOptions.checkFolder(target); // before those of files that go beside it
    List<Path> reportFiles = reports.files(noReport ? List.of() : besides(target));
    checkOutputs(target, reportFiles);
    SampleSets sets = samples(recipe, console);

    PostTraining training = PostTraining.of(model).recipe(recipe).progress(console.progress());
    sets.giveTo(training);
    QuantizationReport report;
    try (KeptState state = calibration.applyTo(training, target, console)) {
      report = training.save(target);
      state.done();
    }
    report = console.withWarnings(report);
    reports.deliver(report, reportFiles, console);
    if (!reports.json()) {
      console.print("model: " + target);
    }
    return floors.judge(report, console);
  }

  private SampleSets samples(Recipe recipe, Console console) {
    List<ModelInput> inputs =
        data.path() == null && split.none() && !needsSamples(recipe)
            ? List.of()
            : ModelInputs.of(OnnxReader.read(model).graph());
    SampleSets sets =
        split.open(
            data,
            path -> data.open(path, inputs, preprocessing, recipe.preprocessing(), console),
            recipe.samples());
    if (needsSamples(recipe) && sets.calibration() == null) {
      throw new OptionException(
          "static quantization learns ranges from samples: give --data PATH, or choose a recipe"
              + " without, such as dynamic-int8 or weight-only-int8");
    }
    if (floors.any() && sets.evaluation() == null) {
      throw new OptionException(
          "a floor needs an evaluation: give --data or --evaluation, and not --no-evaluation");
    }
    return sets;
  }

  private boolean needsSamples(Recipe recipe) {
    return recipe.mode() == Mode.STATIC && !calibration.hasRanges();
  }

  // ---- files ----

  private Path defaultOutput(Recipe recipe) {
    return Path.of(stem(model) + "." + recipe.name() + ".onnx");
  }

  private static List<Path> besides(Path target) {
    String stem = stem(target);
    return List.of(
        target.resolveSibling(stem + ".report.html"), target.resolveSibling(stem + ".report.json"));
  }

  private static String stem(Path file) {
    String name = String.valueOf(file.getFileName());
    return name.endsWith(".onnx") ? name.substring(0, name.length() - ".onnx".length()) : name;
  }

  private void checkOutputs(Path target, List<Path> reportFiles) throws IOException {
    List<Path> files = new ArrayList<>(List.of(target));
    files.addAll(reportFiles);
    calibration.rangesToWrite().ifPresent(files::add);
    for (Path file : files) {
      force.check(file, model);
    }
  }
}
