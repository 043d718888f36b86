package dev.octet.core.yaml;

import java.util.List;
import java.util.Map;

/** A piece of a YAML document that remembers where it stands. */
public sealed interface YamlNode {

  /** Line and column of its first character, both counted from 1. */
  record Place(int line, int column) {}

  /** Where it starts. */
  Place place();

  /** What it is, for messages. */
  String kind();

  /**
   * One value.
   *
   * @param text as written, without quotes; empty for {@code null} too
   * @param plain whether it was written without quotes
   */
  record Scalar(Place place, String text, boolean plain) implements YamlNode {
    @Override
    public String kind() {
      return text.isEmpty() ? "nothing" : "'" + Messages.shorten(text) + "'";
    }
  }

  /** Values in order. */
  record Sequence(Place place, List<YamlNode> items) implements YamlNode {
    @Override
    public String kind() {
      return "a list";
    }
  }

  /** Values by key, in the order of the text. */
  record Mapping(Place place, Map<String, Entry> entries) implements YamlNode {
    @Override
    public String kind() {
      return "a section";
    }
  }

  /** A key's value, and where the key stands. */
  record Entry(Place keyPlace, YamlNode value) {}
}
