package dev.octet.torch.qat;

import dev.octet.core.recipe.Mode;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.Value;
import dev.octet.quantize.data.DataException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What {@link FineTuning} makes sure of before it starts. */
final class Checks {
  private Checks() {}

  /** Whether the recipe can be trained with. */
  static void recipe(Recipe recipe, boolean learnRanges) {
    if (recipe.mode() != Mode.STATIC && recipe.mode() != Mode.WEIGHT_ONLY) {
      throw new SettingsException(
          "recipe '"
              + recipe.name()
              + "' has no ranges that stay, which training needs; choose a static or a weight-only"
              + " one");
    }
    if (recipe.crossLayerEqualization() || recipe.smoothQuant() != null) {
      throw new SettingsException(
          "recipe '"
              + recipe.name()
              + "' equalizes layers or smooths outliers; training does what these are for, so leave them"
              + " out");
    }
    if (learnRanges && recipe.mode() == Mode.WEIGHT_ONLY) {
      throw new SettingsException(
          "learned ranges are those of activations, and recipe '"
              + recipe.name()
              + "' leaves these in float; do without");
    }
  }

  static void outputs(Model model) {
    List<String> outputs = model.graph().outputs().stream().map(Value::name).toList();
    if (outputs.size() != 1) {
      throw new ModelException(
          "the model has the outputs "
              + outputs
              + "; training needs a classifier with one, logits [N, classes]");
    }
  }

  /** For a model that takes batches of one size only. */
  static void batch(int fixed, @Nullable Integer asked, int samples, int judged) {
    if (asked != null && asked != fixed) {
      throw new SettingsException(
          "the batch size is "
              + asked
              + ", and the model takes batches of "
              + fixed
              + " only; choose that, or export the model with a batch axis of any size");
    }
    if (Math.min(samples, judged) < fixed) {
      throw new DataException(
          "the model takes batches of "
              + fixed
              + " only, and there are "
              + samples
              + " samples to train on and "
              + judged
              + " to judge by; give more");
    }
  }

  static int positive(String what, int value) {
    if (value < 1) {
      throw new SettingsException(what + " is " + value + "; choose 1 or more");
    }
    return value;
  }

  static double within(String what, double value, double least, double most) {
    if (!(value >= least && value <= most)) {
      throw new SettingsException(what + " is " + value + "; choose " + least + " to " + most);
    }
    return value;
  }
}
