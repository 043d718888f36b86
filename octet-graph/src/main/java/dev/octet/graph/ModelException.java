package dev.octet.graph;

/** A model that cannot be read, written or understood. The message names the file and the place. */
public final class ModelException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An exception with the given message. */
  public ModelException(String message) {
    super(message);
  }

  /** An exception with the given message and cause. */
  public ModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
