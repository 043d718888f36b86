package dev.octet.cli;

import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that every command has. */
final class CommonOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = {"-v", "--verbose"},
      description = "Tell more, and show stack traces of failures.")
  private boolean verbose;

  @Option(
      names = {"-q", "--quiet"},
      description = "Show no progress and no warnings, only results and errors.")
  private boolean quiet;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads that run the model and collect its values (default: all cores).")
  private int threads;

  /** The number of threads asked for; 0 for all cores. */
  int threads() {
    return threads;
  }

  /** Whether only results and errors are to be shown. */
  boolean quiet() {
    return quiet;
  }

  /** Standard error, or what a caller put in its place. */
  PrintWriter err() {
    return command.commandLine().getErr();
  }

  /** Where this command talks to the user; also makes {@code --threads} take effect. */
  Console console() {
    if (threads < 0) {
      throw new ParameterException(
          command.commandLine(), "--threads is " + threads + "; choose 1 or more");
    }
    if (threads > 0) {
      System.setProperty("octet.threads", Integer.toString(threads));
      // Read once, when the pool is first used; the thread that waits for the pool works too.
      System.setProperty(
          "java.util.concurrent.ForkJoinPool.common.parallelism",
          Integer.toString(Math.max(1, threads - 1)));
    }
    if (verbose) {
      System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "info");
    }
    return new Console(
        command.commandLine().getOut(), command.commandLine().getErr(), quiet, verbose);
  }
}
