package dev.octet.testing;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The named values of one JSON object. It remembers which of them were read, so that a test can
 * tell what it forgot. Not thread-safe.
 */
public final class Fields {
  private final String place;
  private final Map<String, @Nullable Object> values;
  private final Set<String> unread;
  private final List<Fields> children = new ArrayList<>();

  Fields(String place, Map<String, @Nullable Object> values) {
    this.place = place;
    this.values = values;
    this.unread = new LinkedHashSet<>(values.keySet());
  }

  /** All names, those without a value too; asking does not count as reading. */
  public Set<String> names() {
    return values.keySet();
  }

  /** Whether {@code name} has a value that is not null; asking does not count as reading. */
  public boolean has(String name) {
    return values.get(name) != null;
  }

  /** A number as a float, read from its decimal text in one rounding. */
  public float number(String name) {
    return Float.parseFloat(text(name));
  }

  /** A number as a double. */
  public double real(String name) {
    return Double.parseDouble(text(name));
  }

  /** A whole number. */
  public int integer(String name) {
    return Integer.parseInt(text(name));
  }

  /** True or false. */
  public boolean flag(String name) {
    String text = text(name);
    if (!text.equals("true") && !text.equals("false")) {
      throw wrong(name, text, "true or false");
    }
    return text.equals("true");
  }

  /** A text, or a number or truth value as it is written. */
  public String text(String name) {
    Object value = value(name);
    if (value instanceof String text) {
      return text;
    }
    throw wrong(name, value, "one value");
  }

  /** An array with type and shape. */
  public GoldenArray array(String name) {
    return GoldenArray.of(place + "." + name, object(name));
  }

  /** The array {@code name} as floats, row-major. */
  public float[] floats(String name) {
    return array(name).floats();
  }

  /** The array {@code name} as integers, row-major. */
  public int[] ints(String name) {
    return array(name).ints();
  }

  /** A list of arrays. */
  public List<GoldenArray> arrays(String name) {
    List<GoldenArray> arrays = new ArrayList<>();
    for (Fields fields : objects(name)) {
      arrays.add(GoldenArray.of(fields.place, fields));
    }
    return List.copyOf(arrays);
  }

  /** An object with names of its own. */
  public Fields object(String name) {
    return child(name, value(name));
  }

  /** A list of objects. */
  public List<Fields> objects(String name) {
    List<Fields> objects = new ArrayList<>();
    for (Object element : list(name)) {
      objects.add(child(name + "[" + objects.size() + "]", element));
    }
    return List.copyOf(objects);
  }

  /** A list of single values, as texts. */
  public List<String> texts(String name) {
    List<String> texts = new ArrayList<>();
    for (Object element : list(name)) {
      if (!(element instanceof String text)) {
        throw wrong(name, element, "a list of single values");
      }
      texts.add(text);
    }
    return List.copyOf(texts);
  }

  /** Says that these values are checked by another test, or by none for a reason given there. */
  public void leave(String... names) {
    for (String name : names) {
      value(name);
    }
  }

  /** What was never read, with the place of each. */
  List<String> unread() {
    List<String> all = new ArrayList<>();
    for (String name : unread) {
      all.add(place + "." + name);
    }
    for (Fields child : children) {
      all.addAll(child.unread());
    }
    return all;
  }

  private List<?> list(String name) {
    Object value = value(name);
    if (value instanceof List<?> list) {
      return list;
    }
    throw wrong(name, value, "a list");
  }

  @SuppressWarnings("unchecked") // JsonTree builds no map but those with names
  private Fields child(String name, @Nullable Object value) {
    if (value instanceof Map<?, ?> map) {
      Fields child = new Fields(place + "." + name, (Map<String, @Nullable Object>) map);
      children.add(child);
      return child;
    }
    throw wrong(name, value, "an object");
  }

  private @Nullable Object value(String name) {
    if (!values.containsKey(name)) {
      throw new IllegalArgumentException(
          "'" + place + "' has no '" + name + "'; it has " + values.keySet());
    }
    unread.remove(name);
    return values.get(name);
  }

  private IllegalArgumentException wrong(String name, @Nullable Object value, String wanted) {
    return new IllegalArgumentException(
        "'" + place + "." + name + "' is " + value + ", not " + wanted);
  }
}
