package dev.octet.core.yaml;

import dev.octet.core.yaml.YamlNode.Entry;
import dev.octet.core.yaml.YamlNode.Mapping;
import dev.octet.core.yaml.YamlNode.Place;
import dev.octet.core.yaml.YamlNode.Scalar;
import dev.octet.core.yaml.YamlNode.Sequence;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
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
 * A value of a document that knows its key and place, and turns into what it should be or into a
 * message that names them. What its methods throw is the dialect's exception.
 *
 * @param origin the file's name, for messages
 * @param path keys from the top, such as {@code weight.bits}; empty for the whole
 * @param node the value as written
 * @param dialect what kind of document it is
 */
public record YamlField(String origin, String path, YamlNode node, Dialect dialect) {
  /** A character takes at most so many bytes in UTF-8. */
  private static final int MOST_BYTES_OF_ONE = 4;

  // Decimal alone: YAML 1.1 reads 010 as 8 and 1:30 as 90, and nobody means that.
  private static final Pattern INTEGER = Pattern.compile("[-+]?(0|[1-9][0-9]{0,20})");
  private static final Pattern NUMBER =
      Pattern.compile("[-+]?([0-9]{1,30}(\\.[0-9]{0,30})?|\\.[0-9]{1,30})([eE][-+]?[0-9]{1,4})?");

  /**
   * The whole of a document. Anchors, aliases, tags and keys given twice are refused.
   *
   * @param origin the file's name, for messages
   */
  public static YamlField read(String text, String origin, Dialect dialect) {
    return new YamlField(origin, "", YamlText.read(text, origin, dialect), dialect);
  }

  /** The whole of a file in UTF-8. */
  public static YamlField load(Path file, Dialect dialect) {
    int most = MOST_BYTES_OF_ONE * dialect.mostCharacters();
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(most + 1);
      if (bytes.length > most) {
        throw dialect.refuse(
            file + ": has more than " + most + " bytes; is this a " + dialect.name() + "?");
      }
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return read(text, file.toString(), dialect);
    } catch (NoSuchFileException e) {
      throw dialect.refuse(file + ": there is no such file; " + dialect.ifMissing(), e);
    } catch (CharacterCodingException e) {
      throw dialect.refuse(file + ": is not in UTF-8; save it in that encoding", e);
    } catch (IOException e) {
      throw dialect.refuse(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * This as a section that has no other keys than {@code keys}.
   *
   * @throws RuntimeException the dialect's, if it is none, or has one
   */
  public YamlField section(List<String> keys) {
    for (Map.Entry<String, Entry> entry : mapping().entries().entrySet()) {
      String key = entry.getKey();
      if (!keys.contains(key)) {
        throw dialect.refuse(
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
  public @Nullable YamlField get(String key) {
    Entry entry = mapping().entries().get(key);
    return entry == null ? null : new YamlField(origin, child(key), entry.value(), dialect);
  }

  /** The value of {@code key} in this section as {@code read} has it, or null. */
  public <T> @Nullable T get(String key, Function<YamlField, T> read) {
    YamlField field = get(key);
    return field == null ? null : field.checked(() -> read.apply(field));
  }

  /** The values of this list. */
  public List<YamlField> items() {
    if (!(node instanceof Sequence sequence)) {
      throw wrong("found " + node.kind() + "; write a list, such as [a, b]");
    }
    List<YamlField> items = new ArrayList<>();
    for (YamlNode item : sequence.items()) {
      items.add(new YamlField(origin, path + " #" + (items.size() + 1), item, dialect));
    }
    return items;
  }

  /** The values of this list of numbers. */
  public List<Float> floats() {
    return items().stream().map(item -> (float) item.number(Float::parseFloat)).toList();
  }

  /** Text; what looks like a number is text as well. */
  public String text() {
    if (node instanceof Scalar scalar && !scalar.text().isEmpty()) {
      return scalar.text();
    }
    throw wrong("found " + node.kind() + "; write text, or drop the key");
  }

  /** {@code true} or {@code false}. */
  public boolean truth() {
    return switch (scalar("true or false").toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw wrong("found " + node.kind() + "; write true or false");
    };
  }

  /** Whether nothing, or {@code null}, is written here. */
  public boolean isNull() {
    return node instanceof Scalar scalar && scalar.text().isEmpty();
  }

  /** The keys of this section, in the order of the text. */
  public List<String> keys() {
    return List.copyOf(mapping().entries().keySet());
  }

  /** A whole number in decimal digits. */
  public int integer() {
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
  public <T> T number(Function<String, T> parse) {
    String text = scalar("a number");
    if (!NUMBER.matcher(text).matches()) {
      throw wrong("found " + node.kind() + "; write a number, such as 0.5");
    }
    return parse.apply(text);
  }

  /** The constant that this names: in lower case, with dashes. */
  public <E extends Enum<E>> E word(Class<E> kind) {
    List<String> words = Arrays.stream(kind.getEnumConstants()).map(YamlField::word).toList();
    String text = scalar("one of " + String.join(", ", words));
    int index = words.indexOf(text.toLowerCase(Locale.ROOT));
    if (index < 0) {
      throw wrong("found " + node.kind() + "; " + Messages.suggestion(text, words));
    }
    return kind.getEnumConstants()[index];
  }

  /** What {@link #word(Class)} reads as {@code constant}. */
  public static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** What {@code make} gives; where it refuses, its reason with this field's key and place. */
  public <T> T checked(Supplier<T> make) {
    try {
      return make.get();
    } catch (IllegalArgumentException e) {
      throw wrong(String.valueOf(e.getMessage()), e);
    }
  }

  /** The exception that says what is wrong with this value, where it stands. */
  public RuntimeException wrong(String problem) {
    return dialect.refuse(message(problem));
  }

  private RuntimeException wrong(String problem, Throwable cause) {
    return dialect.refuse(message(problem), cause);
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
