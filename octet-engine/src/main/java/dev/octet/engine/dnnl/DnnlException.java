package dev.octet.engine.dnnl;

/** oneDNN refused or failed. The message says what was asked of it. */
public final class DnnlException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An exception with the given message. */
  public DnnlException(String message) {
    super(message);
  }

  /** An exception with the given message and cause. */
  public DnnlException(String message, Throwable cause) {
    super(message, cause);
  }
}
