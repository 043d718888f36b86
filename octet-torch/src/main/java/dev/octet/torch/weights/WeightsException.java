package dev.octet.torch.weights;

import org.jspecify.annotations.Nullable;

/** A file of weights that cannot be read or written. The message names the file and the place. */
public final class WeightsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An exception with the given message. */
  public WeightsException(String message) {
    super(message);
  }

  /** An exception with the given message and cause. */
  public WeightsException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
