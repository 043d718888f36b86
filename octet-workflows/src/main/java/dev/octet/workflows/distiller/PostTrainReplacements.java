package dev.octet.workflows.distiller;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.Dropout;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.Flatten;
import dev.octet.torch.nn.Identity;
import dev.octet.torch.nn.MatMul;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.nn.MultiheadAttention;
import dev.octet.torch.nn.RecurrentCell;
import dev.octet.torch.nn.RecurrentLayer;
import dev.octet.workflows.distiller.stats.LayerStats;
import dev.octet.workflows.distiller.stats.TensorStats;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What becomes of a layer in quantization after training. */
final class PostTrainReplacements {
  /** The settings that overrides of a type of layers may have beside bits. */
  static final class Arguments {
    private static final Set<String> CLIP = Set.of("clip_acts", "clip_n_stds", "clip_half_range");

    /** With these a layer is exchanged even if it has no bits. */
    static final Set<String> FLOAT = Set.of("fpq_module", "fp16");

    private static final Set<String> COMMON =
        union(union(CLIP, FLOAT), Set.of("scale_approx_mult_bits", "input_overrides", "fake"));
    static final Set<String> LAYER = union(COMMON, Set.of("per_channel_wts", "mode"));
    static final Set<String> EMBEDDING = union(CLIP, FLOAT);
    static final Set<String> OPERATION = union(COMMON, Set.of("inputs_quant_auto_fallback"));
    static final Set<String> OTHER = union(OPERATION, Set.of("make_identity", "quantize_inputs"));
    static final Set<String> OTHER_WITHOUT_BITS = union(FLOAT, Set.of("make_identity"));

    private Arguments() {}

    private static Set<String> union(Set<String> one, Set<String> other) {
      Set<String> all = new HashSet<>(one);
      all.addAll(other);
      return Set.copyOf(all);
    }
  }

  /** Layers that hand on what they are given, or that have parts or outputs of their own. */
  static final List<Class<? extends Module>> LEFT_ALONE =
      List.of(
          Identity.class,
          Flatten.class,
          Dropout.class,
          RecurrentLayer.class,
          RecurrentCell.class,
          MultiheadAttention.class);

  private final PostTrainSettings settings;
  private final Preparation preparation;
  private final QuantizedValues values;
  private final Consumer<String> warn;

  PostTrainReplacements(
      PostTrainSettings settings,
      Preparation preparation,
      QuantizedValues values,
      Consumer<String> warn) {
    this.settings = settings;
    this.preparation = preparation;
    this.values = values;
    this.warn = warn;
  }

  /** A layer's settings: its overrides over the quantizer's own. */
  LayerSettings settings(String path, QBits bits, Map<String, @Nullable Object> own) {
    return new LayerSettings(settings, preparation, values, path, bits, own);
  }

  /** Whether a layer's inputs meet at the scale of its output, which statistics alone tell. */
  static boolean needsStats(Module module) {
    return module instanceof Add || module instanceof Mul || module instanceof Concat;
  }

  /** Says of layers of several outputs that they stay. */
  void reportRecurrent(Module model) {
    model
        .modules()
        .forEach(
            (path, module) -> {
              if (module instanceof RecurrentLayer
                  || module instanceof RecurrentCell
                  || module instanceof MultiheadAttention) {
                warn.accept(
                    "'"
                        + path
                        + "' ("
                        + ModuleTypes.name(module)
                        + ") stays float: it is no layer of one output; an LSTM can be taken apart"
                        + " by DistillerLSTM.convertModel");
              }
            });
  }

  /** The layer in a float type, or null if it is to be quantized. */
  private @Nullable Module floating(Module module, LayerSettings args) {
    Integer bits = args.fpq();
    return args.precisionOnly() && bits != null ? new FPWrapper(module, bits) : null;
  }

  /** Whether the layer was run; if not, that is said and it stays float. */
  private boolean reportsNotRun(LayerSettings args) {
    if (args.bits().acts() == null || preparation.isRun(args.path())) {
      return false;
    }
    warn.accept(
        "'"
            + args.path()
            + "' stays float: the statistics do not know it, so it was not run when they were"
            + " collected");
    return true;
  }

  Module layer(Module module, String path, QBits bits, Map<String, @Nullable Object> own) {
    LayerSettings args = settings(path, bits, own);
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
      warn.accept(
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

  Module embedding(Module module, String path, QBits bits, Map<String, @Nullable Object> own) {
    LayerSettings args = settings(path, bits, own);
    Module floating = floating(module, args);
    if (floating != null) {
      return floating;
    }
    Integer wanted = bits.wts();
    if (wanted == null) {
      warn.accept("'" + path + "' (Embedding) stays float: it has no bits for weights");
      return module;
    }
    Embedding table = (Embedding) module;
    if (table.maxNorm().isPresent()) {
      throw new IllegalArgumentException(
          "its rows are scaled down to a largest norm when they are read, which integers cannot"
              + " be; leave it float by bits_weights null");
    }
    LayerStats seen = preparation.seen(path);
    ActivationSettings how =
        new ActivationSettings(
            PostTrainSettings.between("bits_weights", wanted, 2, 16),
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

  Module operation(Module module, String path, QBits bits, Map<String, @Nullable Object> own) {
    LayerSettings args = settings(path, bits, own);
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
    if (needsStats(module) && preparation.stats() == null) {
      warn.accept(
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

  Module other(Module module, String path, QBits bits, Map<String, @Nullable Object> own) {
    LayerSettings args = settings(path, bits, own);
    if (preparation.isIdentity(path) || args.flag("make_identity", false)) {
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
}
