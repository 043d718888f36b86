package dev.octet.torch.quant.flow;

import dev.octet.quantize.report.TextTable;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.quant.nn.QuantizedLayer;
import dev.octet.torch.quant.nn.QuantizedWeight;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * The quantizers of a model by name: look at them, switch some off, freeze them.
 *
 * <p>A name is a quantizer's path, such as {@code layer1.0.conv1._input_quantizer}. In wildcards
 * {@code *} stands for any characters, dots too, and {@code ?} for one; a {@link Pattern} must
 * match the whole name.
 */
public final class Quantizers {
  private Quantizers() {}

  /** All quantizers by path, in the model's order; a shared one at its first place. */
  public static Map<String, TensorQuantizer> of(Module model) {
    Map<String, TensorQuantizer> found = new LinkedHashMap<>();
    model
        .modules()
        .forEach(
            (path, module) -> {
              if (module instanceof TensorQuantizer quantizer) {
                found.put(path, quantizer);
              }
            });
    return found;
  }

  /**
   * The quantizers whose names match.
   *
   * @param wildcards at least one
   * @throws IllegalArgumentException if a wildcard matches none: it is misspelled
   */
  public static Map<String, TensorQuantizer> select(Module model, String... wildcards) {
    if (wildcards.length == 0) {
      throw new IllegalArgumentException("no name is given; '*' names all quantizers");
    }
    Map<String, TensorQuantizer> all = of(model);
    Map<String, TensorQuantizer> selected = new LinkedHashMap<>();
    for (String wildcard : wildcards) {
      select(all, Wildcard.compile(wildcard), selected);
    }
    return selected;
  }

  /** The quantizers whose whole names match, at least one. */
  public static Map<String, TensorQuantizer> select(Module model, Pattern pattern) {
    Map<String, TensorQuantizer> selected = new LinkedHashMap<>();
    select(of(model), pattern, selected);
    return selected;
  }

  /**
   * Switches quantizers off, so that they hand on what they are given.
   *
   * @return their names
   * @throws IllegalArgumentException if a wildcard matches none; nothing is changed then
   */
  public static List<String> disable(Module model, String... wildcards) {
    return each(select(model, wildcards), TensorQuantizer::disable);
  }

  /** Switches the quantizers off whose whole names match. */
  public static List<String> disable(Module model, Pattern pattern) {
    return each(select(model, pattern), TensorQuantizer::disable);
  }

  /** Switches quantizers on again. */
  public static List<String> enable(Module model, String... wildcards) {
    return each(select(model, wildcards), TensorQuantizer::enable);
  }

  /** Switches the quantizers on again whose whole names match. */
  public static List<String> enable(Module model, Pattern pattern) {
    return each(select(model, pattern), TensorQuantizer::enable);
  }

  /**
   * Freezes the ranges of quantizers: they collect no more, and learned ranges train no more.
   *
   * @return their names
   * @throws IllegalStateException if one that is enabled has no range yet, which would stay that of
   *     each tensor; nothing is changed then
   */
  public static List<String> freeze(Module model, String... wildcards) {
    Map<String, TensorQuantizer> selected = select(model, wildcards);
    List<String> dynamic = new ArrayList<>();
    selected.forEach(
        (path, quantizer) -> {
          if (quantizer.isEnabled()
              && !quantizer.hasRange()
              && quantizer.config().learned() == QuantizerConfig.Learned.NOTHING) {
            dynamic.add(path);
          }
        });
    if (!dynamic.isEmpty()) {
      throw new IllegalStateException(
          "the quantizers "
              + dynamic
              + " have no range to freeze; calibrate them first, or disable them");
    }
    return each(
        selected,
        quantizer -> {
          quantizer.config(quantizer.config().toBuilder().calib(false).clip(false).build());
          quantizer.requireGrad(false);
        });
  }

  /**
   * Puts the quantized values of weights in their place, so that a quantizer changes nothing more.
   * Disabled quantizers are left alone.
   */
  public static void quantizeWeightsInPlace(Module model) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      for (QuantizedWeight weight : Calibration.weights(model)) {
        weight.assign(weight.quantizer().call(weight.value()));
      }
    }
  }

  /** A table of all quantizers with their settings and ranges. */
  public static String summary(Module model) {
    TextTable table = new TextTable(1).row("quantizer", "state");
    of(model).forEach((path, quantizer) -> table.row(path, quantizer.toString()));
    return table.print(0, 2);
  }

  /**
   * The quantizers of each layer: those of a {@link QuantizedLayer} under its path, one that stands
   * by itself under its own.
   */
  static Map<String, List<TensorQuantizer>> byLayer(Module model) {
    IdentityHashMap<Module, String> owners = new IdentityHashMap<>();
    Map<String, List<TensorQuantizer>> layers = new LinkedHashMap<>();
    model
        .modules()
        .forEach(
            (path, module) -> {
              if (module instanceof QuantizedLayer) {
                // The outermost layer owns what is inside.
                module.modules().values().forEach(each -> owners.putIfAbsent(each, path));
              }
              if (module instanceof TensorQuantizer quantizer) {
                layers
                    .computeIfAbsent(owners.getOrDefault(module, path), key -> new ArrayList<>())
                    .add(quantizer);
              }
            });
    return layers;
  }

  private static void select(
      Map<String, TensorQuantizer> all, Pattern pattern, Map<String, TensorQuantizer> selected) {
    boolean matched = false;
    for (Map.Entry<String, TensorQuantizer> entry : all.entrySet()) {
      if (pattern.matcher(entry.getKey()).matches()) {
        matched = true;
        selected.put(entry.getKey(), entry.getValue());
      }
    }
    if (!matched) {
      throw new IllegalArgumentException(
          "'" + pattern + "' matches none of the quantizers " + all.keySet());
    }
  }

  private static List<String> each(
      Map<String, TensorQuantizer> selected, Consumer<TensorQuantizer> change) {
    selected.values().forEach(change);
    return List.copyOf(selected.keySet());
  }
}
