package dev.octet.torch.graph;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.Range;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.graph.pass.FoldBatchNorm;
import dev.octet.graph.pass.Rewrites;
import dev.octet.quantize.Progress;
import dev.octet.quantize.QuantizationSteps;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.emit.WeightCoder;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Placement.Group;
import dev.octet.quantize.place.Placement.WeightSite;
import dev.octet.torch.Scope;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A graph that trains with quantizers where the post-training pipeline places them, and becomes the
 * integer model that computes the same.
 *
 * <pre>{@code
 * try (QuantizedGraph net = QuantizedGraph.of(model, Recipe.int8(), BatchNorms.FOLDED)) {
 *   net.calibrate(samples);
 *   train(net);
 *   OnnxWriter.write(net.toQuantizedModel(), target);
 * }
 * }</pre>
 *
 * <p>Weights are rounded by the range that they have at each call where the recipe's method is
 * min-max; other methods, and 4 bits, fix their scales at the start. Activations follow the range
 * of each batch until {@link #calibrate} sets theirs. Biases are rounded where they become int32.
 * The quantizers are modules: {@code activationQuantizers().get(name).learnScale()} makes a range
 * train.
 */
public final class QuantizedGraph extends TorchGraph {

  /** What becomes of BatchNormalization after a layer that it can be folded into. */
  public enum BatchNorms {
    /** It is folded at the start: the folded weights train. */
    FOLDED,
    /**
     * It goes on normalizing by the batch while the layer's weights are rounded as if folded
     * (Krishnamoorthi 2018); {@link TorchGraph#freezeStatistics} ends that. It is folded on export.
     */
    SIMULATED
  }

  /** Placement and quantizers as a recipe has them. */
  private record ByRecipe(Recipe recipe) implements GraphPlacement<TensorQuantizer> {
    /** With fewer bits a scale is fitted to the weights rather than to the largest of them. */
    private static final int FITTED_BITS = 4;

    @Override
    public Placement place(Model folded) {
      return QuantizationSteps.place(folded, recipe);
    }

    @Override
    public TensorQuantizer activation(Group group) {
      return new TensorQuantizer(group.descriptor());
    }

    @Override
    public boolean roundsBias(WeightSite site) {
      return QuantizationSteps.roundsBias(site, recipe);
    }

    /** One that follows the weights, or one with the scales that their method finds now. */
    @Override
    public TensorQuantizer weight(WeightSite site) {
      QuantDescriptor descriptor = site.descriptor();
      if (descriptor.fixedRange() == null
          && descriptor.bits() > FITTED_BITS
          && descriptor.method() instanceof RangeMethod.MinMax) {
        return new TensorQuantizer(descriptor);
      }
      TensorQuantizer quantizer =
          new TensorQuantizer(descriptor.toBuilder().fixedRange(null).build());
      QuantParams params = WeightCoder.code(site, 0, null).params();
      List<Range> ranges = new ArrayList<>();
      for (int i = 0; i < params.count(); i++) {
        float scale = params.scale(i);
        int zero = params.zeroPoint(i);
        ranges.add(
            descriptor.symmetric() && descriptor.signed()
                ? Range.symmetric(scale * params.qmax())
                : new Range(scale * (params.qmin() - zero), scale * (params.qmax() - zero)));
      }
      quantizer.setRanges(ranges);
      return quantizer;
    }
  }

  private final Recipe recipe;
  private final QuantizerPlacement<TensorQuantizer> quantizers;

  private QuantizedGraph(
      Model prepared, Recipe recipe, QuantizerPlacement<TensorQuantizer> quantizers) {
    super(prepared, quantizers::wire);
    this.recipe = recipe;
    this.quantizers = quantizers;
  }

  /**
   * The module of a model, which is copied and simplified as for post-training quantization.
   *
   * @param recipe a static or weight-only one
   * @throws dev.octet.quantize.NothingToQuantizeException if the recipe quantizes nothing of this
   *     model
   * @throws dev.octet.graph.ModelException naming every node whose operator is not known here
   * @throws IllegalArgumentException if the recipe is dynamic or stores 16-bit floats
   */
  public static QuantizedGraph of(Model model, Recipe recipe, BatchNorms norms) {
    Model prepared = QuantizationSteps.prepare(model, recipe, norms == BatchNorms.FOLDED);
    try (Scope scope = Scope.open()) {
      return new QuantizedGraph(prepared, recipe, new QuantizerPlacement<>(new ByRecipe(recipe)));
    }
  }

  /**
   * Learns the ranges of activations by running the float model with the present weights on
   * samples, as the recipe's methods say.
   */
  public void calibrate(Samples samples) {
    calibrate(samples, Progress.SILENT);
  }

  /** The same, telling how far it is. */
  public void calibrate(Samples samples, Progress progress) {
    Model folded = folded();
    Placement placement = QuantizationSteps.place(folded, recipe);
    Map<String, Range> ranges =
        QuantizationSteps.calibrate(folded, placement, recipe, samples, progress);
    ranges.forEach((name, range) -> activation(name).setRanges(List.of(range)));
  }

  /** What rounds activations, by the name of the first value that shares the range. */
  public Map<String, TensorQuantizer> activationQuantizers() {
    return quantizers.activations();
  }

  /** What rounds weights, by the node's first output. */
  public Map<String, TensorQuantizer> weightQuantizers() {
    return quantizers.weights();
  }

  /**
   * The integer model with the present weights and ranges, as the recipe's form has it. It computes
   * what this module does in eval mode, but for the last bits of float sums.
   *
   * @throws IllegalStateException naming every activation whose range is not known yet
   */
  public Model toQuantizedModel() {
    List<String> unknown = new ArrayList<>();
    activationQuantizers()
        .forEach(
            (name, quantizer) -> {
              if (!quantizer.hasRange()) {
                unknown.add(name);
              }
            });
    if (!unknown.isEmpty()) {
      throw new IllegalStateException(
          "the ranges of " + unknown + " are not known; calibrate, or set them");
    }
    Model model = folded();
    Placement placement = QuantizationSteps.place(model, recipe);
    QuantizationSteps.quantize(
        model,
        placement,
        recipe,
        group -> activation(group.name()).params(),
        site -> fixedParameters(weight(QuantizerPlacement.key(site.node(), site.input()))));
    return model;
  }

  private static Optional<QuantParams> fixedParameters(TensorQuantizer quantizer) {
    return quantizer.hasRange() ? Optional.of(quantizer.params()) : Optional.empty();
  }

  private TensorQuantizer activation(String name) {
    TensorQuantizer found = activationQuantizers().get(name);
    if (found == null) {
      throw new IllegalStateException("there is no quantizer for '" + name + "'");
    }
    return found;
  }

  private TensorQuantizer weight(String key) {
    TensorQuantizer found = weightQuantizers().get(key);
    if (found == null) {
      throw new IllegalStateException("there is no quantizer for the weight of '" + key + "'");
    }
    return found;
  }

  /** The float model as placement sees it. */
  private Model folded() {
    Model model = toModel();
    Rewrites.run(model.graph(), new FoldBatchNorm());
    return model;
  }
}
