package dev.octet.core.yaml;

import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * What a kind of document is called in messages, and what is thrown where one cannot be used.
 *
 * @param name such as {@code recipe}; in the plural with an s
 * @param ifEmpty what to write at least, for a text with nothing in it; null where such a text is a
 *     section without keys
 * @param ifMissing what to name instead, for a file that does not exist
 * @param error makes the exception of a message, which may be of any length, and a cause
 * @param mostCharacters longer texts are refused
 * @param deepest texts with more sections and lists in one another are refused
 */
public record Dialect(
    String name,
    @Nullable String ifEmpty,
    String ifMissing,
    BiFunction<String, @Nullable Throwable, ? extends RuntimeException> error,
    int mostCharacters,
    int deepest) {
  /** Settings of a thousand layers have a tenth of it. */
  private static final int SETTINGS_CHARACTERS = 1 << 20;

  /** Settings need 4 to 6. */
  private static final int SETTINGS_DEPTH = 10;

  /** For settings that are written by hand: a text of 2^20 characters and 10 levels at most. */
  public Dialect(
      String name,
      String ifEmpty,
      String ifMissing,
      BiFunction<String, @Nullable Throwable, ? extends RuntimeException> error) {
    this(name, ifEmpty, ifMissing, error, SETTINGS_CHARACTERS, SETTINGS_DEPTH);
  }

  RuntimeException refuse(String message) {
    return error.apply(message, null);
  }

  RuntimeException refuse(String message, Throwable cause) {
    return error.apply(message, cause);
  }
}
