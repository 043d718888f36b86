package dev.octet.workflows.distiller;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.Dropout;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.Flatten;
import dev.octet.torch.nn.Identity;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MatMul;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.nn.MultiheadAttention;
import dev.octet.torch.nn.NormNd;
import dev.octet.torch.nn.RecurrentCell;
import dev.octet.torch.nn.RecurrentLayer;
import dev.octet.torch.op.TraceException;
import dev.octet.torch.trace.Trace;
import dev.octet.workflows.distiller.RangeLinearQuantParamLayerWrapper.WeightSettings;
import dev.octet.workflows.distiller.stats.LayerStats;
import dev.octet.workflows.distiller.stats.ModelStats;
import dev.octet.workflows.distiller.stats.TensorStats;
import dev.octet.workflows.distiller.yaml.SafeYaml;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
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
  private static final Set<String> CLIP = Set.of("clip_acts", "clip_n_stds", "clip_half_range");
  private static final Set<String> FLOAT = Set.of("fpq_module", "fp16");
  private static final Set<String> COMMON =
      union(union(CLIP, FLOAT), Set.of("scale_approx_mult_bits", "input_overrides", "fake"));
  private static final Set<String> LAYER = union(COMMON, Set.of("per_channel_wts", "mode"));
  private static final Set<String> OPERATION = union(COMMON, Set.of("inputs_quant_auto_fallback"));
  private static final Set<String> OTHER =
      union(OPERATION, Set.of("make_identity", "quantize_inputs"));

  /** How far sigmoid and tanh still rise; beyond, inputs need not be told apart. */
  private static final double SIGMOID_REACH = 6;

  private static final double TANH_REACH = 4;

  private final Builder settings;
  private final QuantizedValues values = new QuantizedValues();
  private @Nullable ModelStats stats;
  private final Set<String> fusedRectifiers = new HashSet<>();
  private final Set<String> identities = new HashSet<>();

  /** Settings, under Distiller's names. */
  public static final class Builder {
    private final Module model;
    private @Nullable Integer bitsActivations = 8;
    private @Nullable Integer bitsParameters = 8;
    private int bitsAccum = 32;
    private Overrides overrides = Overrides.NONE;
    private ModuleQuantMode mode = ModuleQuantMode.of(LinearQuantMode.SYMMETRIC);
    private ClipMode clipActs = ClipMode.NONE;
    private boolean perChannelWts;
    private @Nullable ModelStats stats;
    private @Nullable Double clipNStds;
    private boolean clipHalfRange;
    private @Nullable Integer scaleApproxMultBits;
    private boolean inputsQuantAutoFallback = true;
    private @Nullable Integer fpqModule;
    private boolean saveFpWeights;
    private boolean alsoClipWeights;

    private Builder(Module model) {
      this.model = model;
    }

    /** Bits of activations, 2 to 16; 8 if not set; null leaves them float. */
    public Builder bitsActivations(@Nullable Integer bits) {
      bitsActivations = bits;
      return this;
    }

    /** Bits of weights, 2 to 16; 8 if not set; null leaves them float. */
    public Builder bitsParameters(@Nullable Integer bits) {
      bitsParameters = bits;
      return this;
    }

    /** Bits of accumulators and biases, 2 to 32; 32 if not set. */
    public Builder bitsAccum(int bits) {
      bitsAccum = bits;
      return this;
    }

    /** What differs by layer. */
    public Builder overrides(Overrides value) {
      overrides = value;
      return this;
    }

    /** The mode of activations and weights; SYMMETRIC if not set. */
    public Builder mode(LinearQuantMode both) {
      mode = ModuleQuantMode.of(both);
      return this;
    }

    /** The modes of activations and of weights. */
    public Builder mode(LinearQuantMode activations, LinearQuantMode weights) {
      mode = new ModuleQuantMode(activations, weights);
      return this;
    }

    /** How activations are clipped; not at all if not set. */
    public Builder clipActs(ClipMode clip) {
      clipActs = clip;
      return this;
    }

    /** Whether weights have a scale for each output channel; one for all if not set. */
    public Builder perChannelWts(boolean on) {
      perChannelWts = on;
      return this;
    }

    /** What calibration saw; null, if not set, for scales that follow each batch. */
    public Builder modelActivationStats(@Nullable ModelStats seen) {
      stats = seen;
      return this;
    }

    /** The same from a file. */
    public Builder modelActivationStats(Path file) {
      return modelActivationStats(ModelStats.read(file));
    }

    /** Standard deviations to keep with {@link ClipMode#N_STD}, above 0. */
    public Builder clipNStds(@Nullable Double count) {
      clipNStds = count;
      return this;
    }

    /** Whether every layer's output goes through a rectifier; layers can say so in overrides. */
    public Builder clipHalfRange(boolean on) {
      clipHalfRange = on;
      return this;
    }

    /** Bits of the multiplier that requantization is approximated by; exact if not set. */
    public Builder scaleApproxMultBits(@Nullable Integer bits) {
      scaleApproxMultBits = bits;
      return this;
    }

    /** Whether inputs of unknown scale are quantized as the output is; they are if not set. */
    public Builder inputsQuantAutoFallback(boolean on) {
      inputsQuantAutoFallback = on;
      return this;
    }

    /** 16, 32 or 64 to let all layers compute in that float type; null, if not set, for none. */
    public Builder fpqModule(@Nullable Integer bits) {
      fpqModule = bits;
      return this;
    }

    /** Whether float weights are kept, so that scales of weights can be set; not if not set. */
    public Builder saveFpWeights(boolean on) {
      saveFpWeights = on;
      return this;
    }

    /** Whether weights are clipped as activations are; not if not set. */
    public Builder alsoClipWeights(boolean on) {
      alsoClipWeights = on;
      return this;
    }

    /**
     * The quantizer; the model is changed by {@link Quantizer#prepareModel}, not before.
     *
     * @throws IllegalArgumentException naming the setting that is out of its range
     */
    public PostTrainLinearQuantizer build() {
      return new PostTrainLinearQuantizer(this);
    }

    private Builder copy() {
      Builder copy = new Builder(model);
      copy.bitsActivations = bitsActivations;
      copy.bitsParameters = bitsParameters;
      copy.bitsAccum = bitsAccum;
      copy.overrides = overrides;
      copy.mode = mode;
      copy.clipActs = clipActs;
      copy.perChannelWts = perChannelWts;
      copy.stats = stats;
      copy.clipNStds = clipNStds;
      copy.clipHalfRange = clipHalfRange;
      copy.scaleApproxMultBits = scaleApproxMultBits;
      copy.inputsQuantAutoFallback = inputsQuantAutoFallback;
      copy.fpqModule = fpqModule;
      copy.saveFpWeights = saveFpWeights;
      copy.alsoClipWeights = alsoClipWeights;
      return copy;
    }
  }

  private PostTrainLinearQuantizer(Builder builder) {
    super(
        builder.model,
        new QBits(
            between("bits_activations", builder.bitsActivations, 2, 16),
            between("bits_parameters", builder.bitsParameters, 2, 16),
            between("bits_accum", builder.bitsAccum, 2, 32)),
        builder.overrides,
        null,
        false);
    settings = builder.copy();
    stats = builder.stats;
    between("scale_approx_mult_bits", builder.scaleApproxMultBits, 1, 31);
    if (builder.fpqModule != null) {
      Precision.ofBits(builder.fpqModule);
    }
    if (builder.clipActs == ClipMode.N_STD
        && !(builder.clipNStds != null && builder.clipNStds > 0)) {
      throw new IllegalArgumentException(
          "clip_acts N_STD needs clip_n_stds above 0, not " + builder.clipNStds);
    }
    replace(Conv2d.class, LAYER, FLOAT, this::layer);
    replace(Conv3d.class, LAYER, FLOAT, this::layer);
    replace(Linear.class, LAYER, FLOAT, this::layer);
    replace(Embedding.class, union(CLIP, FLOAT), FLOAT, this::embedding);
    replace(MatMul.class, OPERATION, FLOAT, this::operation);
    replace(Mul.class, OPERATION, FLOAT, this::operation);
    replace(Add.class, OPERATION, FLOAT, this::operation);
    replace(Concat.class, OPERATION, FLOAT, this::operation);
    replaceOthers(OTHER, union(FLOAT, Set.of("make_identity")), this::other);
    leaveAlone(Identity.class);
    leaveAlone(Flatten.class);
    leaveAlone(Dropout.class);
    leaveAlone(RecurrentLayer.class);
    leaveAlone(RecurrentCell.class);
    leaveAlone(MultiheadAttention.class);
  }

  private static @Nullable Integer between(
      String what, @Nullable Integer bits, int least, int most) {
    if (bits != null && (bits < least || bits > most)) {
      throw new IllegalArgumentException(
          "%s is %d; choose %d to %d".formatted(what, bits, least, most));
    }
    return bits;
  }

  private static Set<String> union(Set<String> one, Set<String> other) {
    Set<String> all = new HashSet<>(one);
    all.addAll(other);
    return Set.copyOf(all);
  }

  /** Starts with the settings of Distiller. */
  public static Builder builder(Module model) {
    return new Builder(model);
  }

  /** The settings that metadata hold, for a model as it was before it was prepared. */
  public static Builder builder(Module model, QuantizerMetadata metadata) {
    metadata.require(PostTrainLinearQuantizer.class);
    Builder builder = new Builder(model);
    builder.bitsActivations = metadata.integer("bits_activations");
    builder.bitsParameters = metadata.integer("bits_parameters");
    Integer accumulator = metadata.integer("bits_accum");
    builder.bitsAccum = accumulator == null ? 32 : accumulator;
    builder.overrides = metadata.overrides();
    builder.mode = modes(metadata.params().get("mode"));
    builder.clipActs = named(ClipMode.class, "clip_acts", metadata.text("clip_acts"));
    builder.perChannelWts = metadata.flag("per_channel_wts");
    Object seen = metadata.params().get("model_activation_stats");
    builder.stats =
        seen == null
            ? null
            : ModelStats.fromMap(SafeYaml.section(seen, "statistics"), "the metadata");
    builder.clipNStds = metadata.real("clip_n_stds");
    builder.clipHalfRange = metadata.flag("clip_half_range");
    builder.scaleApproxMultBits = metadata.integer("scale_approx_mult_bits");
    builder.inputsQuantAutoFallback = metadata.flag("inputs_quant_auto_fallback");
    builder.fpqModule = metadata.integer("fpq_module");
    builder.saveFpWeights = metadata.flag("save_fp_weights");
    builder.alsoClipWeights = metadata.flag("also_clip_weights");
    return builder;
  }

  @Override
  protected Map<String, @Nullable Object> arguments() {
    Map<String, @Nullable Object> data = new LinkedHashMap<>();
    data.put("bits_activations", settings.bitsActivations);
    data.put("bits_parameters", settings.bitsParameters);
    data.put("bits_accum", settings.bitsAccum);
    data.put("overrides", settings.overrides.entries());
    Map<String, Object> modes = new LinkedHashMap<>();
    modes.put("activations", settings.mode.activations().name());
    modes.put("weights", settings.mode.weights().name());
    data.put("mode", modes);
    data.put("clip_acts", settings.clipActs.name());
    data.put("per_channel_wts", settings.perChannelWts);
    data.put("clip_n_stds", settings.clipNStds);
    data.put("clip_half_range", settings.clipHalfRange);
    data.put("scale_approx_mult_bits", settings.scaleApproxMultBits);
    data.put("inputs_quant_auto_fallback", settings.inputsQuantAutoFallback);
    data.put("fpq_module", settings.fpqModule);
    data.put("save_fp_weights", settings.saveFpWeights);
    data.put("also_clip_weights", settings.alsoClipWeights);
    data.put("model_activation_stats", settings.stats == null ? null : settings.stats.toMap());
    return data;
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
    reportRecurrent();
    ModelGraph graph;
    try {
      graph = ModelGraph.of(model(), dummyInputs);
    } catch (TraceException e) {
      warn(
          "how layers follow each other cannot be seen, so batch normalization is not folded and"
              + " activations are not fused: "
              + e.getMessage());
      return;
    }
    fuse(foldBatchNorm(graph) ? ModelGraph.of(model(), dummyInputs) : graph);
  }

  /** Reads the settings of every layer once, so that a wrong one is found before any change. */
  private void checkSettings() {
    moduleArguments()
        .forEach(
            (path, own) -> {
              if (!own.isEmpty()) {
                try {
                  Args args = new Args(path, bits(path), own);
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

  private void reportRecurrent() {
    model()
        .modules()
        .forEach(
            (path, module) -> {
              if (module instanceof RecurrentLayer
                  || module instanceof RecurrentCell
                  || module instanceof MultiheadAttention) {
                warn(
                    "'"
                        + path
                        + "' ("
                        + ModuleTypes.name(module)
                        + ") stays float: it is no layer of one output; an LSTM can be taken apart"
                        + " by DistillerLSTM.convertModel");
              }
            });
  }

  private boolean foldBatchNorm(ModelGraph graph) {
    boolean any = false;
    for (String path : List.copyOf(graph.paths())) {
      if (path.isEmpty()) {
        continue;
      }
      Module layer = model().get(path);
      Node reader = graph.onlySuccessor(path);
      if (!Layers.isLayer(layer)
          || reader == null
          || !reader.is("BatchNormalization")
          || !graph.isOneNode(reader)
          || !(model().get(ModelGraph.path(reader)) instanceof NormNd norm)
          || norm.runningMean() == null) {
        continue;
      }
      String normPath = ModelGraph.path(reader);
      Module folded = Layers.folded(layer, norm);
      model().replace(path, folded).close();
      model().replace(normPath, new Identity()).close();
      any = true;
      if (stats != null && stats.layers().get(normPath) != null) {
        LayerStats own = stats.layers().get(path);
        LayerStats behind = stats.layers().get(normPath);
        if (own != null && behind != null) {
          stats = stats.with(path, own.withOutput(behind.output())).without(normPath);
        }
      }
    }
    return any;
  }

  private void fuse(ModelGraph graph) {
    Set<Node> applied = new LinkedHashSet<>();
    for (String path : graph.paths()) {
      if (path.isEmpty() || !model().get(path).children().isEmpty()) {
        continue;
      }
      Node reader = graph.onlySuccessor(path);
      if (reader == null) {
        continue;
      }
      narrow(path, reader);
      boolean rectifies = reader.is("Relu") || isRelu6(reader);
      if (!rectifies || !quantizesOutput(path)) {
        continue;
      }
      fusedRectifiers.add(path);
      // With ReLU6 the upper bound is kept by statistics alone, where there are any.
      if (reader.is("Relu") || stats != null) {
        applied.add(reader);
      }
    }
    // A rectifier that was run several times goes only where it is applied before every time.
    for (Node node : applied) {
      String path = ModelGraph.path(node);
      if (model().get(path) instanceof Activation && applied.containsAll(graph.nodes(path))) {
        identities.add(path);
      }
    }
  }

  private static boolean isRelu6(Node node) {
    return node.is("Clip") && bound(node, 1) == 0 && bound(node, 2) == 6;
  }

  private static double bound(Node clip, int index) {
    Value value = clip.input(index);
    dev.octet.graph.Tensor constant = value == null ? null : value.constant();
    return constant == null || constant.type() != DataType.FLOAT || constant.elementCount() != 1
        ? Double.NaN
        : constant.toFloats()[0];
  }

  /** Narrows a layer's range to what its only reader can tell apart. */
  private void narrow(String path, Node reader) {
    double[] bounds = bounds(reader);
    LayerStats own = stats == null ? null : stats.layers().get(path);
    if (bounds == null || stats == null || own == null || own.output() == null) {
      return;
    }
    stats = stats.with(path, own.withOutput(own.output().clipped(bounds[0], bounds[1])));
    String readerPath = ModelGraph.path(reader);
    LayerStats behind = stats.layers().get(readerPath);
    TensorStats input = behind == null ? null : behind.inputs().get(0);
    if (!reader.is("Split") && behind != null && input != null) {
      stats = stats.with(readerPath, behind.withInput(0, input.clipped(bounds[0], bounds[1])));
    }
  }

  private double @Nullable [] bounds(Node reader) {
    if (reader.is("Relu")) {
      return new double[] {0, Double.POSITIVE_INFINITY};
    }
    if (isRelu6(reader)) {
      return new double[] {0, 6};
    }
    if (reader.is("Tanh")) {
      return new double[] {-TANH_REACH, TANH_REACH};
    }
    if (reader.is("Sigmoid")) {
      return new double[] {-SIGMOID_REACH, SIGMOID_REACH};
    }
    if (reader.is("Split")) {
      return boundsOfParts(reader);
    }
    return null;
  }

  /** Of parts that all rectify, or that all saturate: the wider of their bounds. */
  private double @Nullable [] boundsOfParts(Node split) {
    Set<String> operators = new LinkedHashSet<>();
    for (Value part : split.outputs()) {
      if (part == null || part.isOutput() || part.consumers().isEmpty()) {
        return null;
      }
      part.consumers().forEach(reader -> operators.add(reader.op()));
    }
    if (operators.equals(Set.of("Relu"))) {
      return new double[] {0, Double.POSITIVE_INFINITY};
    }
    if (operators.equals(Set.of("Tanh"))) {
      return new double[] {-TANH_REACH, TANH_REACH};
    }
    return Set.of("Tanh", "Sigmoid").containsAll(operators)
        ? new double[] {-SIGMOID_REACH, SIGMOID_REACH}
        : null;
  }

  /** Whether a layer will have a quantized output, inside of which a rectifier can be applied. */
  private boolean quantizesOutput(String path) {
    Module module = model().get(path);
    Args args = new Args(path, bits(path), moduleArguments().getOrDefault(path, Map.of()));
    if (args.bits.acts() == null || args.precisionOnly() || !isRun(path)) {
      return false;
    }
    if (module instanceof Embedding || isLeftAlone(module)) {
      return false;
    }
    return stats != null || !needsStats(module);
  }

  private static boolean isLeftAlone(Module module) {
    return module instanceof Identity
        || module instanceof Flatten
        || module instanceof Dropout
        || module instanceof RecurrentLayer
        || module instanceof RecurrentCell
        || module instanceof MultiheadAttention;
  }

  private QBits bits(String path) {
    return moduleBits().getOrDefault(path, QBits.NONE);
  }

  private static boolean needsStats(Module module) {
    return module instanceof Add || module instanceof Mul || module instanceof Concat;
  }

  /** Whether statistics, if there are any, know the layer. */
  private boolean isRun(String path) {
    if (stats == null) {
      return true;
    }
    LayerStats own = stats.layers().get(path);
    return own != null && own.output() != null && own.output().isSeen();
  }

  // --- What becomes of a layer -------------------------------------------------------------------

  /** A layer's settings: its overrides over the quantizer's own. */
  private final class Args {
    private final String path;
    private final QBits bits;
    private final Map<String, @Nullable Object> own;

    Args(String path, QBits bits, Map<String, @Nullable Object> own) {
      this.path = path;
      this.bits = bits;
      this.own = own;
    }

    private @Nullable Integer integer(String key, @Nullable Integer otherwise) {
      if (!own.containsKey(key)) {
        return otherwise;
      }
      Object value = own.get(key);
      if (value == null || value instanceof Integer) {
        return (Integer) value;
      }
      throw wrong(key, "a whole number");
    }

    private boolean flag(String key, boolean otherwise) {
      Object value = own.get(key);
      if (value == null) {
        return otherwise;
      }
      if (value instanceof Boolean flag) {
        return flag;
      }
      throw wrong(key, "true or false");
    }

    private IllegalArgumentException wrong(String key, String wanted) {
      return new IllegalArgumentException(
          key + " is " + SafeYaml.kind(own.get(key)) + "; give " + wanted);
    }

    ClipMode clip() {
      return own.get("clip_acts") == null
          ? settings.clipActs
          : named(ClipMode.class, "clip_acts", own.get("clip_acts"));
    }

    @Nullable Double clipNStds() {
      return own.get("clip_n_stds") == null
          ? settings.clipNStds
          : Double.valueOf(SafeYaml.number(own.get("clip_n_stds"), "clip_n_stds"));
    }

    ModuleQuantMode mode() {
      return own.get("mode") == null ? settings.mode : modes(own.get("mode"));
    }

    boolean halfRange() {
      return flag("clip_half_range", settings.clipHalfRange) || fusedRectifiers.contains(path);
    }

    @Nullable Integer fpq() {
      Integer bits = integer("fpq_module", settings.fpqModule);
      if (!flag("fp16", false)) {
        return bits;
      }
      if (bits != null && bits != 16) {
        throw new IllegalArgumentException(
            "fp16 is fpq_module 16, and fpq_module is " + bits + "; drop one");
      }
      return 16;
    }

    boolean fake() {
      return flag("fake", false);
    }

    /** Whether the layer computes in a float type of its own and nothing is quantized. */
    boolean precisionOnly() {
      return fpq() != null && !fake();
    }

    Precision precision() {
      Integer bits = fpq();
      return bits == null ? Precision.FP32 : Precision.ofBits(bits);
    }

    ActivationSettings acts(boolean rectifies) {
      return new ActivationSettings(
          between("bits_activations", bits.acts(), 2, 16),
          mode().activations(),
          clip(),
          clipNStds(),
          halfRange() || rectifies);
    }

    RangeLinearQuantWrapper.Settings wrapper(boolean rectifies) {
      ActivationSettings acts = acts(rectifies);
      return new RangeLinearQuantWrapper.Settings(
          path,
          acts,
          settings.bitsAccum,
          between(
              "scale_approx_mult_bits",
              integer("scale_approx_mult_bits", settings.scaleApproxMultBits),
              1,
              31),
          acts.bits() == null || stats == null ? null : stats.layers().get(path),
          inputOverrides(acts),
          flag("inputs_quant_auto_fallback", settings.inputsQuantAutoFallback),
          values);
    }

    WeightSettings weights() {
      Integer wanted = between("bits_weights", bits.wts(), 2, 16);
      if (wanted == null) {
        throw new IllegalStateException("weights without bits");
      }
      return new WeightSettings(
          wanted,
          mode().weights(),
          flag("per_channel_wts", settings.perChannelWts),
          settings.alsoClipWeights ? clip() : ClipMode.NONE,
          clipNStds(),
          settings.saveFpWeights);
    }

    private Map<Integer, InputOverride> inputOverrides(ActivationSettings acts) {
      Map<Integer, InputOverride> overrides = new LinkedHashMap<>();
      Object given = own.get("input_overrides");
      if (given == null) {
        return overrides;
      }
      SafeYaml.section(given, "input_overrides")
          .forEach(
              (key, value) -> {
                String what = "input_overrides of " + key;
                Map<String, @Nullable Object> each = SafeYaml.section(value, what);
                overrides.put(inputIndex(key), inputOverride(each, acts, what));
              });
      return overrides;
    }

    private int inputIndex(String key) {
      try {
        return Integer.parseUnsignedInt(key);
      } catch (NumberFormatException e) {
        throw new IllegalArgumentException(
            "input_overrides has '" + key + "'; keys are the places of inputs, from 0", e);
      }
    }

    private InputOverride inputOverride(
        Map<String, @Nullable Object> each, ActivationSettings acts, String what) {
      Set<String> unknown = new LinkedHashSet<>(each.keySet());
      Set<String> known =
          Set.of("from_output", "bits_activations", "mode", "clip_acts", "clip_n_stds");
      unknown.removeAll(known);
      if (!unknown.isEmpty()) {
        throw new IllegalArgumentException(
            what + " have " + unknown + ", which are not known; there are " + known);
      }
      Args inner = new Args(path, bits, each);
      if (inner.flag("from_output", false)) {
        if (each.size() > 1) {
          throw new IllegalArgumentException(
              what + " have from_output and settings of their own; drop one");
        }
        return new InputOverride(null);
      }
      Object mode = each.get("mode");
      Integer bits = inner.integer("bits_activations", acts.bits());
      return new InputOverride(
          new ActivationSettings(
              between("bits_activations", bits == null ? acts.bits() : bits, 2, 16),
              mode == null ? acts.mode() : named(LinearQuantMode.class, "mode", mode),
              each.get("clip_acts") == null
                  ? acts.clip()
                  : named(ClipMode.class, "clip_acts", each.get("clip_acts")),
              each.get("clip_n_stds") == null
                  ? acts.clipNStds()
                  : Double.valueOf(SafeYaml.number(each.get("clip_n_stds"), "clip_n_stds")),
              false));
    }
  }

  private static ModuleQuantMode modes(@Nullable Object value) {
    if (value instanceof Map) {
      Map<String, @Nullable Object> modes = SafeYaml.section(value, "mode");
      return new ModuleQuantMode(
          named(LinearQuantMode.class, "mode of activations", modes.get("activations")),
          named(LinearQuantMode.class, "mode of weights", modes.get("weights")));
    }
    return ModuleQuantMode.of(named(LinearQuantMode.class, "mode", value));
  }

  private static <E extends Enum<E>> E named(Class<E> type, String what, @Nullable Object value) {
    for (E each : type.getEnumConstants()) {
      if (each.name().equals(String.valueOf(value).toUpperCase(Locale.ROOT))) {
        return each;
      }
    }
    throw new IllegalArgumentException(
        what
            + " is "
            + SafeYaml.kind(value)
            + "; choose one of "
            + Arrays.toString(type.getEnumConstants()));
  }

  /** The layer in a float type, or null if it is to be quantized. */
  private @Nullable Module floating(Module module, Args args) {
    Integer bits = args.fpq();
    return args.precisionOnly() && bits != null ? new FPWrapper(module, bits) : null;
  }

  /** Whether the layer was run; if not, that is said and it stays float. */
  private boolean reportsNotRun(Args args) {
    if (args.bits.acts() == null || isRun(args.path)) {
      return false;
    }
    warn(
        "'"
            + args.path
            + "' stays float: the statistics do not know it, so it was not run when they were"
            + " collected");
    return true;
  }

  private Module layer(Module module, String path, QBits bits, Map<String, @Nullable Object> own) {
    Args args = new Args(path, bits, own);
    Module floating = floating(module, args);
    if (floating != null) {
      return floating;
    }
    if (reportsNotRun(args)) {
      return module;
    }
    if (bits.wts() == null || args.fake()) {
      return new RangeLinearFakeQuantWrapper(module, args.wrapper(false), args.precision(), true);
    }
    if (bits.acts() != null && bits.acts() + bits.wts() > settings.bitsAccum - 8) {
      warn(
          ("'%s': products of %d and %d bits leave %d bits of an accumulator of %d to sum in; sums"
                  + " and biases beyond are cut off")
              .formatted(
                  path,
                  bits.acts(),
                  bits.wts(),
                  settings.bitsAccum - bits.acts() - bits.wts(),
                  settings.bitsAccum));
    }
    Module made =
        new RangeLinearQuantParamLayerWrapper(module, args.wrapper(false), args.weights());
    module.close();
    return made;
  }

  private Module embedding(
      Module module, String path, QBits bits, Map<String, @Nullable Object> own) {
    Args args = new Args(path, bits, own);
    Module floating = floating(module, args);
    if (floating != null) {
      return floating;
    }
    Integer wanted = bits.wts();
    if (wanted == null) {
      warn("'" + path + "' (Embedding) stays float: it has no bits for weights");
      return module;
    }
    Embedding table = (Embedding) module;
    if (table.maxNorm().isPresent()) {
      throw new IllegalArgumentException(
          "its rows are scaled down to a largest norm when they are read, which integers cannot"
              + " be; leave it float by bits_weights null");
    }
    LayerStats seen = stats == null ? null : stats.layers().get(path);
    ActivationSettings how =
        new ActivationSettings(
            between("bits_weights", wanted, 2, 16),
            args.mode().weights(),
            settings.alsoClipWeights || seen != null ? args.clip() : ClipMode.NONE,
            args.clipNStds(),
            false);
    String what = "the table of '" + path + "'";
    TensorStats output = seen == null ? null : seen.output();
    DistillerLinear params =
        output != null && output.isSeen()
            ? how.params(output, what)
            : how.params(table.weight(), what);
    return new RangeLinearEmbeddingWrapper(table, params, values);
  }

  private Module operation(
      Module module, String path, QBits bits, Map<String, @Nullable Object> own) {
    Args args = new Args(path, bits, own);
    Module floating = floating(module, args);
    if (floating != null) {
      return floating;
    }
    if (bits.acts() == null || reportsNotRun(args)) {
      return module;
    }
    if (args.fake()) {
      return new RangeLinearFakeQuantWrapper(module, args.wrapper(false), args.precision(), true);
    }
    if (needsStats(module) && stats == null) {
      warn(
          "'"
              + path
              + "' ("
              + ModuleTypes.name(module)
              + ") stays float: its inputs meet at the scale of the output, which needs"
              + " statistics");
      return module;
    }
    if (module instanceof MatMul product) {
      return new RangeLinearQuantMatmulWrapper(product, args.wrapper(false));
    }
    if (module instanceof Mul product) {
      return new RangeLinearQuantEltwiseMultWrapper(product, args.wrapper(false));
    }
    if (module instanceof Add sum) {
      return new RangeLinearQuantEltwiseAddWrapper(sum, args.wrapper(false));
    }
    return new RangeLinearQuantConcatWrapper((Concat) module, args.wrapper(false));
  }

  private Module other(Module module, String path, QBits bits, Map<String, @Nullable Object> own) {
    Args args = new Args(path, bits, own);
    if (identities.contains(path) || args.flag("make_identity", false)) {
      module.close();
      Module identity = new Identity();
      identity.train(module.isTraining());
      return identity;
    }
    Module floating = floating(module, args);
    if (floating != null) {
      return floating;
    }
    if (bits.acts() == null || reportsNotRun(args)) {
      return module;
    }
    String type = ModuleTypes.name(module);
    return new RangeLinearFakeQuantWrapper(
        module,
        args.wrapper(type.equals("ReLU") || type.equals("ReLU6")),
        args.precision(),
        args.flag("quantize_inputs", true));
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

  // --- Scales and ranges
  // ---------------------------------------------------------------------------

  /** The quantized layers by path. */
  Map<String, RangeLinearQuantWrapper> wrappers() {
    Map<String, RangeLinearQuantWrapper> wrappers = new LinkedHashMap<>();
    model()
        .modules()
        .forEach(
            (path, module) -> {
              if (module instanceof RangeLinearQuantWrapper wrapper) {
                wrappers.put(path, wrapper);
              }
            });
    return wrappers;
  }

  /** The statistics that scales were made from: after folding and narrowing; null without any. */
  public @Nullable ModelStats statsAfterPrepareModel() {
    return stats;
  }

  /**
   * The fixed scales and zero points by name: {@code conv1.output_scale}, {@code
   * conv1.output_zero_point}, and with {@code saveFpWeights} {@code conv1.w_scale} and {@code
   * conv1.w_zero_point}. Scales multiply and zero points are subtracted.
   */
  public Map<String, float[]> namedLinearQuantParams() {
    Map<String, float[]> named = new LinkedHashMap<>();
    wrappers()
        .forEach(
            (path, wrapper) ->
                wrapper
                    .linearQuantParams()
                    .forEach((param, each) -> named.put(path + "." + param, each)));
    return named;
  }

  /**
   * Sets one of these; weights are quantized anew.
   *
   * @param values one, or one for each output channel
   * @throws IllegalArgumentException if there is none of that name, the number is another, or a
   *     scale is not positive
   */
  public void setLinearQuantParam(String name, float... values) {
    int dot = Math.max(0, name.lastIndexOf('.'));
    wrapper(name, dot).setLinearQuantParam(name.substring(dot + 1), values);
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
    Map<String, double[]> named = new LinkedHashMap<>();
    wrappers()
        .forEach(
            (path, wrapper) ->
                wrapper.clipping().forEach((which, range) -> named.put(path + "." + which, range)));
    return named;
  }

  /**
   * Sets one of these. A symmetric mode takes the end of larger magnitude; what is read back is
   * what was set, but for rounding.
   */
  public void setClipping(String name, double low, double high) {
    int dot = Math.max(0, name.lastIndexOf('.'));
    wrapper(name, dot).setClipping(name.substring(dot + 1), low, high);
  }

  private RangeLinearQuantWrapper wrapper(String name, int dot) {
    RangeLinearQuantWrapper wrapper = wrappers().get(name.substring(0, dot));
    if (wrapper == null) {
      throw new IllegalArgumentException(
          "'" + name + "' is of no quantized layer; there are " + wrappers().keySet());
    }
    return wrapper;
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

  // --- Conversion
  // ----------------------------------------------------------------------------------

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
    if (!isPrepared()) {
      throw new IllegalStateException("prepareModel comes before convert");
    }
    if (stats == null) {
      throw new IllegalStateException(
          "scales that follow each batch cannot be converted; give the quantizer statistics");
    }
    return Trace.of(model()).quantized(examples);
  }

  /** What {@link #convert} leaves out of a model, and which layers stay float in it and why. */
  public List<String> conversionNotes() {
    List<String> notes = new ArrayList<>(warnings());
    model()
        .modules()
        .forEach(
            (path, module) -> {
              if (module instanceof FPWrapper) {
                notes.add("'" + path + "' computes in float as fpq_module says");
              }
              if (module instanceof RangeLinearFakeQuantWrapper) {
                notes.add("'" + path + "' computes in float between quantized tensors");
              }
              if (module instanceof RangeLinearQuantWrapper wrapper) {
                RangeLinearQuantWrapper.Settings own = wrapper.wrapperSettings();
                if (own.scaleApproxMultBits() != null) {
                  notes.add("'" + path + "': requantization is exact, not approximated");
                }
                if (own.bitsAccum() < 32) {
                  notes.add("'" + path + "': the accumulator has 32 bits, not " + own.bitsAccum());
                }
                if (own.acts().bits() == null) {
                  notes.add("'" + path + "' computes in float with integer weights");
                }
              }
            });
    return notes;
  }
}
