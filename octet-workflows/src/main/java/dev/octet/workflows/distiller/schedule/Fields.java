package dev.octet.workflows.distiller.schedule;

import dev.octet.core.yaml.Messages;
import dev.octet.core.yaml.YamlField;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What definitions in a schedule consist of. */
final class Fields {
  private Fields() {}

  /** The name of a definition. */
  static String name(YamlField field) {
    return field.path().substring(field.path().indexOf('.') + 1);
  }

  /** The class that a definition names, one of some. */
  static String type(YamlField field, Map<String, List<String>> known) {
    YamlField named = field.get("class");
    if (named == null) {
      throw field.wrong("it has no 'class'; choose one of " + String.join(", ", known.keySet()));
    }
    String name = named.text();
    List<String> keys = known.get(name);
    if (keys == null) {
      throw named.wrong(
          "found '" + Messages.shorten(name) + "'; " + Messages.suggestion(name, known.keySet()));
    }
    List<String> allowed = new ArrayList<>(keys);
    allowed.add("class");
    field.section(allowed);
    return name;
  }

  static <T> T required(YamlField field, String key, Function<YamlField, T> read) {
    T value = field.get(key, read);
    if (value == null) {
      throw field.wrong("there is no '" + key + "', which this class needs");
    }
    return value;
  }

  static double number(YamlField field) {
    return field.number(Double::parseDouble);
  }

  static List<Integer> integers(YamlField field) {
    return field.items().stream().map(YamlField::integer).toList();
  }

  static List<Double> numbers(YamlField field) {
    return field.items().stream().map(Fields::number).toList();
  }

  /** Numbers by name. */
  static Map<String, Double> named(YamlField field) {
    Map<String, Double> numbers = new LinkedHashMap<>();
    for (String key : field.keys()) {
      numbers.put(key, required(field, key, Fields::number));
    }
    return numbers;
  }

  static double or(@Nullable Double value, double otherwise) {
    return value == null ? otherwise : value;
  }

  /** Classes and the keys each takes. */
  static Map<String, List<String>> ordered(String... namesAndKeys) {
    Map<String, List<String>> map = new LinkedHashMap<>();
    for (int i = 0; i < namesAndKeys.length; i += 2) {
      map.put(namesAndKeys[i], List.of(namesAndKeys[i + 1].split(",", -1)));
    }
    return map;
  }
}
