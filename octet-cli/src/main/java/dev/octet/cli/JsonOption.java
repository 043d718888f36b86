package dev.octet.cli;

import picocli.CommandLine.Option;

/** Whether figures are printed for programs. */
final class JsonOption {
  @Option(names = "--json", description = "Print the figures as JSON, and nothing else.")
  private boolean json;

  /** Whether standard output is to hold JSON alone. */
  boolean isOn() {
    return json;
  }
}
