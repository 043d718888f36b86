package dev.octet.workflows.pytorch.fx;

import dev.octet.quantize.report.TextTable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What detectors found, as tables of text: a row a layer for what is of layers, a row a channel for
 * what is of channels.
 */
public final class ModelReportVisualizer {
  private final Map<String, Map<String, Object>> byLayer = new LinkedHashMap<>();

  ModelReportVisualizer(List<Finding> findings) {
    for (Finding finding : findings) {
      byLayer
          .computeIfAbsent(finding.layer(), layer -> new LinkedHashMap<>())
          .putAll(finding.features());
    }
  }

  /** The layers, in the order of computation. */
  public Set<String> uniqueModules() {
    return new LinkedHashSet<>(byLayer.keySet());
  }

  /** The names of all features. */
  public Set<String> uniqueFeatureNames() {
    Set<String> names = new LinkedHashSet<>();
    byLayer.values().forEach(features -> names.addAll(features.keySet()));
    return names;
  }

  /**
   * A table of whole layers; empty without any such feature.
   *
   * @param featureFilter what the names of features contain; "" for all
   * @param moduleFilter what the names of layers contain; "" for all
   */
  public String tensorTable(String featureFilter, String moduleFilter) {
    List<List<String>> rows = new ArrayList<>();
    Set<String> names = names(false, featureFilter, moduleFilter);
    byLayer.forEach(
        (layer, features) -> {
          if (layer.contains(moduleFilter)) {
            addRow(rows, List.of(layer), names, features, -1);
          }
        });
    return print(List.of("layer"), names, rows);
  }

  /** A table of channels, as {@link #tensorTable}. */
  public String channelTable(String featureFilter, String moduleFilter) {
    List<List<String>> rows = new ArrayList<>();
    Set<String> names = names(true, featureFilter, moduleFilter);
    byLayer.forEach(
        (layer, features) -> {
          int channels = 0;
          for (String name : names) {
            channels =
                features.get(name) instanceof List<?> list
                    ? Math.max(channels, list.size())
                    : channels;
          }
          for (int i = 0; i < channels && layer.contains(moduleFilter); i++) {
            addRow(rows, List.of(layer, String.valueOf(i)), names, features, i);
          }
        });
    return print(List.of("layer", "channel"), names, rows);
  }

  /** Both tables, whole. */
  @Override
  public String toString() {
    return tensorTable("", "") + "\n" + channelTable("", "");
  }

  private Set<String> names(boolean channels, String featureFilter, String moduleFilter) {
    Set<String> names = new LinkedHashSet<>();
    byLayer.forEach(
        (layer, features) ->
            features.forEach(
                (name, value) -> {
                  if (layer.contains(moduleFilter)
                      && name.contains(featureFilter)
                      && value instanceof List == channels) {
                    names.add(name);
                  }
                }));
    return names;
  }

  private static void addRow(
      List<List<String>> rows,
      List<String> start,
      Set<String> names,
      Map<String, Object> features,
      int channel) {
    List<String> row = new ArrayList<>(start);
    boolean any = false;
    for (String name : names) {
      Object value = features.get(name);
      if (value instanceof List<?> list) {
        value = channel < list.size() ? list.get(channel) : null;
      }
      any |= value != null;
      row.add(value == null ? "" : text(value));
    }
    if (any) {
      rows.add(row);
    }
  }

  private static String text(Object value) {
    return value instanceof Double || value instanceof Float
        ? String.format(Locale.ROOT, "%.4g", ((Number) value).doubleValue())
        : value.toString();
  }

  private static String print(List<String> start, Set<String> names, List<List<String>> rows) {
    if (rows.isEmpty()) {
      return "";
    }
    List<String> head = new ArrayList<>(start);
    head.addAll(names);
    TextTable table = new TextTable(1).row(head.toArray(String[]::new));
    rows.forEach(row -> table.row(row.toArray(String[]::new)));
    return table.print(2, 3);
  }
}
