package dev.octet.workflows.distiller;

import dev.octet.core.yaml.SafeYaml;
import dev.octet.workflows.distiller.RangeLinearQuantParamLayerWrapper.WeightSettings;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A layer's settings: its overrides over the quantizer's own. */
record LayerSettings(
    PostTrainSettings settings,
    Preparation preparation,
    QuantizedValues values,
    String path,
    QBits bits,
    Map<String, @Nullable Object> own) {

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

  boolean flag(String key, boolean otherwise) {
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
        : PostTrainSettings.named(ClipMode.class, "clip_acts", own.get("clip_acts"));
  }

  @Nullable Double clipNStds() {
    return own.get("clip_n_stds") == null
        ? settings.clipNStds
        : Double.valueOf(SafeYaml.number(own.get("clip_n_stds"), "clip_n_stds"));
  }

  ModuleQuantMode mode() {
    return own.get("mode") == null ? settings.mode : PostTrainSettings.modes(own.get("mode"));
  }

  boolean halfRange() {
    return flag("clip_half_range", settings.clipHalfRange) || preparation.rectifies(path);
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
        PostTrainSettings.between("bits_activations", bits.acts(), 2, 16),
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
        PostTrainSettings.between(
            "scale_approx_mult_bits",
            integer("scale_approx_mult_bits", settings.scaleApproxMultBits),
            1,
            31),
        acts.bits() == null ? null : preparation.seen(path),
        inputOverrides(acts),
        flag("inputs_quant_auto_fallback", settings.inputsQuantAutoFallback),
        values);
  }

  WeightSettings weights() {
    Integer wanted = PostTrainSettings.between("bits_weights", bits.wts(), 2, 16);
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
    LayerSettings inner = new LayerSettings(settings, preparation, values, path, bits, each);
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
            PostTrainSettings.between("bits_activations", bits == null ? acts.bits() : bits, 2, 16),
            mode == null
                ? acts.mode()
                : PostTrainSettings.named(LinearQuantMode.class, "mode", mode),
            each.get("clip_acts") == null
                ? acts.clip()
                : PostTrainSettings.named(ClipMode.class, "clip_acts", each.get("clip_acts")),
            each.get("clip_n_stds") == null
                ? acts.clipNStds()
                : Double.valueOf(SafeYaml.number(each.get("clip_n_stds"), "clip_n_stds")),
            false));
  }
}
