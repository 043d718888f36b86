package dev.octet.torch.script;

/**
 * A file that is no TorchScript module or cannot be made a model. The message is one line for one
 * reason; where several operators are in the way it lists them all, one a line.
 */
public final class TorchScriptException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An exception with the given message. */
  public TorchScriptException(String message) {
    super(message);
  }

  /** An exception with the given message and cause. */
  public TorchScriptException(String message, Throwable cause) {
    super(message, cause);
  }

  /** What a native call reports, without LibTorch's own stack trace. */
  static String firstLine(Throwable failure) {
    String message = failure.getMessage();
    if (message == null) {
      return failure.getClass().getSimpleName();
    }
    return message.lines().map(String::strip).filter(l -> !l.isEmpty()).findFirst().orElse("");
  }
}
