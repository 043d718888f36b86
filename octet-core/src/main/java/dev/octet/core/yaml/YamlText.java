package dev.octet.core.yaml;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import dev.octet.core.yaml.YamlNode.Entry;
import dev.octet.core.yaml.YamlNode.Mapping;
import dev.octet.core.yaml.YamlNode.Place;
import dev.octet.core.yaml.YamlNode.Scalar;
import dev.octet.core.yaml.YamlNode.Sequence;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.error.MarkedYAMLException;

/**
 * Reads the part of YAML that settings need: sections, lists and plain values. Anchors, aliases and
 * tags are refused rather than resolved, so that no text grows or makes objects when it is read;
 * size and depth are bounded.
 */
final class YamlText {
  /** Longer texts are refused; settings of a thousand layers have a tenth of it. */
  static final int MOST_CHARACTERS = 1 << 20;

  /** Deeper texts are refused; settings need 4 to 6. */
  static final int DEEPEST = 10;

  private static final YAMLFactory FACTORY = factory();

  private final YAMLParser parser;
  private final String origin;
  private final Dialect dialect;

  private YamlText(YAMLParser parser, String origin, Dialect dialect) {
    this.parser = parser;
    this.origin = origin;
    this.dialect = dialect;
  }

  private static YAMLFactory factory() {
    LoaderOptions options = new LoaderOptions();
    options.setCodePointLimit(MOST_CHARACTERS);
    options.setNestingDepthLimit(DEEPEST);
    options.setMaxAliasesForCollections(0);
    options.setAllowRecursiveKeys(false);
    StreamReadConstraints constraints =
        StreamReadConstraints.builder()
            .maxNestingDepth(DEEPEST)
            .maxDocumentLength(MOST_CHARACTERS)
            .build();
    return YAMLFactory.builder().loaderOptions(options).streamReadConstraints(constraints).build();
  }

  /**
   * The one document in {@code text}, a section.
   *
   * @param origin the file's name, for messages
   * @throws RuntimeException the dialect's, if the text is no such document
   */
  static Mapping read(String text, String origin, Dialect dialect) {
    if (text.length() > MOST_CHARACTERS) {
      throw dialect.refuse(
          origin
              + ": the "
              + dialect.name()
              + " has "
              + text.length()
              + " characters; at most "
              + MOST_CHARACTERS
              + " are read");
    }
    try (YAMLParser parser = FACTORY.createParser(text)) {
      return new YamlText(parser, origin, dialect).document();
    } catch (JsonProcessingException e) {
      throw syntax(e, origin, dialect);
    } catch (IOException e) {
      throw dialect.refuse(origin + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private Mapping document() throws IOException {
    JsonToken token = parser.nextToken();
    if (token == null) {
      throw dialect.refuse(origin + ": the " + dialect.name() + " is empty; " + dialect.ifEmpty());
    }
    YamlNode root = node(token, 1);
    if (!(root instanceof Mapping mapping)) {
      throw at(
          root.place(),
          "a " + dialect.name() + " is a section of keys and values; found " + root.kind());
    }
    if (parser.nextToken() != null) {
      throw at(here(), "a second document starts; a " + dialect.name() + " is one document");
    }
    return mapping;
  }

  private YamlNode node(JsonToken token, int depth) throws IOException {
    Place place = here();
    if (depth > DEEPEST) {
      throw at(
          place,
          "the text is nested deeper than "
              + DEEPEST
              + " levels; no "
              + dialect.name()
              + " needs that");
    }
    refuseReferences(place);
    return switch (token) {
      case START_OBJECT -> mapping(place, depth);
      case START_ARRAY -> sequence(place, depth);
      case VALUE_NULL -> new Scalar(place, "");
      default -> new Scalar(place, parser.getText());
    };
  }

  private Sequence sequence(Place place, int depth) throws IOException {
    List<YamlNode> items = new ArrayList<>();
    for (JsonToken token = next(); token != JsonToken.END_ARRAY; token = next()) {
      items.add(node(token, depth + 1));
    }
    return new Sequence(place, items);
  }

  private Mapping mapping(Place place, int depth) throws IOException {
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (JsonToken token = next(); token != JsonToken.END_OBJECT; token = next()) {
      Place keyPlace = here();
      refuseReferences(keyPlace);
      String key = parser.currentName();
      Entry before = entries.get(key);
      if (before != null) {
        throw at(
            keyPlace,
            "key '"
                + Messages.shorten(key)
                + "' is given twice, first in line "
                + before.keyPlace().line()
                + "; drop one");
      }
      entries.put(key, new Entry(keyPlace, node(next(), depth + 1)));
    }
    return new Mapping(place, entries);
  }

  private JsonToken next() throws IOException {
    JsonToken token = parser.nextToken();
    if (token == null) {
      throw dialect.refuse(origin + ": the text ends in the middle; is the file complete?");
    }
    return token;
  }

  private void refuseReferences(Place place) throws IOException {
    if (parser.isCurrentAlias()) {
      throw at(
          place,
          "'*"
              + Messages.shorten(parser.getText())
              + "' is a YAML alias, which "
              + dialect.name()
              + "s do not have; put quotes around text with a '*'");
    }
    // An anchor at a plain value is not seen here; nothing can refer to it.
    if (parser.getObjectId() != null) {
      throw at(
          place,
          "'&"
              + Messages.shorten(parser.getObjectId().toString())
              + "' is a YAML anchor, which "
              + dialect.name()
              + "s do not have; put quotes around text with a '&'");
    }
    if (parser.getTypeId() != null) {
      throw at(
          place,
          "'"
              + Messages.shorten(parser.getTypeId().toString())
              + "' is a YAML tag, which "
              + dialect.name()
              + "s do not have; put quotes around text with a '!'");
    }
  }

  private Place here() {
    return place(parser.currentTokenLocation());
  }

  private RuntimeException at(Place place, String problem) {
    return dialect.refuse(prefix(origin, place) + problem);
  }

  /** Such as {@code recipe.yaml:4:3: }. */
  static String prefix(String origin, Place place) {
    return origin + ":" + place.line() + ":" + place.column() + ": ";
  }

  private static Place place(JsonLocation location) {
    return new Place(Math.max(1, location.getLineNr()), Math.max(1, location.getColumnNr()));
  }

  private static RuntimeException syntax(
      JsonProcessingException e, String origin, Dialect dialect) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof MarkedYAMLException marked && marked.getProblemMark() != null) {
        Place place =
            new Place(
                marked.getProblemMark().getLine() + 1, marked.getProblemMark().getColumn() + 1);
        return dialect.refuse(
            prefix(origin, place) + "this is not YAML: " + marked.getProblem(), e);
      }
    }
    String where = e.getLocation() == null ? origin + ": " : prefix(origin, place(e.getLocation()));
    return dialect.refuse(where + "this is not YAML: " + e.getOriginalMessage(), e);
  }
}
