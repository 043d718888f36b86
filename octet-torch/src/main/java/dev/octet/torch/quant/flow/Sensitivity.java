package dev.octet.torch.quant.flow;

import dev.octet.quantize.report.TextTable;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * Which layers lose the most by quantization: each is tried alone and left out alone.
 *
 * @param floatScore with no layer quantized
 * @param quantizedScore with all layers quantized, those that were on when the analysis began
 * @param rows one for each layer, the one that loses the most first
 */
public record Sensitivity(double floatScore, double quantizedScore, List<Row> rows) {
  /**
   * One layer.
   *
   * @param layer its path, or the path of a quantizer that stands by itself
   * @param onlyThis the score with this layer quantized and no other
   * @param allButThis the score with every layer quantized but this one
   * @param loss {@code floatScore - onlyThis}: what quantizing it costs by itself
   * @param gain {@code allButThis - quantizedScore}: what leaving it float would win back
   */
  public record Row(String layer, double onlyThis, double allButThis, double loss, double gain) {}

  public Sensitivity {
    rows = List.copyOf(rows);
  }

  /**
   * Evaluates the model 2 + 2n times for n layers, without gradients and in eval mode. Quantizers
   * that are disabled stay so, and layers without another are not listed. Afterwards, also after an
   * exception, all is as it was.
   *
   * @param model calibrated
   * @param evaluator a score of which more is better, such as accuracy; it may call the model
   * @throws IllegalArgumentException if no quantizer is enabled, or a score is NaN
   */
  public static Sensitivity analyse(Module model, ToDoubleFunction<Module> evaluator) {
    Map<String, List<TensorQuantizer>> layers = enabledByLayer(model);
    if (layers.isEmpty()) {
      throw new IllegalArgumentException(
          "the model has no quantizer that is enabled; nothing can be compared");
    }
    try (Evaluating evaluating = new Evaluating(model)) {
      double quantized = evaluating.score(evaluator, "all layers");
      layers.values().forEach(layer -> enable(layer, false));
      double plain = evaluating.score(evaluator, "no layer");
      Map<String, Double> only = new LinkedHashMap<>();
      layers.forEach(
          (path, layer) -> {
            enable(layer, true);
            only.put(path, evaluating.score(evaluator, "only " + path));
            enable(layer, false);
          });
      layers.values().forEach(layer -> enable(layer, true));
      List<Row> rows = new ArrayList<>();
      layers.forEach(
          (path, layer) -> {
            enable(layer, false);
            double without = evaluating.score(evaluator, "all but " + path);
            enable(layer, true);
            double alone = only.getOrDefault(path, Double.NaN);
            rows.add(new Row(path, alone, without, plain - alone, without - quantized));
          });
      rows.sort(
          Comparator.comparingDouble(Row::loss)
              .thenComparingDouble(Row::gain)
              .reversed()); // Stable: equals stay in the model's order.
      return new Sensitivity(plain, quantized, rows);
    }
  }

  /** The ranked table as text. */
  @Override
  public String toString() {
    TextTable table = new TextTable(1).row("layer", "only this", "loss", "all but this", "gain");
    table.row("(none quantized)", number(floatScore), "", "", "");
    table.row(
        "(all quantized)", number(quantizedScore), number(floatScore - quantizedScore), "", "");
    for (Row row : rows) {
      table.row(
          row.layer(),
          number(row.onlyThis()),
          number(row.loss()),
          number(row.allButThis()),
          number(row.gain()));
    }
    return table.print(0, 2);
  }

  private static Map<String, List<TensorQuantizer>> enabledByLayer(Module model) {
    Map<String, List<TensorQuantizer>> enabled = new LinkedHashMap<>();
    Quantizers.byLayer(model)
        .forEach(
            (path, quantizers) -> {
              List<TensorQuantizer> on =
                  quantizers.stream().filter(each -> each.isEnabled()).toList();
              if (!on.isEmpty()) {
                enabled.put(path, on);
              }
            });
    return enabled;
  }

  private static void enable(List<TensorQuantizer> layer, boolean on) {
    for (TensorQuantizer quantizer : layer) {
      if (on) {
        quantizer.enable();
      } else {
        quantizer.disable();
      }
    }
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }
}
