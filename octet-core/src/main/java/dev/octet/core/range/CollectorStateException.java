package dev.octet.core.range;

import java.io.IOException;

/**
 * Thrown when bytes that should hold a collector's state do not: truncated, of another version, or
 * contradicting themselves.
 */
public final class CollectorStateException extends IOException {
  private static final long serialVersionUID = 1L;

  /** An exception whose message says which field is wrong and what was read. */
  public CollectorStateException(String message) {
    super(message);
  }

  CollectorStateException(String message, Throwable cause) {
    super(message, cause);
  }
}
