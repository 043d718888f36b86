package dev.octet.torch.op;

/** A computation cannot be written as a graph: what, and in which module. */
public final class TraceException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** With a message that names the place. */
  public TraceException(String message) {
    super(message);
  }
}
