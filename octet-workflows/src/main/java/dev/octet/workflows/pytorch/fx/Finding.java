package dev.octet.workflows.pytorch.fx;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a detector found at one layer.
 *
 * @param detector its name
 * @param layer the layer's node
 * @param module the path of the layer's module
 * @param features by name: a number, a boolean or a word, or a list with one for each channel
 * @param suggestions what to do about it
 * @param advice the same in words
 */
public record Finding(
    String detector,
    String layer,
    String module,
    Map<String, Object> features,
    Set<Suggestion> suggestions,
    String advice) {
  /** What can be done with a layer. */
  public enum Suggestion {
    DYNAMIC,
    STATIC,
    PER_CHANNEL,
    EQUALIZE
  }

  public Finding {
    features = Collections.unmodifiableMap(new LinkedHashMap<>(features));
    suggestions = Set.copyOf(suggestions);
  }

  /**
   * A feature of the whole layer.
   *
   * @throws IllegalArgumentException if there is none of the name and type
   */
  public <T> T feature(String name, Class<T> type) {
    Object value = features.get(name);
    if (!type.isInstance(value)) {
      throw new IllegalArgumentException(
          "'%s' has no %s '%s'; it has %s"
              .formatted(layer, type.getSimpleName(), name, features.keySet()));
    }
    return type.cast(value);
  }

  /**
   * A feature of each channel.
   *
   * @throws IllegalArgumentException if there is none of the name
   */
  public List<?> channels(String name) {
    return feature(name, List.class);
  }
}
