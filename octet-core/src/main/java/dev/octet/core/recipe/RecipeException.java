package dev.octet.core.recipe;

import dev.octet.core.yaml.Messages;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when a recipe's text cannot be used. The message says where ({@code file:line:column}),
 * which key, what is wrong and what to do.
 *
 * <p>The caller's code is right and the file is not: its author can mend it.
 */
public final class RecipeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Texts are quoted in messages, and may be of any length and hold line breaks. */
  private static final int LONGEST = 1000;

  RecipeException(String message) {
    super(Messages.shorten(message, LONGEST));
  }

  RecipeException(String message, @Nullable Throwable cause) {
    super(Messages.shorten(message, LONGEST), cause);
  }
}
