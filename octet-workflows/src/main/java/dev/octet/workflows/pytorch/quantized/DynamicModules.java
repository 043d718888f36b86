package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.descriptor.Granularity;
import dev.octet.torch.Scope;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.EmbeddingBag;
import dev.octet.torch.nn.GRU;
import dev.octet.torch.nn.GRUCell;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.LSTMCell;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.MultiheadAttention;
import dev.octet.torch.nn.RNNCell;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Dynamic modules in the place of float ones. */
final class DynamicModules {
  private DynamicModules() {}

  /** As {@link QuantizedModules#quantizeDynamic}. */
  static ConversionReport quantize(Module model, DynamicSpec spec) {
    Map<String, Module> modules = model.modules();
    List<String> wrong = new ArrayList<>();
    spec.names()
        .forEach(
            (name, settings) -> {
              Module named = modules.get(name);
              if (named == null) {
                wrong.add("there is no module '" + name + "'");
              } else if (settings != null
                  && modules.entrySet().stream()
                      .filter(
                          each ->
                              QuantizedModules.isBelow(each.getKey(), List.of(name))
                                  || each.getKey().equals(name))
                      .allMatch(
                          each ->
                              !QuantizedModules.isQuantized(each.getValue())
                                  && whyNotDynamic(each.getValue(), settings) != null)) {
                wrong.add("'" + name + "', " + named + ", " + whyNotDynamic(named, settings));
              }
            });
    if (!wrong.isEmpty()) {
      throw new IllegalArgumentException(
          "the spec cannot be followed: " + String.join("; ", wrong));
    }
    List<ConversionReport.Line> lines = new ArrayList<>();
    List<String> done = new ArrayList<>();
    modules.forEach(
        (path, module) -> {
          if (QuantizedModules.isBelow(path, done)) {
            return;
          }
          if (QuantizedModules.isQuantized(module)) {
            done.add(path);
            lines.add(new ConversionReport.Line(path, module.toString(), null));
            return;
          }
          String reason = replaceDynamic(model, path, module, spec);
          boolean replaced = reason == null;
          if (replaced) {
            done.add(path);
          }
          if (replaced || !module.ownParameters().isEmpty()) {
            lines.add(
                new ConversionReport.Line(
                    path, replaced ? model.get(path).toString() : module.toString(), reason));
          }
        });
    model.eval();
    return new ConversionReport(lines);
  }

  /** Null where the module was replaced, otherwise why not. */
  private static @Nullable String replaceDynamic(
      Module model, String path, Module module, DynamicSpec spec) {
    DynamicSpec.Choice choice = spec.choice(path, module);
    if (choice == null) {
      return DynamicSpec.FORMS.containsKey(module.getClass())
          ? "the spec does not name it"
          : noForm(module);
    }
    DynamicSpec.Settings settings = choice.settings();
    if (settings == null) {
      return "the spec keeps " + choice.by() + " float";
    }
    String reason = whyNotDynamic(module, settings);
    if (reason != null) {
      return reason;
    }
    if (path.isEmpty()) {
      return "it is the model itself, which has no parent to be replaced in; put it into a module";
    }
    Module made = of(module, settings, false);
    model.replace(path, made).close();
    return null;
  }

  private static String noForm(Module module) {
    return module.getClass().getSimpleName() + " has no dynamic form";
  }

  private static @Nullable String whyNotDynamic(Module module, DynamicSpec.Settings settings) {
    List<WeightFormat> formats = DynamicSpec.FORMS.get(module.getClass());
    if (formats == null) {
      return noForm(module);
    }
    if (!formats.contains(settings.format())) {
      return "it is not quantized in " + settings.format() + "; choose " + formats;
    }
    if (module instanceof ConvNd && settings.perToken()) {
      return "a convolution has no rows to quantize one by one; choose one scale for the tensor";
    }
    if (module instanceof LSTM lstm && lstm.recurrence().projSize() > 0) {
      return "an LSTM with a projection has no dynamic form";
    }
    if (module instanceof MultiheadAttention
        && !module.ownParameters().containsKey("in_proj_weight")) {
      return "an attention whose keys or values have features of their own has no dynamic form";
    }
    return module instanceof Embedding || module instanceof EmbeddingBag
        ? QuantizedModules.whyNot(module)
        : null;
  }

  /** As {@link QuantizedModules#dynamic(Module, DynamicSpec.Settings, boolean)}. */
  static Module of(Module module, DynamicSpec.Settings settings, boolean relu) {
    String reason = whyNotDynamic(module, settings);
    if (reason != null) {
      throw new IllegalArgumentException(module + ": " + reason);
    }
    if (relu && !(module instanceof Linear || module instanceof ConvNd)) {
      throw new IllegalArgumentException(
          "ReLU is fused behind Linear and convolutions, not behind " + module);
    }
    try (Scope scope = Scope.open()) {
      return made(module, settings, relu);
    }
  }

  private static Module made(Module module, DynamicSpec.Settings settings, boolean relu) {
    if (module instanceof Linear linear) {
      return DynamicProducts.linear(linear.weight(), linear.bias(), settings, relu);
    }
    if (module instanceof ConvNd conv) {
      Granularity granularity =
          settings.perChannel()
              ? QuantizedModules.weightGranularity(conv)
              : Granularity.perTensor();
      return conv(
          conv, DynamicProducts.coded(conv.weight(), granularity), settings.reduceRange(), relu);
    }
    if (module instanceof LSTM lstm) {
      return new DynamicLSTM(lstm, settings);
    }
    if (module instanceof GRU gru) {
      return new DynamicGRU(gru, settings);
    }
    if (module instanceof LSTMCell cell) {
      return new DynamicLSTMCell(cell, settings);
    }
    if (module instanceof GRUCell cell) {
      return new DynamicGRUCell(cell, settings);
    }
    if (module instanceof RNNCell cell) {
      return new DynamicRNNCell(cell, settings);
    }
    if (module instanceof MultiheadAttention attention) {
      return new DynamicMultiheadAttention(attention, settings);
    }
    return QuantizedModules.table(module, settings.format());
  }

  /** A layer of a weight whose integers are known. */
  static Module of(Module layer, QuantizedTensor weight, boolean perToken, boolean relu) {
    return layer instanceof ConvNd conv
        ? conv(conv, weight, false, relu)
        : new DynamicLinear(
            weight,
            QuantizedModules.floats(((Linear) layer).bias()),
            new Description.Dynamic(perToken, false),
            relu);
  }

  private static Module conv(
      ConvNd conv, QuantizedTensor weight, boolean reduceRange, boolean relu) {
    return new QuantizedConv(
        conv.convSettings(),
        weight,
        QuantizedModules.floats(conv.bias()),
        new Description.Dynamic(false, reduceRange),
        relu);
  }
}
