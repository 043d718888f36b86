package dev.octet.core.range;

/**
 * Thrown when the data that was collected cannot give a range; the message names the tensor.
 *
 * <p>The caller's code is right and the data is not: look at the samples or the preprocessing.
 */
public final class CalibrationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An exception with a message that names the tensor and says what to do. */
  public CalibrationException(String message) {
    super(message);
  }
}
