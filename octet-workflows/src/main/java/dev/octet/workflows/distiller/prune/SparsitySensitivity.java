package dev.octet.workflows.distiller.prune;

import dev.octet.quantize.report.TextTable;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.train.Score;
import dev.octet.workflows.distiller.stats.CsvTable;
import dev.octet.workflows.distiller.stats.Structure;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;

/**
 * How well a model does with one parameter pruned and the others whole, over levels: Distiller's
 * {@code perform_sensitivity_analysis}.
 *
 * @param rows by parameter, then by level
 */
public record SparsitySensitivity(List<Row> rows) implements CsvTable {
  /** What is dropped. */
  public enum Group {
    /** Elements of the smallest magnitude. */
    ELEMENT,
    /** Filters of the smallest sum of magnitudes. */
    FILTER,
    /** Input channels of the smallest sum of magnitudes. */
    CHANNEL
  }

  /**
   * A judgement.
   *
   * @param parameter its name
   * @param sparsity the part that was dropped, in [0, 1]
   * @param score of the model then
   */
  public record Row(String parameter, double sparsity, Score score) {}

  public SparsitySensitivity {
    rows = List.copyOf(rows);
  }

  /**
   * Judges a model once for each parameter and level; afterwards, also after an exception, it is as
   * it was.
   *
   * @param parameters names; empty for all of two dimensions and more
   * @param levels parts to drop, in [0, 1]
   * @param judge such as {@code net -> Score.of(net, heldOut)}
   */
  public static SparsitySensitivity analyse(
      Module model,
      Collection<String> parameters,
      List<Double> levels,
      Group group,
      Function<Module, Score> judge) {
    List<Row> rows = new ArrayList<>();
    try (ZerosMaskDict masks = new ZerosMaskDict(model);
        Torch.Switched noGrad = Torch.noGrad()) {
      List<String> names =
          parameters.isEmpty()
              ? masks.parameters().entrySet().stream()
                  .filter(each -> each.getValue().dim() > 1)
                  .map(Map.Entry::getKey)
                  .toList()
              : parameters.stream().map(masks::resolve).toList();
      for (String name : names) {
        for (double level : levels) {
          try (Scope scope = Scope.open()) {
            Tensor parameter = masks.parameter(name);
            Tensor before = parameter.detach().clone();
            try {
              ParameterPruner pruner = pruner(name, level, group);
              masks.during(Masking.ONCE, () -> pruner.prune(masks, new PrunerEpochs(0, 1, 1, 0)));
              rows.add(new Row(name, level, judge.apply(model)));
            } finally {
              parameter.copy_(before);
            }
          }
        }
      }
    }
    return new SparsitySensitivity(rows);
  }

  private static ParameterPruner pruner(String parameter, double level, Group group) {
    if (group == Group.ELEMENT) {
      return new SparsityLevelParameterPruner("sensitivity", Map.of(parameter, level));
    }
    Structure structure = group == Group.FILTER ? Structure.FILTERS : Structure.CHANNELS;
    return StructurePruner.builder("sensitivity", structure, Ranking.L1)
        .weights(List.of(parameter))
        .sparsity(Sparsity.constant(level))
        .build();
  }

  /** The rows as comma-separated values under a line of names. */
  @Override
  public String toCsv() {
    StringBuilder csv = new StringBuilder("parameter,sparsity,top1,loss\n");
    rows.forEach(
        row ->
            csv.append(
                String.format(
                    Locale.ROOT,
                    "%s,%s,%.4f,%.6f\n",
                    row.parameter(),
                    row.sparsity(),
                    100 * row.score().accuracy(),
                    row.score().loss())));
    return csv.toString();
  }

  /** The rows as a table. */
  @Override
  public String toString() {
    TextTable table = new TextTable(1).row("parameter", "sparsity %", "top-1 %", "loss");
    rows.forEach(
        row ->
            table.row(
                row.parameter(),
                String.format(Locale.ROOT, "%.1f", 100 * row.sparsity()),
                String.format(Locale.ROOT, "%.2f", 100 * row.score().accuracy()),
                String.format(Locale.ROOT, "%.4f", row.score().loss())));
    return table.print(0, 2);
  }
}
