package dev.octet.core.recipe;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.rules.Rule;
import dev.octet.core.rules.Rules;
import dev.octet.core.rules.Settings;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a quantization run is asked to do.
 *
 * @param name for reports, not blank; a preset's name unless the user gave another
 * @param mode what is quantized
 * @param format how it is written
 * @param target for which runtime
 * @param weight how weights are quantized; a granularity per axis means per output channel,
 *     whatever axis the operator keeps them on, and blocks run along the axis that is summed over
 * @param activation how activations are quantized
 * @param crossLayerEqualization whether scales of neighbouring layers are evened out first
 * @param biasCorrection whether biases take back the mean shift of rounded weights
 * @param smoothQuant the migration strength of SmoothQuant, 0 to 1; null leaves it out
 * @param samples the most samples used for calibration
 * @param batchSize samples in a calibration batch, where the model leaves that open
 * @param operators the only operators to quantize; empty means all that can be
 * @param preprocessing how images are prepared; null leaves it to the data and the model
 * @param rules exceptions by name and operator
 */
public record Recipe(
    String name,
    Mode mode,
    Format format,
    Target target,
    QuantDescriptor weight,
    QuantDescriptor activation,
    boolean crossLayerEqualization,
    boolean biasCorrection,
    @Nullable Double smoothQuant,
    int samples,
    int batchSize,
    Set<String> operators,
    @Nullable PreprocessingSpec preprocessing,
    Rules rules) {

  /**
   * Puts what means the same into one form: operators in alphabetical order, descriptors without a
   * name, and granularities without an axis of their own ({@link Settings#onOperatorAxes}).
   *
   * @throws IllegalArgumentException if a setting is out of range, activations are not quantized
   *     per tensor, weights are to be averaged over batches or samples, or a rule changes a
   *     descriptor to one that does not go together
   */
  public Recipe {
    if (name.isBlank()) {
      throw new IllegalArgumentException("the recipe's name is blank; give one or leave it out");
    }
    operators = Collections.unmodifiableSet(new TreeSet<>(operators));
    if (operators.stream().anyMatch(String::isBlank)) {
      throw new IllegalArgumentException(
          "an operator's name is blank; name an operator such as 'Conv'");
    }
    weight =
        weight.toBuilder()
            .name(null)
            .granularity(Settings.onOperatorAxes(weight.granularity()))
            .build();
    checkWeightMethod(weight.method());
    activation = activation.toBuilder().name(null).build();
    if (!(activation.granularity() instanceof Granularity.PerTensor)) {
      throw new IllegalArgumentException(
          "activations are quantized "
              + activation.granularity()
              + "; only one scale for the tensor can be folded into integer arithmetic");
    }
    if (smoothQuant != null && !(smoothQuant >= 0 && smoothQuant <= 1)) {
      throw new IllegalArgumentException(
          "SmoothQuant strength is " + smoothQuant + "; choose 0 to 1");
    }
    if (samples < 1) {
      throw new IllegalArgumentException("samples is " + samples + "; choose 1 or more");
    }
    if (batchSize < 1) {
      throw new IllegalArgumentException("batch size is " + batchSize + "; choose 1 or more");
    }
    for (Rule rule : rules.rules()) {
      try {
        checkWeightMethod(rule.weight().applyTo(weight).method());
        rule.activation().applyTo(activation);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException("rule " + rule.describe() + ": " + e.getMessage(), e);
      }
    }
  }

  private static void checkWeightMethod(RangeMethod method) {
    if (method instanceof RangeMethod.MovingAverage
        || method instanceof RangeMethod.AverageExtremes) {
      throw new IllegalArgumentException(
          "range method '"
              + method
              + "' averages over batches or samples, and weights have none; choose mse, minmax or"
              + " another that looks at values");
    }
  }

  /** The default: static int8, Q/DQ, for ONNX Runtime. */
  public static Recipe int8() {
    return preset("int8");
  }

  /**
   * A preset.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public static Recipe preset(String name) {
    return Presets.get(name).recipe();
  }

  /** The names of all presets; the default is the first. */
  public static List<String> presets() {
    return Presets.names();
  }

  /**
   * What a preset is for, in one line.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public static String describe(String preset) {
    return Presets.get(preset).description();
  }

  /**
   * Reads a recipe from a YAML file in UTF-8. A recipe without a name is called like the file.
   *
   * @throws RecipeException if the file cannot be read or is no recipe
   */
  public static Recipe load(Path file) {
    return RecipeReader.load(file);
  }

  /**
   * Reads a recipe from YAML: what is not given stays as the preset has it that the text names, or
   * as {@code int8} has it.
   *
   * @throws RecipeException if the text is no recipe
   */
  public static Recipe parse(String yaml) {
    return parse(yaml, "recipe");
  }

  /**
   * {@link #parse(String)} of a text that messages call {@code origin}.
   *
   * @throws RecipeException if the text is no recipe
   */
  public static Recipe parse(String yaml, String origin) {
    return RecipeReader.read(yaml, origin);
  }

  /**
   * YAML with every setting written out, so that it means the same when presets change; {@link
   * #parse(String)} gives an equal recipe back.
   */
  public String toYaml() {
    return RecipeWriter.write(this);
  }

  /** A builder that starts from this recipe. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  /** Changes parts of a recipe; {@link #build} checks the whole. */
  public static final class Builder {
    private String name;
    private Mode mode;
    private Format format;
    private Target target;
    private QuantDescriptor weight;
    private QuantDescriptor activation;
    private boolean crossLayerEqualization;
    private boolean biasCorrection;
    private @Nullable Double smoothQuant;
    private int samples;
    private int batchSize;
    private Set<String> operators;
    private @Nullable PreprocessingSpec preprocessing;
    private Rules rules;

    private Builder(Recipe from) {
      name = from.name;
      mode = from.mode;
      format = from.format;
      target = from.target;
      weight = from.weight;
      activation = from.activation;
      crossLayerEqualization = from.crossLayerEqualization;
      biasCorrection = from.biasCorrection;
      smoothQuant = from.smoothQuant;
      samples = from.samples;
      batchSize = from.batchSize;
      operators = from.operators;
      preprocessing = from.preprocessing;
      rules = from.rules;
    }

    /** Sets the name in reports. */
    public Builder name(String value) {
      name = value;
      return this;
    }

    /** Sets what is quantized. */
    public Builder mode(Mode value) {
      mode = value;
      return this;
    }

    /** Sets how it is written. */
    public Builder format(Format value) {
      format = value;
      return this;
    }

    /** Sets for which runtime. */
    public Builder target(Target value) {
      target = value;
      return this;
    }

    /** Sets how weights are quantized. */
    public Builder weight(QuantDescriptor value) {
      weight = value;
      return this;
    }

    /** Sets how the range of weights is chosen. */
    public Builder weightMethod(RangeMethod value) {
      return weight(weight.toBuilder().method(value).build());
    }

    /** Sets how activations are quantized. */
    public Builder activation(QuantDescriptor value) {
      activation = value;
      return this;
    }

    /** Sets how the range of activations is learned. */
    public Builder activationMethod(RangeMethod value) {
      return activation(activation.toBuilder().method(value).build());
    }

    /** Sets whether scales of neighbouring layers are evened out first. */
    public Builder crossLayerEqualization(boolean value) {
      crossLayerEqualization = value;
      return this;
    }

    /** Sets whether biases take back the mean shift of rounded weights. */
    public Builder biasCorrection(boolean value) {
      biasCorrection = value;
      return this;
    }

    /** Sets SmoothQuant's migration strength, 0 to 1; null leaves the step out. */
    public Builder smoothQuant(@Nullable Double value) {
      smoothQuant = value;
      return this;
    }

    /** Sets the most samples used for calibration. */
    public Builder samples(int value) {
      samples = value;
      return this;
    }

    /** Sets the samples in a calibration batch. */
    public Builder batchSize(int value) {
      batchSize = value;
      return this;
    }

    /** Sets the only operators to quantize; empty means all that can be. */
    public Builder operators(Set<String> value) {
      operators = value;
      return this;
    }

    /** Sets how images are prepared; null leaves it to the data and the model. */
    public Builder preprocessing(@Nullable PreprocessingSpec value) {
      preprocessing = value;
      return this;
    }

    /** Sets the exceptions by name and operator. */
    public Builder rules(Rules value) {
      rules = value;
      return this;
    }

    /**
     * The recipe.
     *
     * @throws IllegalArgumentException if a setting is out of range
     */
    public Recipe build() {
      return new Recipe(
          name,
          mode,
          format,
          target,
          weight,
          activation,
          crossLayerEqualization,
          biasCorrection,
          smoothQuant,
          samples,
          batchSize,
          operators,
          preprocessing,
          rules);
    }
  }
}
