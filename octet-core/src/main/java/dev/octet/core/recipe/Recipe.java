package dev.octet.core.recipe;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.rules.Rules;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a quantization run is asked to do.
 *
 * @param name for reports; a preset's name unless the user gave another
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
 * @param batchSize samples in a batch, where the model leaves that open
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

  private static final Map<String, Recipe> PRESETS = presetsByName();

  public Recipe {
    operators = Set.copyOf(operators);
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
    Recipe found = PRESETS.get(name);
    if (found == null) {
      throw new IllegalArgumentException(
          "there is no preset '"
              + name
              + "'; choose one of "
              + String.join(", ", PRESETS.keySet()));
    }
    return found;
  }

  /** The names of all presets. */
  public static List<String> presets() {
    return List.copyOf(PRESETS.keySet());
  }

  /** A builder that starts from this recipe. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  private static Map<String, Recipe> presetsByName() {
    QuantDescriptor int8 =
        QuantDescriptor.int8Weight(0).toBuilder().method(new RangeMethod.Mse()).build();
    // Blocks of 32 are what ONNX exporters and runtimes agree on for 4-bit weights.
    QuantDescriptor int4Block =
        int8.toBuilder()
            .bits(4)
            .granularity(Granularity.perBlock(1, 32))
            .method(new RangeMethod.Mse())
            .build();
    QuantDescriptor int4Channel = int8.toBuilder().bits(4).method(new RangeMethod.Mse()).build();
    QuantDescriptor uint8 =
        QuantDescriptor.uint8Activation().toBuilder().method(new RangeMethod.Mse()).build();
    Recipe base =
        new Recipe(
            "int8",
            Mode.STATIC,
            Format.QDQ,
            Target.ONNXRUNTIME,
            int8,
            uint8,
            false,
            true,
            null,
            500,
            8,
            Set.of(),
            null,
            Rules.NONE);
    Map<String, Recipe> presets = new LinkedHashMap<>();
    add(presets, base);
    add(
        presets,
        base.toBuilder().name("int8-minmax").activationMethod(new RangeMethod.MinMax()).build());
    add(
        presets,
        base.toBuilder().name("int8-entropy").activationMethod(new RangeMethod.Entropy()).build());
    add(
        presets,
        base.toBuilder()
            .name("int8-percentile")
            .activationMethod(new RangeMethod.Percentile(99.99))
            .build());
    add(presets, base.toBuilder().name("w4a8").weight(int4Block).build());
    add(presets, base.toBuilder().name("w4a8-channel").weight(int4Channel).build());
    add(presets, base.toBuilder().name("dynamic-int8").mode(Mode.DYNAMIC).build());
    add(presets, base.toBuilder().name("weight-only-int8").mode(Mode.WEIGHT_ONLY).build());
    add(
        presets,
        base.toBuilder().name("weight-only-int4").mode(Mode.WEIGHT_ONLY).weight(int4Block).build());
    add(presets, base.toBuilder().name("float16").mode(Mode.FLOAT16).build());
    add(presets, base.toBuilder().name("qoperator-int8").format(Format.QOPERATOR).build());
    add(
        presets,
        base.toBuilder()
            .name("tensorrt-int8")
            .target(Target.TENSORRT)
            .activation(
                QuantDescriptor.int8Activation().toBuilder()
                    .method(new RangeMethod.Entropy())
                    .build())
            .build());
    add(presets, base.toBuilder().name("openvino-int8").target(Target.OPENVINO).build());
    add(presets, base.toBuilder().name("octet-int8").target(Target.OCTET).build());
    return presets;
  }

  private static void add(Map<String, Recipe> presets, Recipe recipe) {
    presets.put(recipe.name(), recipe);
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

    /** Sets the samples in a batch. */
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
