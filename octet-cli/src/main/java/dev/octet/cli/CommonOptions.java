package dev.octet.cli;

import dev.octet.torch.Torch;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options of every command that runs on one number of threads. */
final class CommonOptions extends OutputOptions {
  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads that run the model and collect its values (default: all cores).")
  private int threads;

  /** The number of threads asked for; 0 for all cores. */
  int threads() {
    return threads;
  }

  /** Makes {@code --threads} take effect on LibTorch. */
  void limitTorch() {
    if (threads > 0) {
      Torch.threads(threads);
    }
  }

  /** Where this command talks to the user; also makes {@code --threads} take effect. */
  @Override
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
    return super.console();
  }
}
