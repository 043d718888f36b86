package dev.octet.core.yaml;

import dev.octet.core.yaml.YamlNode.Mapping;
import dev.octet.core.yaml.YamlNode.Scalar;
import dev.octet.core.yaml.YamlNode.Sequence;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.representer.Representer;

/**
 * Plain data as YAML 1.1, the dialect of files that Python writes: texts, numbers, flags, null,
 * lists, and sections in the order of the text. What {@link YamlField} refuses is refused here.
 */
public final class SafeYaml {
  /** Longer texts are refused: 16 MiB; statistics of a thousand layers have a tenth of it. */
  public static final int MOST_CHARACTERS = 1 << 24;

  private static final int LONGEST_MESSAGE = 1000;

  private static final Dialect DATA =
      new Dialect(
          "data file",
          null,
          "name one that there is",
          (message, cause) ->
              new IllegalArgumentException(Messages.shorten(message, LONGEST_MESSAGE), cause),
          MOST_CHARACTERS,
          30);

  private static final Pattern DECIMAL = Pattern.compile("[-+]?(0|[1-9][0-9]{0,18})");

  private SafeYaml() {}

  /**
   * The section that a file holds.
   *
   * @throws IllegalArgumentException if it is not there, too large, or not such a text
   */
  public static Map<String, @Nullable Object> read(Path file) {
    return data(YamlField.load(file, DATA));
  }

  /**
   * The section that a text holds; none for an empty one. Keys are texts, so that {@code 0:} is
   * "0"; values are String, Boolean, Integer, Long, Double, null, lists and sections.
   *
   * @param origin the file's name, for messages
   * @throws IllegalArgumentException if the text is no such section, naming the place
   */
  public static Map<String, @Nullable Object> read(String text, String origin) {
    return data(YamlField.read(text, origin, DATA));
  }

  private static Map<String, @Nullable Object> data(YamlField top) {
    return section(plain(top), top.origin());
  }

  /** A value of any document as such data; what it throws is the document's exception. */
  public static @Nullable Object plain(YamlField field) {
    return plain(field, field.node());
  }

  private static @Nullable Object plain(YamlField top, YamlNode node) {
    if (node instanceof Mapping mapping) {
      Map<String, @Nullable Object> section = new LinkedHashMap<>();
      mapping.entries().forEach((key, entry) -> section.put(key, plain(top, entry.value())));
      return section;
    }
    if (node instanceof Sequence sequence) {
      List<@Nullable Object> items = new ArrayList<>();
      sequence.items().forEach(item -> items.add(plain(top, item)));
      return items;
    }
    Scalar scalar = (Scalar) node;
    return scalar.plain() ? value(top, scalar) : scalar.text();
  }

  /** What YAML 1.1 reads a text without quotes as; but numbers are decimal alone. */
  private static @Nullable Object value(YamlField top, Scalar scalar) {
    String text = scalar.text();
    Tag tag = YamlText.tag(text);
    if (tag.equals(Tag.NULL)) {
      return null;
    }
    if (tag.equals(Tag.BOOL)) {
      return List.of("true", "yes", "on").contains(text.toLowerCase(Locale.ROOT));
    }
    if (tag.equals(Tag.INT) && DECIMAL.matcher(text).matches()) {
      try {
        long number = Long.parseLong(text);
        if (number == (int) number) {
          return (int) number;
        }
        return number;
      } catch (NumberFormatException e) {
        throw unclear(top, scalar, tag);
      }
    }
    if (tag.equals(Tag.FLOAT)) {
      return real(top, scalar);
    }
    if (tag.equals(Tag.STR)) {
      return text;
    }
    throw unclear(top, scalar, tag);
  }

  private static double real(YamlField top, Scalar scalar) {
    String text = scalar.text().toLowerCase(Locale.ROOT);
    if (text.endsWith(".nan")) {
      return Double.NaN;
    }
    if (text.endsWith(".inf")) {
      return text.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    }
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw unclear(top, scalar, Tag.FLOAT);
    }
  }

  private static RuntimeException unclear(YamlField top, Scalar scalar, Tag tag) {
    return new YamlField(top.origin(), "", scalar, top.dialect())
        .wrong(
            scalar.kind()
                + " is read as "
                + tag.getValue().replace(Tag.PREFIX, "")
                + " by YAML 1.1; write a number in decimal digits, or put quotes around a text");
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
    return "'" + Messages.shorten(String.valueOf(value)) + "'";
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
