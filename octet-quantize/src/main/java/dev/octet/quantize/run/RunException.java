package dev.octet.quantize.run;

/**
 * A graph that a runtime refuses to load or fails to run. The message names the runtime's reason.
 */
public final class RunException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An exception with the given message and cause. */
  public RunException(String message, Throwable cause) {
    super(message, cause);
  }

  /** An exception with the given message. */
  public RunException(String message) {
    super(message);
  }
}
