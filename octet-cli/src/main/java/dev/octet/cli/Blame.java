package dev.octet.cli;

import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.quantize.report.LayerReport;
import dev.octet.quantize.report.TextTable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Every compared layer in the order of computation, with how much signal-to-noise ratio it loses
 * against the worst of what it reads: a layer that only passes on the errors of earlier ones is not
 * to blame.
 */
final class Blame {
  private static final int NAMED = 3;

  private final List<LayerReport> layers;
  private final Map<String, List<String>> before;

  private record Fall(LayerReport layer, double decibels) {}

  /**
   * @param layers compared layers in the order of computation
   * @param graph the simplified float model that they are nodes of
   */
  Blame(List<LayerReport> layers, Graph graph) {
    this.layers = layers;
    this.before = new HashMap<>();
    for (Node node : graph.nodes()) {
      List<String> producers = new ArrayList<>();
      for (Value input : node.inputs()) {
        Node producer = input == null ? null : input.producer();
        if (producer != null) {
          producers.add(producer.label());
        }
      }
      before.put(node.label(), producers);
    }
  }

  /** The table, and a sentence. */
  String text() {
    TextTable table = new TextTable(1).row("layer", "operator", "SQNR", "change", "cosine");
    List<Fall> falls = new ArrayList<>();
    Map<String, Double> known = new HashMap<>();
    for (LayerReport layer : layers) {
      Double sqnr = layer.outputSqnrDb();
      if (sqnr == null) {
        continue;
      }
      double worst =
          before.getOrDefault(layer.node(), List.of()).stream()
              .mapToDouble(name -> known.getOrDefault(name, Double.POSITIVE_INFINITY))
              .min()
              .orElse(Double.POSITIVE_INFINITY);
      known.put(layer.node(), sqnr);
      boolean comparable = Double.isFinite(worst) && Double.isFinite(sqnr);
      if (comparable && sqnr < worst) {
        falls.add(new Fall(layer, worst - sqnr));
      }
      table.row(
          layer.node(),
          layer.opType(),
          sqnr.isInfinite() ? "exact" : String.format(Locale.ROOT, "%.1f dB", sqnr),
          comparable ? String.format(Locale.ROOT, "%+.1f", sqnr - worst) : "",
          layer.cosine() == null ? "" : String.format(Locale.ROOT, "%.5f", layer.cosine()));
    }
    falls.sort(Comparator.comparingDouble(Fall::decibels).reversed());
    StringBuilder text = new StringBuilder("\nlayer by layer\n").append(table.print());
    if (!falls.isEmpty()) {
      text.append("\nmost to blame\n");
      TextTable named = new TextTable(1);
      for (Fall fall : falls.subList(0, Math.min(NAMED, falls.size()))) {
        named.row(
            "  " + fall.layer().node(),
            String.format(Locale.ROOT, "loses %.1f dB", fall.decibels()));
      }
      text.append(named.print());
    }
    return text.toString();
  }
}
