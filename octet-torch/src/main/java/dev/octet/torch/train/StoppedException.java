package dev.octet.torch.train;

/** Training ended before its time because it was asked to. */
public final class StoppedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** Says what was stopped, and where. */
  public StoppedException(String message) {
    super(message);
  }
}
