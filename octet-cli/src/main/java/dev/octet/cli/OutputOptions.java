package dev.octet.cli;

import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How much a command tells: options that every command has. */
class OutputOptions {
  private static final String LOGGER = "org.slf4j.simpleLogger.";

  @Spec(Spec.Target.MIXEE)
  CommandSpec command;

  @Option(
      names = {"-v", "--verbose"},
      description = "Tell more, and show stack traces of failures.")
  private boolean verbose;

  @Option(
      names = {"-q", "--quiet"},
      description = "Show no progress and no warnings, only results and errors.")
  private boolean quiet;

  /** Whether only results and errors are to be shown. */
  boolean quiet() {
    return quiet;
  }

  /** Standard error, or what a caller put in its place. */
  PrintWriter err() {
    return command.commandLine().getErr();
  }

  /** Where this command talks to the user. */
  Console console() {
    // Read once, when the first logger is made, which is after this.
    System.setProperty(LOGGER + "defaultLogLevel", verbose ? "info" : "warn");
    System.setProperty(LOGGER + "showThreadName", "false");
    System.setProperty(LOGGER + "showLogName", "false");
    return new Console(
        command.commandLine().getOut(), command.commandLine().getErr(), quiet, verbose);
  }
}
