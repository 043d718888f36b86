package dev.octet.workflows.distiller;

import dev.octet.core.yaml.SafeYaml;
import dev.octet.workflows.distiller.stats.ModelStats;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What a {@link PostTrainLinearQuantizer} was told, under Distiller's names. */
final class PostTrainSettings {
  @Nullable Integer bitsActivations = 8;
  @Nullable Integer bitsParameters = 8;
  int bitsAccum = 32;
  Overrides overrides = Overrides.NONE;
  ModuleQuantMode mode = ModuleQuantMode.of(LinearQuantMode.SYMMETRIC);
  ClipMode clipActs = ClipMode.NONE;
  boolean perChannelWts;
  @Nullable ModelStats stats;
  @Nullable Double clipNStds;
  boolean clipHalfRange;
  @Nullable Integer scaleApproxMultBits;
  boolean inputsQuantAutoFallback = true;
  @Nullable Integer fpqModule;
  boolean saveFpWeights;
  boolean alsoClipWeights;

  /** A copy that a builder, used on, does not change. */
  PostTrainSettings copy() {
    PostTrainSettings copy = new PostTrainSettings();
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

  /** The settings that metadata hold. */
  static PostTrainSettings of(QuantizerMetadata metadata) {
    PostTrainSettings read = new PostTrainSettings();
    read.bitsActivations = metadata.integer("bits_activations");
    read.bitsParameters = metadata.integer("bits_parameters");
    Integer accumulator = metadata.integer("bits_accum");
    read.bitsAccum = accumulator == null ? 32 : accumulator;
    read.overrides = metadata.overrides();
    read.mode = modes(metadata.params().get("mode"));
    read.clipActs = named(ClipMode.class, "clip_acts", metadata.text("clip_acts"));
    read.perChannelWts = metadata.flag("per_channel_wts");
    Object seen = metadata.params().get("model_activation_stats");
    read.stats =
        seen == null
            ? null
            : ModelStats.fromMap(SafeYaml.section(seen, "statistics"), "the metadata");
    read.clipNStds = metadata.real("clip_n_stds");
    read.clipHalfRange = metadata.flag("clip_half_range");
    read.scaleApproxMultBits = metadata.integer("scale_approx_mult_bits");
    read.inputsQuantAutoFallback = metadata.flag("inputs_quant_auto_fallback");
    read.fpqModule = metadata.integer("fpq_module");
    read.saveFpWeights = metadata.flag("save_fp_weights");
    read.alsoClipWeights = metadata.flag("also_clip_weights");
    return read;
  }

  /**
   * The settings of the quantizer that a file of Distiller's defines, in whichever section.
   *
   * @throws IllegalArgumentException if it defines none, or sets what there is not
   */
  static PostTrainSettings read(Path file) {
    String type = PostTrainLinearQuantizer.class.getSimpleName();
    for (Object section : SafeYaml.read(file).values()) {
      if (section instanceof Map<?, ?> entries) {
        for (Object entry : entries.values()) {
          if (entry instanceof Map<?, ?> found && type.equals(found.get("class"))) {
            return of(SafeYaml.section(found, type), type, file);
          }
        }
      }
    }
    throw new IllegalArgumentException(
        file + " defines no " + type + ": no entry of a section has this class");
  }

  private static PostTrainSettings of(Map<String, @Nullable Object> entry, String type, Path file) {
    Map<String, @Nullable Object> given = new LinkedHashMap<>(entry);
    given.remove("class");
    Map<String, @Nullable Object> data = new PostTrainSettings().toMap();
    Set<String> unknown = new TreeSet<>(given.keySet());
    unknown.removeAll(data.keySet());
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          file + ": a " + type + " has no " + unknown + "; it has " + data.keySet());
    }
    if (given.get("model_activation_stats") instanceof String path) {
      given.put(
          "model_activation_stats",
          ModelStats.read(file.toAbsolutePath().resolveSibling(path)).toMap());
    }
    data.putAll(given);
    return of(new QuantizerMetadata(type, data, null));
  }

  /** All of them as plain data, which {@link #of} reads. */
  Map<String, @Nullable Object> toMap() {
    Map<String, @Nullable Object> data = new LinkedHashMap<>();
    data.put("bits_activations", bitsActivations);
    data.put("bits_parameters", bitsParameters);
    data.put("bits_accum", bitsAccum);
    data.put("overrides", overrides.entries());
    Map<String, Object> modes = new LinkedHashMap<>();
    modes.put("activations", mode.activations().name());
    modes.put("weights", mode.weights().name());
    data.put("mode", modes);
    data.put("clip_acts", clipActs.name());
    data.put("per_channel_wts", perChannelWts);
    data.put("clip_n_stds", clipNStds);
    data.put("clip_half_range", clipHalfRange);
    data.put("scale_approx_mult_bits", scaleApproxMultBits);
    data.put("inputs_quant_auto_fallback", inputsQuantAutoFallback);
    data.put("fpq_module", fpqModule);
    data.put("save_fp_weights", saveFpWeights);
    data.put("also_clip_weights", alsoClipWeights);
    data.put("model_activation_stats", stats == null ? null : stats.toMap());
    return data;
  }

  /**
   * The bits of tensors, when all settings are in their ranges.
   *
   * @throws IllegalArgumentException naming the setting that is not
   */
  QBits checked() {
    QBits bits =
        new QBits(
            between("bits_activations", bitsActivations, 2, 16),
            between("bits_parameters", bitsParameters, 2, 16),
            between("bits_accum", bitsAccum, 2, 32));
    between("scale_approx_mult_bits", scaleApproxMultBits, 1, 31);
    if (fpqModule != null) {
      Precision.ofBits(fpqModule);
    }
    if (clipActs == ClipMode.N_STD && !(clipNStds != null && clipNStds > 0)) {
      throw new IllegalArgumentException(
          "clip_acts N_STD needs clip_n_stds above 0, not " + clipNStds);
    }
    return bits;
  }

  static @Nullable Integer between(String what, @Nullable Integer bits, int least, int most) {
    if (bits != null && (bits < least || bits > most)) {
      throw new IllegalArgumentException(
          "%s is %d; choose %d to %d".formatted(what, bits, least, most));
    }
    return bits;
  }

  static ModuleQuantMode modes(@Nullable Object value) {
    if (value instanceof Map) {
      Map<String, @Nullable Object> modes = SafeYaml.section(value, "mode");
      return new ModuleQuantMode(
          named(LinearQuantMode.class, "mode of activations", modes.get("activations")),
          named(LinearQuantMode.class, "mode of weights", modes.get("weights")));
    }
    return ModuleQuantMode.of(named(LinearQuantMode.class, "mode", value));
  }

  static <E extends Enum<E>> E named(Class<E> type, String what, @Nullable Object value) {
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
}
