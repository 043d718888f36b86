package dev.octet.quantize;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.range.Range;
import dev.octet.core.recipe.Mode;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.quantize.calibrate.Calibration;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Placement.Group;
import dev.octet.quantize.place.Placement.WeightSite;
import dev.octet.quantize.place.Placer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The steps of {@link PostTraining} one by one, for whoever finds weights and ranges in another
 * way, such as training with fake quantization.
 */
public final class QuantizationSteps {
  private QuantizationSteps() {}

  /**
   * A copy of {@code model} that is simpler and in an operator set that knows the number formats;
   * equal constants stay apart, because training makes them differ.
   *
   * @param foldNorms whether BatchNormalization is folded into the layer before it
   */
  public static Model prepare(Model model, Recipe recipe, boolean foldNorms) {
    return Preparation.prepareForTraining(model.copy(), recipe, foldNorms);
  }

  /**
   * Decides what becomes integers.
   *
   * @throws NothingToQuantizeException if that is nothing
   * @throws IllegalArgumentException if the recipe is dynamic or stores 16-bit floats, so that
   *     there are no ranges to find
   */
  public static Placement place(Model prepared, Recipe recipe) {
    if (recipe.mode() != Mode.STATIC && recipe.mode() != Mode.WEIGHT_ONLY) {
      throw new IllegalArgumentException(
          "recipe '"
              + recipe.name()
              + "' is of mode "
              + recipe.mode()
              + ", which has no ranges to find; choose a static or weight-only one");
    }
    Placement placement = Placer.place(prepared.graph(), recipe);
    if (placement.weights().isEmpty() && placement.groups().isEmpty()) {
      throw new NothingToQuantizeException(
          "recipe '" + recipe.name() + "' finds nothing to quantize in the model");
    }
    return placement;
  }

  /**
   * Whether the bias beside a weight is rounded to multiples of the scale of the input, which must
   * be quantized, times the scale of the weight: int32, or float beside 4-bit weights.
   */
  public static boolean roundsBias(WeightSite site, Recipe recipe) {
    return ModelQuantizer.biasCanBeInteger(site, recipe)
        && ModelQuantizer.biasOf(site.node()) != null;
  }

  /**
   * Learns the ranges of activations from samples, as the recipe's methods say.
   *
   * @param prepared the model that {@code placement} was made for, not yet quantized
   * @return by name of the group; those that have a fixed range are left out
   */
  public static Map<String, Range> calibrate(
      Model prepared, Placement placement, Recipe recipe, Samples samples, Progress progress) {
    Recipe plain = recipe.toBuilder().biasCorrection(false).build();
    Calibration calibration =
        Calibration.of(prepared).batchSize(recipe.batchSize()).progress(progress);
    ModelQuantizer.watch(calibration, placement, plain);
    Map<String, Range> ranges = new LinkedHashMap<>();
    if (calibration.watchesAnything()) {
      Calibration.Result seen = calibration.run(samples);
      for (Group group : placement.groups()) {
        if (group.descriptor().fixedRange() == null) {
          ranges.put(group.name(), ModelQuantizer.range(group, seen, new ArrayList<>()));
        }
      }
    }
    return ranges;
  }

  /**
   * Quantizes a model with known parameters, in the form that the recipe asks for. Biases are not
   * corrected.
   *
   * @param prepared changed in place
   * @param placement what {@link #place} said of this very model
   * @param activations the parameters of a group
   * @param weights the parameters of a weight; empty where the weight itself decides
   * @return what the user should know
   */
  public static List<String> quantize(
      Model prepared,
      Placement placement,
      Recipe recipe,
      Function<Group, QuantParams> activations,
      Function<WeightSite, Optional<QuantParams>> weights) {
    Recipe plain = recipe.toBuilder().biasCorrection(false).build();
    return ModelQuantizer.quantize(
            prepared, placement, plain, new ModelQuantizer.Given(activations, weights))
        .warnings();
  }
}
