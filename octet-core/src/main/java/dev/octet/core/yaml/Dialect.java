package dev.octet.core.yaml;

import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * What a kind of document is called in messages, and what is thrown where one cannot be used.
 *
 * @param name such as {@code recipe}; in the plural with an s
 * @param ifEmpty what to write at least, for a text with nothing in it
 * @param ifMissing what to name instead, for a file that does not exist
 * @param error makes the exception of a message, which may be of any length, and a cause
 */
public record Dialect(
    String name,
    String ifEmpty,
    String ifMissing,
    BiFunction<String, @Nullable Throwable, ? extends RuntimeException> error) {

  RuntimeException refuse(String message) {
    return error.apply(message, null);
  }

  RuntimeException refuse(String message, Throwable cause) {
    return error.apply(message, cause);
  }
}
