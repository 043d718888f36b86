package dev.octet.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Whether files may be replaced. */
final class ForceOption {
  @Option(
      names = {"-f", "--force"},
      description = "Replace files that exist.")
  private boolean force;

  /** Whether files that exist are in the way. */
  boolean forbids(Path file) {
    return !force && Files.exists(file);
  }

  /**
   * Makes sure that a result can be written, before any work.
   *
   * @param model never replaced
   */
  void check(Path file, Path model) throws IOException {
    ReportOptions.checkFolder(file);
    if (Files.exists(file) && Files.exists(model) && Files.isSameFile(file, model)) {
      throw new OptionException("'" + file + "' is the model itself; choose another output");
    }
    if (forbids(file)) {
      throw new OptionException("'" + file + "' exists; --force replaces it, -o writes elsewhere");
    }
  }
}
