package dev.octet.workflows.distiller.yaml;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.representer.Representer;

/**
 * Plain data as YAML 1.1, the dialect of Distiller's files: texts, numbers, flags, null, lists, and
 * sections in the order of the text. Tags that would make objects are refused, and so are aliases
 * of lists and sections, by which a short text could stand for a long one; size and depth are
 * bounded, and a key may occur once.
 */
public final class SafeYaml {
  /** Longer texts are refused: 16 MiB; statistics of a thousand layers have a tenth of it. */
  public static final int MOST_CHARACTERS = 1 << 24;

  private static final int DEEPEST = 30;

  private SafeYaml() {}

  /**
   * The section that a file holds.
   *
   * @throws IllegalArgumentException if it is not there, too large, or not such a text
   */
  public static Map<String, @Nullable Object> read(Path file) {
    try {
      if (Files.size(file) > MOST_CHARACTERS) {
        throw new IllegalArgumentException(
            file + " has " + Files.size(file) + " bytes; at most " + MOST_CHARACTERS + " are read");
      }
      return read(Files.readString(file), file.toString());
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  /**
   * The section that a text holds. Keys that are numbers become their text, so that {@code 0:} is
   * "0"; values are String, Boolean, Integer, Long, Double, null, lists and sections.
   *
   * @param origin the file's name, for messages
   * @throws IllegalArgumentException if the text is no such section, naming the place
   */
  public static Map<String, @Nullable Object> read(String text, String origin) {
    LoaderOptions options = new LoaderOptions();
    options.setCodePointLimit(MOST_CHARACTERS);
    options.setNestingDepthLimit(DEEPEST);
    options.setMaxAliasesForCollections(0);
    options.setAllowRecursiveKeys(false);
    options.setAllowDuplicateKeys(false);
    Object document;
    try {
      document = new Yaml(new SafeConstructor(options)).load(text);
    } catch (YAMLException e) {
      throw new IllegalArgumentException(origin + ": this is not plain YAML: " + problem(e), e);
    }
    if (document == null) {
      return new LinkedHashMap<>();
    }
    if (!(document instanceof Map<?, ?> section)) {
      throw new IllegalArgumentException(
          origin + ": the text is no section of keys and values, but " + kind(document));
    }
    return section(section, origin, 0);
  }

  /** Data of the kinds that {@link #read(String, String)} gives, as a text that it reads. */
  public static String write(Map<?, ? extends @Nullable Object> section) {
    DumperOptions options = new DumperOptions();
    options.setDefaultFlowStyle(DumperOptions.FlowStyle.BLOCK);
    options.setWidth(120);
    return new Yaml(new SafeConstructor(new LoaderOptions()), new Plain(options), options)
        .dump(section);
  }

  /** Writes such a text to a file. */
  public static void write(Map<?, ? extends @Nullable Object> section, Path file) {
    try {
      Files.writeString(file, write(section));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  /**
   * A number: one of YAML's, or a text such as {@code 1e-05}, which YAML 1.1 does not count as one.
   *
   * @param what names the value for messages
   * @throws IllegalArgumentException if it is none
   */
  public static double number(@Nullable Object value, String what) {
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    if (value instanceof String text) {
      try {
        return Double.parseDouble(text);
      } catch (NumberFormatException e) {
        // the message below says it
      }
    }
    throw new IllegalArgumentException(what + " is " + kind(value) + "; give a number");
  }

  /**
   * A section.
   *
   * @param what names the value for messages
   * @throws IllegalArgumentException if it is none
   */
  @SuppressWarnings("unchecked") // read() makes sections with text keys only.
  public static Map<String, @Nullable Object> section(@Nullable Object value, String what) {
    if (value instanceof Map<?, ?> section) {
      return (Map<String, @Nullable Object>) section;
    }
    throw new IllegalArgumentException(what + " is " + kind(value) + "; give a section of keys");
  }

  /** What a value is, for messages. */
  public static String kind(@Nullable Object value) {
    if (value == null) {
      return "nothing";
    }
    if (value instanceof Map) {
      return "a section";
    }
    if (value instanceof List) {
      return "a list";
    }
    String text = String.valueOf(value);
    return "'" + (text.length() > 60 ? text.substring(0, 60) + "..." : text) + "'";
  }

  private static Map<String, @Nullable Object> section(Map<?, ?> from, String origin, int depth) {
    Map<String, @Nullable Object> to = new LinkedHashMap<>();
    from.forEach(
        (key, value) -> {
          if (key instanceof Map || key instanceof List || key == null) {
            throw new IllegalArgumentException(
                origin + ": " + kind(key) + " is used as a key; keys are texts and numbers");
          }
          if (to.containsKey(String.valueOf(key))) {
            throw new IllegalArgumentException(origin + ": key " + kind(key) + " occurs twice");
          }
          to.put(String.valueOf(key), plain(value, origin, depth + 1));
        });
    return to;
  }

  private static @Nullable Object plain(@Nullable Object value, String origin, int depth) {
    if (depth > DEEPEST) {
      throw new IllegalArgumentException(
          origin + ": sections lie in one another deeper than " + DEEPEST);
    }
    if (value == null
        || value instanceof String
        || value instanceof Boolean
        || value instanceof Integer
        || value instanceof Long
        || value instanceof Double) {
      return value;
    }
    if (value instanceof Map<?, ?> inner) {
      return section(inner, origin, depth);
    }
    if (value instanceof List<?> list) {
      List<@Nullable Object> items = new ArrayList<>();
      for (Object item : list) {
        items.add(plain(item, origin, depth + 1));
      }
      return items;
    }
    throw new IllegalArgumentException(
        origin
            + ": "
            + kind(value)
            + " is read as "
            + value.getClass().getSimpleName()
            + "; put quotes around it if it is a text");
  }

  private static String problem(YAMLException e) {
    if (e instanceof MarkedYAMLException marked && marked.getProblemMark() != null) {
      Mark mark = marked.getProblemMark();
      return "line "
          + (mark.getLine() + 1)
          + ", column "
          + (mark.getColumn() + 1)
          + ": "
          + marked.getProblem();
    }
    String message = e.getMessage();
    return message == null ? "" : message.lines().findFirst().orElse("");
  }

  /** Numbers in a form that YAML 1.1 reads as numbers: with a point, and a sign in the exponent. */
  private static final class Plain extends Representer {
    Plain(DumperOptions options) {
      super(options);
      representers.put(Double.class, data -> representScalar(Tag.FLOAT, text((Double) data)));
    }

    private static String text(double value) {
      if (Double.isNaN(value)) {
        return ".nan";
      }
      if (Double.isInfinite(value)) {
        return value > 0 ? ".inf" : "-.inf";
      }
      String text = Double.toString(value).toLowerCase(Locale.ROOT);
      int exponent = text.indexOf('e');
      return exponent < 0 || text.charAt(exponent + 1) == '-' ? text : text.replace("e", "e+");
    }
  }
}
