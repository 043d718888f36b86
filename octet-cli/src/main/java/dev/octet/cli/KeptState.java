package dev.octet.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Tells the user, when a run ends before its time, that nothing was written and where its
 * calibration can be carried on from. Works for failures and for Ctrl-C.
 */
final class KeptState implements AutoCloseable {
  private final Path file;
  private final Console console;
  private final Thread onInterrupt;
  private boolean done;

  KeptState(Path file, Console console) {
    this.file = file;
    this.console = console;
    // The JVM ends with 130 by itself; drafts of files are deleted by their writers' own hooks.
    this.onInterrupt = new Thread(this::interrupted, "interrupted");
    Runtime.getRuntime().addShutdownHook(onInterrupt);
  }

  /** The run reached its end. */
  void done() {
    done = true;
  }

  private void interrupted() {
    console.complain("interrupted; the model was not written");
    tellWhereToResume();
  }

  private void tellWhereToResume() {
    if (Files.exists(file)) {
      console.complain(
          "the calibration so far is kept; to carry on, repeat the command with --resume " + file);
    }
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(onInterrupt);
    } catch (IllegalStateException e) {
      return; // the JVM is ending, and the hook tells
    }
    if (!done) {
      tellWhereToResume();
    }
  }
}
