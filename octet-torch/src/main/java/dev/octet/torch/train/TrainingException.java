package dev.octet.torch.train;

/** Training cannot go on: where it was and what to change. */
public final class TrainingException extends RuntimeException {
  private static final long serialVersionUID = 1;

  TrainingException(String message) {
    super(message);
  }

  TrainingException(String message, Throwable cause) {
    super(message, cause);
  }
}
