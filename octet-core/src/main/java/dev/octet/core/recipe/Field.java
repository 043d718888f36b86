package dev.octet.core.recipe;

import dev.octet.core.recipe.YamlNode.Entry;
import dev.octet.core.recipe.YamlNode.Mapping;
import dev.octet.core.recipe.YamlNode.Place;
import dev.octet.core.recipe.YamlNode.Scalar;
import dev.octet.core.recipe.YamlNode.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A value of a recipe's text that knows its key and place, and turns into what it should be or into
 * a message that names them.
 *
 * @param path keys from the top, such as {@code weight.bits}; empty for the whole
 */
record Field(String origin, String path, YamlNode node) {
  // Decimal alone: YAML 1.1 reads 010 as 8 and 1:30 as 90, and nobody means that.
  private static final Pattern INTEGER = Pattern.compile("[-+]?(0|[1-9][0-9]{0,20})");
  private static final Pattern NUMBER =
      Pattern.compile("[-+]?([0-9]{1,30}(\\.[0-9]{0,30})?|\\.[0-9]{1,30})([eE][-+]?[0-9]{1,4})?");

  /** The whole document as a field. */
  static Field document(Mapping mapping, String origin) {
    return new Field(origin, "", mapping);
  }

  /**
   * This as a section that has no other keys than {@code keys}.
   *
   * @throws RecipeException if it is none, or has one
   */
  Field section(List<String> keys) {
    for (Map.Entry<String, Entry> entry : mapping().entries().entrySet()) {
      String key = entry.getKey();
      if (!keys.contains(key)) {
        throw new RecipeException(
            YamlText.prefix(origin, entry.getValue().keyPlace())
                + "unknown key '"
                + Messages.shorten(child(key))
                + "'; "
                + Messages.suggestion(key, keys));
      }
    }
    return this;
  }

  /** The value of {@code key} in this section, or null if it is not given. */
  @Nullable Field get(String key) {
    Entry entry = mapping().entries().get(key);
    return entry == null ? null : new Field(origin, child(key), entry.value());
  }

  /** The value of {@code key} in this section as {@code read} has it, or null. */
  <T> @Nullable T get(String key, Function<Field, T> read) {
    Field field = get(key);
    return field == null ? null : field.checked(() -> read.apply(field));
  }

  /** The values of this list. */
  List<Field> items() {
    if (!(node instanceof Sequence sequence)) {
      throw wrong("found " + node.kind() + "; write a list, such as [a, b]");
    }
    List<Field> items = new ArrayList<>();
    for (YamlNode item : sequence.items()) {
      items.add(new Field(origin, path + " #" + (items.size() + 1), item));
    }
    return items;
  }

  /** The values of this list of numbers. */
  List<Float> floats() {
    return items().stream().map(item -> (float) item.number(Float::parseFloat)).toList();
  }

  /** Text; what looks like a number is text as well. */
  String text() {
    if (node instanceof Scalar scalar && !scalar.text().isEmpty()) {
      return scalar.text();
    }
    throw wrong("found " + node.kind() + "; write text, or drop the key");
  }

  boolean truth() {
    return switch (scalar("true or false")) {
      case "true" -> true;
      case "false" -> false;
      default -> throw wrong("found " + node.kind() + "; write true or false");
    };
  }

  int integer() {
    String text = scalar("a whole number");
    if (!INTEGER.matcher(text).matches()) {
      throw wrong("found " + node.kind() + "; write a whole number in decimal digits");
    }
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw wrong(text + " is more than any setting takes", e);
    }
  }

  /** A number as {@code parse} has it, such as {@code Double::parseDouble}. */
  <T> T number(Function<String, T> parse) {
    String text = scalar("a number");
    if (!NUMBER.matcher(text).matches()) {
      throw wrong("found " + node.kind() + "; write a number, such as 0.5");
    }
    return parse.apply(text);
  }

  /** The constant that this names: in lower case, with dashes. */
  <E extends Enum<E>> E word(Class<E> kind) {
    List<String> words = Arrays.stream(kind.getEnumConstants()).map(Field::word).toList();
    String text = scalar("one of " + String.join(", ", words));
    int index = words.indexOf(text.toLowerCase(Locale.ROOT));
    if (index < 0) {
      throw wrong("found " + node.kind() + "; " + Messages.suggestion(text, words));
    }
    return kind.getEnumConstants()[index];
  }

  /** What {@link #word(Class)} reads as {@code constant}. */
  static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** What {@code make} gives; where it refuses, its reason with this field's key and place. */
  <T> T checked(Supplier<T> make) {
    try {
      return make.get();
    } catch (IllegalArgumentException e) {
      throw wrong(String.valueOf(e.getMessage()), e);
    }
  }

  RecipeException wrong(String problem) {
    return new RecipeException(message(problem));
  }

  private RecipeException wrong(String problem, Throwable cause) {
    return new RecipeException(message(problem), cause);
  }

  private String message(String problem) {
    Place place = node.place();
    return YamlText.prefix(origin, place) + (path.isEmpty() ? "" : "'" + path + "': ") + problem;
  }

  private String scalar(String wanted) {
    if (node instanceof Scalar scalar && !scalar.text().isEmpty()) {
      return scalar.text();
    }
    throw wrong("found " + node.kind() + "; write " + wanted);
  }

  private Mapping mapping() {
    if (node instanceof Mapping mapping) {
      return mapping;
    }
    throw wrong("found " + node.kind() + "; write a section of keys and values");
  }

  private String child(String key) {
    return path.isEmpty() ? key : path + "." + key;
  }
}
