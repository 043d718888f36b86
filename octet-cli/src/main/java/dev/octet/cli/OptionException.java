package dev.octet.cli;

/** An option whose value makes no sense, or two that do not go together. */
final class OptionException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  OptionException(String message) {
    super(message);
  }

  OptionException(String option, Object value, String remedy) {
    super(option + " is " + value + "; " + remedy);
  }

  /** {@code cause} says what is wrong with {@code option}. */
  OptionException(String option, IllegalArgumentException cause) {
    super(option + ": " + cause.getMessage(), cause);
  }
}
