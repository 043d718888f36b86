package dev.octet.torch.nn;

/** A module could not compute: which one, on what, and why. */
public final class ModuleException extends RuntimeException {
  private static final long serialVersionUID = 1;

  ModuleException(String message, Throwable cause) {
    super(message, cause);
  }
}
