package dev.octet.workflows.distiller;

import dev.octet.core.rules.Rule;
import dev.octet.core.rules.Rules;
import dev.octet.core.yaml.SafeYaml;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * What differs from a quantizer's defaults, by patterns of layer names. In Distiller's YAML:
 *
 * <pre>{@code
 * conv1:
 *   bits_weights: 4
 * layer1\..*:
 *   bits_activations: null    # null leaves float; a key that is absent keeps the default
 *   clip_acts: AVG
 * }</pre>
 *
 * <p>A pattern is a regular expression in the syntax of RE2 that must match a layer's whole name;
 * dots match any character. The name is the layer's path in the model without its first component
 * {@code module}, which stands for a parallel wrapper. A key that is literally the name decides,
 * wherever it stands; otherwise the first pattern in order that matches. A key has all the settings
 * of a layer that it decides for: those of other keys are not merged in.
 *
 * <p>Settings are {@code bits_activations}, {@code bits_weights}, {@code bits_bias}, and arguments
 * that a quantizer takes for a type of layer. Immutable.
 */
public final class Overrides {
  /** No overrides. */
  public static final Overrides NONE = new Overrides(new LinkedHashMap<>());

  private static final Set<String> DEPRECATED = Set.of("acts", "wts", "bias");
  private static final List<String> BITS = List.of("bits_activations", "bits_weights", "bits_bias");

  private final Map<String, Map<String, @Nullable Object>> entries;
  private final Rules rules;

  private Overrides(Map<String, Map<String, @Nullable Object>> entries) {
    Map<String, Map<String, @Nullable Object>> copy = new LinkedHashMap<>();
    List<Rule> patterns = new ArrayList<>();
    entries.forEach(
        (pattern, settings) -> {
          check(pattern, settings);
          copy.put(pattern, Collections.unmodifiableMap(new LinkedHashMap<>(settings)));
          // A rule says more than a pattern can: only which one names the layer is asked of it.
          patterns.add(Rule.keepFloat(pattern, null));
        });
    this.entries = Collections.unmodifiableMap(copy);
    this.rules = new Rules(patterns);
  }

  /**
   * Overrides in the order of a map.
   *
   * @param entries settings by pattern; a {@link LinkedHashMap} or {@link SortedMap}, since the
   *     order counts
   * @throws IllegalArgumentException if the map has no order, a pattern is no regular expression, a
   *     key is one of the deprecated {@code acts}, {@code wts}, {@code bias}, or bits are no number
   *     from 1 to 32
   */
  public static Overrides of(
      Map<String, ? extends Map<String, ? extends @Nullable Object>> entries) {
    if (!(entries instanceof LinkedHashMap || entries instanceof SortedMap)) {
      throw new IllegalArgumentException(
          "overrides are given in a "
              + entries.getClass().getSimpleName()
              + ", which has no order; give a LinkedHashMap, since the first match wins");
    }
    Map<String, Map<String, @Nullable Object>> copy = new LinkedHashMap<>();
    entries.forEach((pattern, settings) -> copy.put(pattern, new LinkedHashMap<>(settings)));
    return new Overrides(copy);
  }

  /**
   * Overrides from YAML text.
   *
   * @param origin names the text in messages
   */
  public static Overrides parse(String yaml, String origin) {
    return fromData(SafeYaml.read(yaml, origin), origin);
  }

  /** Overrides from a YAML file. */
  public static Overrides read(Path file) {
    return fromData(SafeYaml.read(file), file.toString());
  }

  /**
   * Overrides from the data of a YAML section; a pattern without settings (null) has none.
   *
   * @param origin names the data in messages
   */
  public static Overrides fromData(Map<String, @Nullable Object> data, String origin) {
    Map<String, Map<String, @Nullable Object>> entries = new LinkedHashMap<>();
    data.forEach(
        (pattern, settings) ->
            entries.put(
                pattern,
                settings == null
                    ? new LinkedHashMap<>()
                    : SafeYaml.section(settings, origin + ": overrides of '" + pattern + "'")));
    return new Overrides(entries);
  }

  /**
   * These and one more at the end.
   *
   * @param keysAndValues a setting's name and its value, and so on
   */
  public Overrides with(String pattern, @Nullable Object... keysAndValues) {
    if (keysAndValues.length % 2 != 0) {
      throw new IllegalArgumentException(
          "overrides of '" + pattern + "' end in a name without a value");
    }
    Map<String, @Nullable Object> settings = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      settings.put(String.valueOf(keysAndValues[i]), keysAndValues[i + 1]);
    }
    Map<String, Map<String, @Nullable Object>> more = new LinkedHashMap<>(entries);
    if (more.put(pattern, settings) != null) {
      throw new IllegalArgumentException("there are overrides of '" + pattern + "' already");
    }
    return new Overrides(more);
  }

  /** Settings by pattern, in order. */
  public Map<String, Map<String, @Nullable Object>> entries() {
    return entries;
  }

  /** As YAML that {@link #parse} reads. */
  public String toYaml() {
    return SafeYaml.write(entries);
  }

  /** Starts asking; the session remembers which keys were of use. */
  Session session() {
    return new Session();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    // Order counts, which maps leave out of their equality.
    return other instanceof Overrides that
        && List.copyOf(entries.keySet()).equals(List.copyOf(that.entries.keySet()))
        && entries.equals(that.entries);
  }

  @Override
  public int hashCode() {
    return entries.hashCode();
  }

  @Override
  public String toString() {
    return entries.toString();
  }

  /**
   * A layer's bits and further arguments.
   *
   * @param bits as overridden, before the type of the layer is looked at
   * @param arguments what is left of the settings
   */
  record Resolved(QBits bits, Map<String, @Nullable Object> arguments) {}

  /** One use on one model. */
  final class Session {
    private final Rules.Session patterns = rules.session();
    private final Set<String> decided = new LinkedHashSet<>();

    /** What holds for a layer of this path. */
    Resolved resolve(String path, QBits defaults) {
      String name = normalized(path);
      // Patterns are asked even so: one that a literal key beats is not one that is misspelled.
      String key = patterns.forTensor(name).map(Rule::pattern).orElse(null);
      if (entries.containsKey(name)) {
        key = name;
      }
      if (key == null) {
        return new Resolved(defaults, Map.of());
      }
      decided.add(key);
      Map<String, @Nullable Object> left = new LinkedHashMap<>(entries.get(key));
      QBits bits =
          new QBits(
              bits(left, BITS.get(0), defaults.acts()),
              bits(left, BITS.get(1), defaults.wts()),
              bits(left, BITS.get(2), defaults.bias()));
      left.keySet().removeAll(BITS);
      return new Resolved(bits, Collections.unmodifiableMap(left));
    }

    /** A warning for each key that decided nothing. */
    List<String> unused() {
      List<String> warnings = new ArrayList<>();
      String unmatched = String.join("\n", patterns.unused()) + "\n";
      int place = 0;
      for (String pattern : entries.keySet()) {
        place++;
        if (decided.contains(pattern)) {
          continue;
        }
        boolean matches =
            !unmatched.contains("rule " + place + " '" + pattern + "' matched nothing\n");
        warnings.add(
            "override "
                + place
                + " '"
                + pattern
                + (matches
                    ? "' decides nothing: literal names and earlier patterns name all that it names"
                    : "' matches no layer"));
      }
      return warnings;
    }
  }

  private static @Nullable Integer bits(
      Map<String, @Nullable Object> settings, String key, @Nullable Integer otherwise) {
    return settings.containsKey(key) ? (Integer) settings.get(key) : otherwise;
  }

  /** A path without its first component {@code module}. */
  static String normalized(String path) {
    List<String> steps = new ArrayList<>(List.of(path.split("\\.", -1)));
    return steps.remove("module") ? String.join(".", steps) : path;
  }

  private static void check(String pattern, Map<String, @Nullable Object> settings) {
    if (pattern.isEmpty()) {
      throw new IllegalArgumentException("a pattern of overrides is empty; name a layer");
    }
    for (Map.Entry<String, @Nullable Object> setting : settings.entrySet()) {
      String key = setting.getKey();
      Object value = setting.getValue();
      if (DEPRECATED.contains(key)) {
        throw new IllegalArgumentException(
            "overrides of '"
                + pattern
                + "' use the deprecated key '"
                + key
                + "'; the keys are 'bits_activations', 'bits_weights' and 'bits_bias'");
      }
      if (BITS.contains(key)
          && value != null
          && !(value instanceof Integer bits && bits >= 1 && bits <= 32)) {
        throw new IllegalArgumentException(
            "overrides of '"
                + pattern
                + "' set "
                + key
                + " to "
                + SafeYaml.kind(value)
                + "; give a whole number from 1 to 32, or null to leave float");
      }
    }
  }
}
