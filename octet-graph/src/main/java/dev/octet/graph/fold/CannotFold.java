package dev.octet.graph.fold;

/** Why a kernel will not compute its result: thrown by kernels, caught by the rewrite. */
final class CannotFold extends RuntimeException {
  private static final long serialVersionUID = 1L;

  CannotFold(String reason) {
    super(reason, null, false, false); // control flow within this package: no stack trace
  }

  String reason() {
    return String.valueOf(getMessage());
  }
}
