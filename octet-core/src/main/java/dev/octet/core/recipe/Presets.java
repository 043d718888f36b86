package dev.octet.core.recipe;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.rules.Rules;
import dev.octet.core.yaml.Messages;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The recipes that have names. */
final class Presets {

  /** A recipe and what it is for. */
  record Preset(Recipe recipe, String description) {}

  private static final Map<String, Preset> BY_NAME = byName();

  private Presets() {}

  static List<String> names() {
    return List.copyOf(BY_NAME.keySet());
  }

  static Preset get(String name) {
    Preset found = BY_NAME.get(name);
    if (found == null) {
      throw new IllegalArgumentException(
          "there is no preset '"
              + Messages.shorten(name)
              + "'; "
              + Messages.suggestion(name, BY_NAME.keySet()));
    }
    return found;
  }

  private static Map<String, Preset> byName() {
    QuantDescriptor int8 = QuantDescriptor.int8Weight(0);
    // With few bits the largest weights are worth less than a finer scale for the others.
    QuantDescriptor int4Channel = int8.toBuilder().bits(4).method(new RangeMethod.Mse()).build();
    // Blocks of 32 are what ONNX exporters and runtimes agree on for 4-bit weights.
    QuantDescriptor int4Block =
        int4Channel.toBuilder().granularity(Granularity.perBlock(1, 32)).build();
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
            1,
            Set.of(),
            null,
            Rules.NONE);
    Map<String, Preset> presets = new LinkedHashMap<>();
    add(
        presets,
        base.toBuilder(),
        "int8",
        "int8 weights per channel, uint8 activations with ranges of least squared error; the default");
    add(
        presets,
        base.toBuilder().activationMethod(new RangeMethod.MinMax()),
        "int8-minmax",
        "int8 with activation ranges that hold everything that was seen");
    add(
        presets,
        base.toBuilder().activationMethod(new RangeMethod.Entropy()),
        "int8-entropy",
        "int8 with activation ranges of least Kullback-Leibler divergence");
    add(
        presets,
        base.toBuilder().activationMethod(new RangeMethod.Percentile(99.99)),
        "int8-percentile",
        "int8 with activation ranges that hold 99.99 % of what was seen");
    add(
        presets,
        base.toBuilder().weight(int4Block),
        "w4a8",
        "int4 weights in blocks of 32, uint8 activations");
    add(
        presets,
        base.toBuilder().weight(int4Channel),
        "w4a8-channel",
        "int4 weights per channel, uint8 activations");
    add(
        presets,
        base.toBuilder().mode(Mode.DYNAMIC),
        "dynamic-int8",
        "int8 weights; activations are quantized as the model runs, without calibration");
    add(
        presets,
        base.toBuilder().mode(Mode.WEIGHT_ONLY),
        "weight-only-int8",
        "int8 weights per channel; the model computes in float");
    add(
        presets,
        base.toBuilder().mode(Mode.WEIGHT_ONLY).weight(int4Block),
        "weight-only-int4",
        "int4 weights in blocks of 32; the model computes in float");
    add(
        presets,
        base.toBuilder().mode(Mode.FLOAT16),
        "float16",
        "16-bit float weights; half the size, hardly any loss");
    add(
        presets,
        base.toBuilder().format(Format.QOPERATOR),
        "qoperator-int8",
        "int8 written as operators on integers, such as QLinearConv");
    add(
        presets,
        base.toBuilder()
            .target(Target.TENSORRT)
            .activation(
                QuantDescriptor.int8Activation().toBuilder()
                    .method(new RangeMethod.Entropy())
                    .build()),
        "tensorrt-int8",
        "int8 for NVIDIA TensorRT: symmetric activations, entropy calibration");
    add(
        presets,
        base.toBuilder().target(Target.OPENVINO),
        "openvino-int8",
        "int8 with quantizers where Intel OpenVINO wants them");
    add(
        presets,
        base.toBuilder().target(Target.OCTET),
        "octet-int8",
        "int8 with quantizers where Octet's own engine wants them");
    return presets;
  }

  private static void add(
      Map<String, Preset> presets, Recipe.Builder builder, String name, String description) {
    presets.put(name, new Preset(builder.name(name).build(), description));
  }
}
