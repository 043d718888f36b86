package dev.octet.quantize.data;

import org.jspecify.annotations.Nullable;

/** Samples cannot be read, or do not fit the model. The message names the file and the place. */
public class DataException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** An exception with a message that says what was wrong, where, and what to do. */
  public DataException(String message) {
    super(message);
  }

  /** The same, keeping what was caught. */
  public DataException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
