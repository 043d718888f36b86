package dev.octet.cli;

/** The bound that all options share that count something. */
final class CountOption {
  private CountOption() {}

  static void check(String option, long value) {
    if (value < 1) {
      throw new OptionException(option, value, "choose 1 or more");
    }
  }
}
