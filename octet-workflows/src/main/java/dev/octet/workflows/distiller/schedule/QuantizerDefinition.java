package dev.octet.workflows.distiller.schedule;

import dev.octet.core.yaml.SafeYaml;
import dev.octet.core.yaml.YamlField;
import dev.octet.core.yaml.YamlNode;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.train.Optimizer;
import dev.octet.workflows.distiller.LinearQuantMode;
import dev.octet.workflows.distiller.ModuleQuantMode;
import dev.octet.workflows.distiller.Overrides;
import dev.octet.workflows.distiller.QBits;
import dev.octet.workflows.distiller.Quantizer;
import dev.octet.workflows.distiller.train.DorefaQuantizer;
import dev.octet.workflows.distiller.train.Levels;
import dev.octet.workflows.distiller.train.NCFQuantAwareTrainQuantizer;
import dev.octet.workflows.distiller.train.PACTQuantizer;
import dev.octet.workflows.distiller.train.QuantAwareTrainRangeLinearQuantizer;
import dev.octet.workflows.distiller.train.WRPNQuantizer;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A quantizer as a schedule defines it: everything but the model. */
record QuantizerDefinition(
    YamlField field, String type, QBits bits, Overrides overrides, Make make) {
  private static final String COMMON = "bits_activations,bits_weights,bits_bias,overrides";
  private static final String RANGE =
      COMMON + ",mode,ema_decay,per_channel_wts,quantize_inputs,num_bits_inputs,outputs_of";
  private static final Map<String, List<String>> CLASSES =
      Fields.ordered(
          "QuantAwareTrainRangeLinearQuantizer", RANGE,
          "NCFQuantAwareTrainQuantizer", RANGE,
          "DorefaQuantizer", COMMON,
          "PACTQuantizer", COMMON + ",act_clip_init_val,act_clip_decay",
          "WRPNQuantizer", COMMON + ",levels");
  private static final Map<String, Class<? extends Module>> OUTPUTS =
      Map.of("Linear", Linear.class, "Add", Add.class, "Mul", Mul.class, "Concat", Concat.class);

  /** The class with its own arguments. */
  interface Make {
    Quantizer of(Module model, Optimizer optimizer, QBits bits, Overrides overrides);
  }

  Quantizer make(Module model, Optimizer optimizer) {
    return make.of(model, optimizer, bits, overrides);
  }

  static QuantizerDefinition read(YamlField field) {
    YamlField named = field.get("class");
    if (named != null && named.text().equals("PostTrainLinearQuantizer")) {
      throw named.wrong(
          "PostTrainLinearQuantizer is for models that are trained already, and a schedule trains;"
              + " choose one of "
              + String.join(", ", CLASSES.keySet()));
    }
    String type = Fields.type(field, CLASSES);
    QBits bits =
        field.checked(
            () ->
                new QBits(
                    bits(field, "bits_activations"),
                    bits(field, "bits_weights"),
                    bits(field, "bits_bias")));
    YamlField overridden = field.get("overrides");
    Overrides overrides =
        overridden == null || overridden.isNull()
            ? Overrides.NONE
            : overridden.checked(() -> overrides(overridden));
    return new QuantizerDefinition(field, type, bits, overrides, maker(type, field));
  }

  private static @Nullable Integer bits(YamlField field, String key) {
    YamlField value = field.get(key);
    return value == null || value.isNull() ? null : value.integer();
  }

  private static Overrides overrides(YamlField field) {
    Map<String, @Nullable Object> data = new LinkedHashMap<>();
    for (String pattern : field.keys()) {
      YamlField settings = field.get(pattern);
      data.put(pattern, settings == null ? null : SafeYaml.plain(settings));
    }
    return Overrides.fromData(data, field.origin());
  }

  private static Make maker(String type, YamlField field) {
    return switch (type) {
      case "DorefaQuantizer" -> DorefaQuantizer::new;
      case "PACTQuantizer" -> {
        Double clip = field.get("act_clip_init_val", Fields::number);
        YamlField decayed = field.get("act_clip_decay");
        Double decay = decayed == null || decayed.isNull() ? null : Fields.number(decayed);
        yield (model, optimizer, bits, overrides) ->
            new PACTQuantizer(
                model,
                optimizer,
                bits,
                overrides,
                clip == null ? PACTQuantizer.DEFAULT_CLIP : clip.floatValue(),
                decay);
      }
      case "WRPNQuantizer" -> {
        Levels given = field.get("levels", value -> value.word(Levels.class));
        yield (model, optimizer, bits, overrides) ->
            new WRPNQuantizer(
                model, optimizer, bits, overrides, given == null ? Levels.WITHIN_BITS : given);
      }
      default -> {
        QuantAwareTrainRangeLinearQuantizer.Settings settings =
            field.checked(() -> settings(field));
        yield type.startsWith("NCF")
            ? (model, optimizer, bits, overrides) ->
                new NCFQuantAwareTrainQuantizer(model, optimizer, bits, overrides, settings)
            : (model, optimizer, bits, overrides) ->
                new QuantAwareTrainRangeLinearQuantizer(
                    model, optimizer, bits, overrides, settings);
      }
    };
  }

  private static QuantAwareTrainRangeLinearQuantizer.Settings settings(YamlField field) {
    QuantAwareTrainRangeLinearQuantizer.Settings settings =
        QuantAwareTrainRangeLinearQuantizer.Settings.defaults();
    ModuleQuantMode mode = field.get("mode", QuantizerDefinition::mode);
    if (mode != null) {
      settings = settings.mode(mode);
    }
    Double decay = field.get("ema_decay", Fields::number);
    if (decay != null) {
      settings = settings.emaDecay(decay);
    }
    Boolean perChannel = field.get("per_channel_wts", YamlField::truth);
    if (perChannel != null) {
      settings = settings.perChannelWts(perChannel);
    }
    Boolean inputs = field.get("quantize_inputs", YamlField::truth);
    if (inputs != null) {
      settings = settings.quantizeInputs(inputs);
    }
    settings = settings.numBitsInputs(bits(field, "num_bits_inputs"));
    YamlField outputs = field.get("outputs_of");
    if (outputs != null) {
      Set<Class<? extends Module>> types = new HashSet<>();
      for (YamlField item : outputs.items()) {
        Class<? extends Module> type = OUTPUTS.get(item.text());
        if (type == null) {
          throw item.wrong("found '" + item.text() + "'; choose among Add, Concat, Linear and Mul");
        }
        types.add(type);
      }
      settings = settings.outputsOf(types);
    }
    return settings;
  }

  private static ModuleQuantMode mode(YamlField field) {
    if (field.node() instanceof YamlNode.Mapping) {
      field.section(List.of("activations", "weights"));
      return new ModuleQuantMode(
          Fields.required(field, "activations", QuantizerDefinition::linear),
          Fields.required(field, "weights", QuantizerDefinition::linear));
    }
    return ModuleQuantMode.of(linear(field));
  }

  private static LinearQuantMode linear(YamlField field) {
    String name = field.text().toUpperCase(Locale.ROOT);
    for (LinearQuantMode mode : LinearQuantMode.values()) {
      if (mode.name().equals(name)) {
        return mode;
      }
    }
    throw field.wrong(
        "found '" + field.text() + "'; choose one of " + List.of(LinearQuantMode.values()));
  }
}
