package dev.octet.graph.fold;

/** Why {@link Evaluator} will not compute a result. Carries no stack trace: it is an answer. */
public final class CannotFold extends RuntimeException {
  private static final long serialVersionUID = 1L;

  CannotFold(String reason) {
    super(reason, null, false, false);
  }

  /** The reason, in lower case. */
  public String reason() {
    return String.valueOf(getMessage());
  }
}
