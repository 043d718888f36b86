package dev.octet.workflows.distiller;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.core.yaml.SafeYaml;
import dev.octet.graph.Model;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.Flatten;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MatMul;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.op.TraceException;
import dev.octet.torch.trace.Trace;
import dev.octet.workflows.distiller.PostTrainReplacements.Arguments;
import dev.octet.workflows.distiller.stats.ModelStats;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Distiller's quantization after training: layers compute on integers, or as if between them.
 *
 * <pre>{@code
 * PostTrainLinearQuantizer quantizer =
 *     PostTrainLinearQuantizer.builder(model)
 *         .mode(LinearQuantMode.ASYMMETRIC_UNSIGNED)
 *         .perChannelWts(true)
 *         .clipActs(ClipMode.AVG)
 *         .overrides(Overrides.NONE.with("fc", "clip_acts", "NONE"))
 *         .modelActivationStats(ModelStats.read(Path.of("stats.yaml")))
 *         .build();
 * quantizer.prepareModel(example);
 * model.eval();
 * Tensor y = model.call(images);               // simulated
 * Model int8 = quantizer.convert(example);     // real integers
 * }</pre>
 *
 * <p>With statistics scales are fixed; without, they follow each batch, and sums, products and
 * concatenations stay float, which is said in {@link #warnings}. So do layers that statistics say
 * were never run, recurrent layers ({@link DistillerLSTM} is an LSTM of parts that can be
 * quantized), and attention.
 *
 * <p>Preparing first folds batch normalization into the convolution or Linear layer whose only
 * reader it is; then, with statistics, narrows the range of a layer whose only reader is a
 * rectifier, sigmoid or tanh to what matters there; then applies such a rectifier inside the
 * layer's integer arithmetic. Who reads what is seen by tracing the model on the dummy input.
 *
 * <p>Where Distiller is mistaken this is not: see each wrapper, and {@code half_range}, which here
 * says nothing of inputs. {@code fp16} is the old name of {@code fpq_module: 16}.
 */
public final class PostTrainLinearQuantizer extends Quantizer {
  private final PostTrainSettings settings;
  private final QuantizedValues values = new QuantizedValues();
  private final Preparation preparation;
  private final PostTrainReplacements replacements;

  /** Settings, under Distiller's names. */
  public static final class Builder {
    private final Module model;
    private final PostTrainSettings settings;

    private Builder(Module model, PostTrainSettings settings) {
      this.model = model;
      this.settings = settings;
    }

    /** Bits of activations, 2 to 16; 8 if not set; null leaves them float. */
    public Builder bitsActivations(@Nullable Integer bits) {
      settings.bitsActivations = bits;
      return this;
    }

    /** Bits of weights, 2 to 16; 8 if not set; null leaves them float. */
    public Builder bitsParameters(@Nullable Integer bits) {
      settings.bitsParameters = bits;
      return this;
    }

    /** Bits of accumulators and biases, 2 to 32; 32 if not set. */
    public Builder bitsAccum(int bits) {
      settings.bitsAccum = bits;
      return this;
    }

    /** What differs by layer. */
    public Builder overrides(Overrides value) {
      settings.overrides = value;
      return this;
    }

    /** The mode of activations and weights; SYMMETRIC if not set. */
    public Builder mode(LinearQuantMode both) {
      settings.mode = ModuleQuantMode.of(both);
      return this;
    }

    /** The modes of activations and of weights. */
    public Builder mode(LinearQuantMode activations, LinearQuantMode weights) {
      settings.mode = new ModuleQuantMode(activations, weights);
      return this;
    }

    /** How activations are clipped; not at all if not set. */
    public Builder clipActs(ClipMode clip) {
      settings.clipActs = clip;
      return this;
    }

    /** Whether weights have a scale for each output channel; one for all if not set. */
    public Builder perChannelWts(boolean on) {
      settings.perChannelWts = on;
      return this;
    }

    /** What calibration saw; null, if not set, for scales that follow each batch. */
    public Builder modelActivationStats(@Nullable ModelStats seen) {
      settings.stats = seen;
      return this;
    }

    /** The same from a file. */
    public Builder modelActivationStats(Path file) {
      return modelActivationStats(ModelStats.read(file));
    }

    /** Whether statistics were given. */
    public boolean hasModelActivationStats() {
      return settings.stats != null;
    }

    /** Standard deviations to keep with {@link ClipMode#N_STD}, above 0. */
    public Builder clipNStds(@Nullable Double count) {
      settings.clipNStds = count;
      return this;
    }

    /** Whether every layer's output goes through a rectifier; layers can say so in overrides. */
    public Builder clipHalfRange(boolean on) {
      settings.clipHalfRange = on;
      return this;
    }

    /** Bits of the multiplier that requantization is approximated by; exact if not set. */
    public Builder scaleApproxMultBits(@Nullable Integer bits) {
      settings.scaleApproxMultBits = bits;
      return this;
    }

    /** Whether inputs of unknown scale are quantized as the output is; they are if not set. */
    public Builder inputsQuantAutoFallback(boolean on) {
      settings.inputsQuantAutoFallback = on;
      return this;
    }

    /** 16, 32 or 64 to let all layers compute in that float type; null, if not set, for none. */
    public Builder fpqModule(@Nullable Integer bits) {
      settings.fpqModule = bits;
      return this;
    }

    /** Whether float weights are kept, so that scales of weights can be set; not if not set. */
    public Builder saveFpWeights(boolean on) {
      settings.saveFpWeights = on;
      return this;
    }

    /** Whether weights are clipped as activations are; not if not set. */
    public Builder alsoClipWeights(boolean on) {
      settings.alsoClipWeights = on;
      return this;
    }

    /**
     * The quantizer; the model is changed by {@link Quantizer#prepareModel}, not before.
     *
     * @throws IllegalArgumentException naming the setting that is out of its range
     */
    public PostTrainLinearQuantizer build() {
      return new PostTrainLinearQuantizer(model, settings.copy());
    }
  }

  private PostTrainLinearQuantizer(Module model, PostTrainSettings settings) {
    super(model, settings.checked(), settings.overrides, null, false);
    this.settings = settings;
    preparation = new Preparation(model, settings.stats, this::quantizesOutput);
    replacements = new PostTrainReplacements(settings, preparation, values, this::warn);
    Set.of(Conv2d.class, Conv3d.class, Linear.class)
        .forEach(type -> replace(type, Arguments.LAYER, Arguments.FLOAT, replacements::layer));
    replace(Embedding.class, Arguments.EMBEDDING, Arguments.FLOAT, replacements::embedding);
    Set.of(MatMul.class, Mul.class, Add.class, Concat.class)
        .forEach(
            type -> replace(type, Arguments.OPERATION, Arguments.FLOAT, replacements::operation));
    replaceOthers(Arguments.OTHER, Arguments.OTHER_WITHOUT_BITS, replacements::other);
    PostTrainReplacements.LEFT_ALONE.forEach(this::leaveAlone);
  }

  /** Starts with the settings of Distiller. */
  public static Builder builder(Module model) {
    return new Builder(model, new PostTrainSettings());
  }

  /** The settings that metadata hold, for a model as it was before it was prepared. */
  public static Builder builder(Module model, QuantizerMetadata metadata) {
    metadata.require(PostTrainLinearQuantizer.class);
    return new Builder(model, PostTrainSettings.of(metadata));
  }

  /**
   * The settings that a YAML file defines as Distiller's {@code --qe-config-file} does: an entry of
   * {@code class: PostTrainLinearQuantizer} in any section.
   *
   * @param config {@code model_activation_stats} in it names a file beside it
   * @throws IllegalArgumentException if it is no such file, or sets what there is not
   */
  public static Builder builder(Module model, Path config) {
    return new Builder(model, PostTrainSettings.read(config));
  }

  @Override
  protected Map<String, @Nullable Object> arguments() {
    return settings.toMap();
  }

  @Override
  protected boolean quantizesParams() {
    return false;
  }

  // --- Before layers are exchanged ---------------------------------------------------------------

  @Override
  protected void beforePreparing(Tensor[] dummyInputs) {
    checkSettings();
    if (dummyInputs.length == 0) {
      throw new IllegalArgumentException(
          "prepareModel needs an example input to see how layers follow each other");
    }
    replacements.reportRecurrent(model());
    try {
      preparation.run(dummyInputs);
    } catch (TraceException e) {
      warn(
          "how layers follow each other cannot be seen, so batch normalization is not folded and"
              + " activations are not fused: "
              + e.getMessage());
    }
  }

  /** Reads the settings of every layer once, so that a wrong one is found before any change. */
  private void checkSettings() {
    moduleArguments()
        .forEach(
            (path, own) -> {
              if (!own.isEmpty()) {
                try {
                  LayerSettings args = replacements.settings(path, bits(path), own);
                  args.fpq();
                  args.wrapper(false);
                } catch (IllegalArgumentException e) {
                  throw new IllegalArgumentException(
                      "'"
                          + path
                          + "' ("
                          + ModuleTypes.name(model().get(path))
                          + "): "
                          + e.getMessage(),
                      e);
                }
              }
            });
  }

  private boolean quantizesOutput(String path) {
    Module module = model().get(path);
    LayerSettings args =
        replacements.settings(path, bits(path), moduleArguments().getOrDefault(path, Map.of()));
    return args.bits().acts() != null
        && !args.precisionOnly()
        && preparation.isRun(path)
        && !(module instanceof Embedding)
        && PostTrainReplacements.LEFT_ALONE.stream().noneMatch(type -> type.isInstance(module))
        && (preparation.stats() != null || !PostTrainReplacements.needsStats(module));
  }

  private QBits bits(String path) {
    return moduleBits().getOrDefault(path, QBits.NONE);
  }

  @Override
  protected void afterPreparing(Tensor[] dummyInputs) {
    // What has the values of its input has its integers too.
    for (Module module : model().modules().values()) {
      if (module instanceof Flatten) {
        module.afterForward(
            (layer, inputs, output) -> {
              DistillerLinear known = inputs.length == 1 ? values.get(inputs[0]) : null;
              if (known != null) {
                values.put(output, known);
              }
              return output;
            });
      }
    }
  }

  // --- Scales and ranges -------------------------------------------------------------------------

  /** The quantized layers. */
  Wrappers wrappers() {
    return Wrappers.of(model());
  }

  /** The statistics, for searches over scales that are fixed. */
  ModelStats requireStatic() {
    ModelStats stats = preparation.stats();
    if (!isPrepared() || stats == null) {
      throw new IllegalStateException(
          "the search needs a quantizer that prepared its model with statistics");
    }
    return stats;
  }

  /** The statistics that scales were made from: after folding and narrowing; null without any. */
  public @Nullable ModelStats statsAfterPrepareModel() {
    return preparation.stats();
  }

  /**
   * The fixed scales and zero points by name: {@code conv1.output_scale}, {@code
   * conv1.output_zero_point}, and with {@code saveFpWeights} {@code conv1.w_scale} and {@code
   * conv1.w_zero_point}. Scales multiply and zero points are subtracted.
   */
  public Map<String, float[]> namedLinearQuantParams() {
    return wrappers().linearQuantParams();
  }

  /**
   * Sets one of these; weights are quantized anew.
   *
   * @param values one, or one for each output channel
   * @throws IllegalArgumentException if there is none of that name, the number is another, or a
   *     scale is not positive
   */
  public void setLinearQuantParam(String name, float... values) {
    wrappers().ofName(name).setLinearQuantParam(Wrappers.lastPart(name), values);
  }

  /** Sets several. */
  public void updateLinearQuantParams(Map<String, float[]> named) {
    named.forEach(this::setLinearQuantParam);
  }

  /**
   * The ranges that are kept by name, {@code conv1.output} and, with {@code saveFpWeights} and one
   * scale for the weights, {@code conv1.weight}: lower and upper end.
   */
  public Map<String, double[]> namedClipping() {
    return wrappers().clipping();
  }

  /**
   * Sets one of these. A symmetric mode takes the end of larger magnitude; what is read back is
   * what was set, but for rounding.
   */
  public void setClipping(String name, double low, double high) {
    wrappers().ofName(name).setClipping(Wrappers.lastPart(name), low, high);
  }

  /** Writes {@link #namedLinearQuantParams} as YAML: what Distiller keeps beside a model. */
  public void writeLayerQuantParams(Path file) {
    Map<String, Object> data = new LinkedHashMap<>();
    namedLinearQuantParams()
        .forEach(
            (name, each) -> {
              List<Double> list = new ArrayList<>();
              for (float value : each) {
                list.add((double) value);
              }
              data.put(name, list.size() == 1 ? list.get(0) : list);
            });
    SafeYaml.write(data, file);
  }

  // --- Conversion --------------------------------------------------------------------------------

  /**
   * The prepared model as a graph of integers, for Octet's engine, ONNX Runtime and others.
   *
   * <p>Its outputs are those of the simulation but for one step of an output's scale: the
   * simulation rounds after the zero point is subtracted and multiplies by scales, a graph rounds
   * before the zero point is added and divides, so that ties and last bits can fall the other way;
   * and where inputs of a sum are brought to the output's scale, the simulation rounds each, a
   * graph the sum alone. A layer that reads such a step can carry it further. Accumulators of fewer
   * than 32 bits and approximated scales are not part of a graph; {@link #conversionNotes} lists
   * them.
   *
   * @param examples one for each input of the model; the batch is left free
   * @return integers of the quantized bits' width, weights included
   * @throws IllegalStateException if the model is not prepared, or without statistics
   */
  public Model convert(Tensor... examples) {
    return convert(Trace.of(model()), examples);
  }

  /**
   * The same with names and operator set of one's choice.
   *
   * @param trace of the model
   */
  public Model convert(Trace trace, Tensor... examples) {
    if (!isPrepared()) {
      throw new IllegalStateException("prepareModel comes before convert");
    }
    if (preparation.stats() == null) {
      throw new IllegalStateException(
          "scales that follow each batch cannot be converted; give the quantizer statistics");
    }
    return trace.quantized(examples);
  }

  /** What {@link #convert} leaves out of a model, and which layers stay float in it and why. */
  public List<String> conversionNotes() {
    List<String> notes = new ArrayList<>(warnings());
    notes.addAll(Wrappers.conversionNotes(model()));
    return notes;
  }
}
