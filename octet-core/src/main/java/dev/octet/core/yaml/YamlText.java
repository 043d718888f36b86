package dev.octet.core.yaml;

import dev.octet.core.yaml.YamlNode.Entry;
import dev.octet.core.yaml.YamlNode.Mapping;
import dev.octet.core.yaml.YamlNode.Place;
import dev.octet.core.yaml.YamlNode.Scalar;
import dev.octet.core.yaml.YamlNode.Sequence;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.events.AliasEvent;
import org.yaml.snakeyaml.events.CollectionStartEvent;
import org.yaml.snakeyaml.events.Event;
import org.yaml.snakeyaml.events.NodeEvent;
import org.yaml.snakeyaml.events.ScalarEvent;
import org.yaml.snakeyaml.nodes.NodeId;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.parser.Parser;
import org.yaml.snakeyaml.parser.ParserImpl;
import org.yaml.snakeyaml.reader.StreamReader;
import org.yaml.snakeyaml.resolver.Resolver;

/**
 * Reads the part of YAML that settings and data need: sections, lists and plain values. Anchors,
 * aliases and tags are refused rather than resolved, so that no text grows or makes objects when it
 * is read; size and depth are bounded.
 */
final class YamlText {
  private static final Resolver RESOLVER = new Resolver();

  /** No number or date is longer; the resolver's patterns would go deep on such a text. */
  private static final int LONGEST_VALUE = 100;

  private final Parser parser;
  private final String origin;
  private final Dialect dialect;

  private YamlText(Parser parser, String origin, Dialect dialect) {
    this.parser = parser;
    this.origin = origin;
    this.dialect = dialect;
  }

  /**
   * The one document in {@code text}, a section.
   *
   * @param origin the file's name, for messages
   * @throws RuntimeException the dialect's, if the text is no such document
   */
  static Mapping read(String text, String origin, Dialect dialect) {
    if (text.length() > dialect.mostCharacters()) {
      throw dialect.refuse(
          origin
              + ": the "
              + dialect.name()
              + " has "
              + text.length()
              + " characters; at most "
              + dialect.mostCharacters()
              + " are read");
    }
    LoaderOptions options = new LoaderOptions();
    options.setCodePointLimit(dialect.mostCharacters());
    try {
      return new YamlText(new ParserImpl(new StreamReader(text), options), origin, dialect)
          .document();
    } catch (MarkedYAMLException e) {
      Mark mark = e.getProblemMark();
      throw dialect.refuse(
          (mark == null ? origin + ": " : prefix(origin, place(mark)))
              + "this is not YAML: "
              + e.getProblem(),
          e);
    } catch (YAMLException e) {
      String problem = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
      throw dialect.refuse(origin + ": this is not YAML: " + problem, e);
    }
  }

  /** What kind of value YAML 1.1 has a text without quotes for. */
  static Tag tag(String text) {
    return text.length() > LONGEST_VALUE ? Tag.STR : RESOLVER.resolve(NodeId.scalar, text, true);
  }

  private Mapping document() {
    parser.getEvent(); // the stream starts
    if (parser.checkEvent(Event.ID.StreamEnd)) {
      return empty(new Place(1, 1), null);
    }
    parser.getEvent(); // the document starts
    YamlNode root = node(parser.getEvent(), 1);
    parser.getEvent(); // the document ends
    if (!parser.checkEvent(Event.ID.StreamEnd)) {
      parser.getEvent();
      throw at(
          place(parser.peekEvent()),
          "a second document starts; a " + dialect.name() + " is one document");
    }
    if (root instanceof Mapping mapping) {
      return mapping;
    }
    if (root instanceof Scalar scalar && scalar.plain() && scalar.text().isEmpty()) {
      return empty(root.place(), root);
    }
    throw notSection(root);
  }

  private Mapping empty(Place place, @Nullable YamlNode root) {
    if (dialect.ifEmpty() == null) {
      return new Mapping(place, Map.of());
    }
    if (root != null) {
      throw notSection(root);
    }
    throw dialect.refuse(origin + ": the " + dialect.name() + " is empty; " + dialect.ifEmpty());
  }

  private RuntimeException notSection(YamlNode root) {
    return at(
        root.place(),
        "a " + dialect.name() + " is a section of keys and values; found " + root.kind());
  }

  private YamlNode node(Event event, int depth) {
    Place place = place(event);
    if (depth > dialect.deepest()) {
      throw at(
          place,
          "the text is nested deeper than "
              + dialect.deepest()
              + " levels; no "
              + dialect.name()
              + " needs that");
    }
    refuseReferences(event);
    return switch (event.getEventId()) {
      case MappingStart -> mapping(place, depth);
      case SequenceStart -> sequence(place, depth);
      default -> scalar(place, (ScalarEvent) event);
    };
  }

  private static Scalar scalar(Place place, ScalarEvent event) {
    String text = event.getValue();
    boolean plain = event.isPlain();
    return new Scalar(place, plain && tag(text).equals(Tag.NULL) ? "" : text, plain);
  }

  private Sequence sequence(Place place, int depth) {
    List<YamlNode> items = new ArrayList<>();
    while (!parser.checkEvent(Event.ID.SequenceEnd)) {
      items.add(node(parser.getEvent(), depth + 1));
    }
    parser.getEvent();
    return new Sequence(place, items);
  }

  private Mapping mapping(Place place, int depth) {
    Map<String, Entry> entries = new LinkedHashMap<>();
    while (!parser.checkEvent(Event.ID.MappingEnd)) {
      Event named = parser.getEvent();
      Place keyPlace = place(named);
      refuseReferences(named);
      if (!(named instanceof ScalarEvent scalar)) {
        String kind = named.is(Event.ID.MappingStart) ? "a section" : "a list";
        throw at(keyPlace, kind + " is used as a key; keys are texts and numbers");
      }
      String key = scalar.getValue();
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
      entries.put(key, new Entry(keyPlace, node(parser.getEvent(), depth + 1)));
    }
    parser.getEvent();
    return new Mapping(place, entries);
  }

  private void refuseReferences(Event event) {
    if (event instanceof AliasEvent alias) {
      throw reference(event, "*" + alias.getAnchor(), "alias", "*");
    }
    if (event instanceof NodeEvent node && node.getAnchor() != null) {
      throw reference(event, "&" + node.getAnchor(), "anchor", "&");
    }
    String tag =
        event instanceof ScalarEvent scalar
            ? scalar.getTag()
            : event instanceof CollectionStartEvent start ? start.getTag() : null;
    if (tag != null) {
      throw reference(event, tag, "tag", "!");
    }
  }

  private RuntimeException reference(Event event, String text, String kind, String sign) {
    return at(
        place(event),
        "'"
            + Messages.shorten(text)
            + "' is a YAML "
            + kind
            + ", which "
            + dialect.name()
            + "s do not have; put quotes around text with a '"
            + sign
            + "'");
  }

  private RuntimeException at(Place place, String problem) {
    return dialect.refuse(prefix(origin, place) + problem);
  }

  /** Such as {@code recipe.yaml:4:3: }. */
  static String prefix(String origin, Place place) {
    return origin + ":" + place.line() + ":" + place.column() + ": ";
  }

  private static Place place(Event event) {
    return place(event.getStartMark());
  }

  private static Place place(Mark mark) {
    return new Place(mark.getLine() + 1, mark.getColumn() + 1);
  }
}
