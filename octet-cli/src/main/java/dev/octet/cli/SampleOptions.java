package dev.octet.cli;

import dev.octet.core.recipe.PreprocessingSpec;
import dev.octet.quantize.data.DataSet;
import dev.octet.quantize.data.ModelInput;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;

/** The samples of commands that cannot do without, all from one path. */
final class SampleOptions {
  @ArgGroup(validate = false, heading = "%nData:%n")
  private DataOptions data = new DataOptions();

  @ArgGroup(validate = false, heading = "%nImages become tensors:%n")
  private PreprocessingOptions preprocessing = new PreprocessingOptions();

  /** Where they are; asked before anything is read. */
  Path path() {
    return data.required();
  }

  /**
   * Opens {@code path} for a model with these inputs.
   *
   * @return as many samples to evaluate on as were asked for
   */
  DataSet open(
      Path path, List<ModelInput> inputs, @Nullable PreprocessingSpec recipe, Console console) {
    DataSet found = data.open(path, inputs, preprocessing, recipe, console);
    return new DataSet(
        found.calibration(),
        data.forEvaluation(found.evaluation()),
        found.sameSet(),
        found.preprocessing());
  }
}
