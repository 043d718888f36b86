package dev.octet.cli;

import dev.octet.quantize.report.LayerReport;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * Every compared layer in the order of computation, and those after which the signal-to-noise ratio
 * is lowest by the most: a layer that only passes on the errors of earlier ones is not to blame.
 */
final class Blame {
  private static final int NAMED = 3;

  private final List<LayerReport> layers;

  private record Fall(LayerReport layer, double decibels) {}

  Blame(List<LayerReport> layers) {
    this.layers = layers;
  }

  /** The table, and a sentence. */
  String text() {
    Columns table = new Columns().row("layer", "operator", "SQNR", "change", "cosine");
    List<Fall> falls = new ArrayList<>();
    double before = Double.POSITIVE_INFINITY;
    for (LayerReport layer : layers) {
      Double sqnr = layer.outputSqnrDb();
      if (sqnr == null) {
        continue;
      }
      boolean known = Double.isFinite(before) && Double.isFinite(sqnr);
      if (known && sqnr < before) {
        falls.add(new Fall(layer, before - sqnr));
      }
      table.row(
          layer.node(),
          layer.opType(),
          sqnr.isInfinite() ? "exact" : String.format(Locale.ROOT, "%.1f dB", sqnr),
          known ? String.format(Locale.ROOT, "%+.1f", sqnr - before) : "",
          layer.cosine() == null ? "" : String.format(Locale.ROOT, "%.5f", layer.cosine()));
      before = sqnr;
    }
    falls.sort(Comparator.comparingDouble(Fall::decibels).reversed());
    StringBuilder text = new StringBuilder("\nlayer by layer\n").append(table.print());
    if (!falls.isEmpty()) {
      text.append("\nmost to blame\n");
      Columns named = new Columns();
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
