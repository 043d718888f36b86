package dev.octet.cli;

import dev.octet.torch.qat.FineTuning;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * Lets training end its step when the user presses Ctrl-C or the process is told to end, and says
 * what is kept. Were the JVM to end at once, LibTorch's threads would compute while the library is
 * taken down, and crash.
 */
final class StopAtInterrupt implements AutoCloseable {
  private final FineTuning tuning;
  private final @Nullable Path checkpoint;
  private final Console console;
  private final Thread onInterrupt;
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile boolean written;

  StopAtInterrupt(FineTuning tuning, @Nullable Path checkpoint, Console console) {
    this.tuning = tuning;
    this.checkpoint = checkpoint;
    this.console = console;
    // The JVM ends with 130, or 143, by itself once this is done.
    this.onInterrupt = new Thread(this::interrupted, "interrupted");
    Runtime.getRuntime().addShutdownHook(onInterrupt);
  }

  /** The model is written: there is nothing left to stop. */
  void written() {
    written = true;
  }

  private void interrupted() {
    tuning.stop();
    console.complain("interrupted; waiting for the end of this step");
    try {
      ended.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!written) {
      console.complain("the model was not written; " + kept());
    }
  }

  private String kept() {
    if (checkpoint == null) {
      return "with --checkpoint FILE, each whole epoch is kept";
    }
    return Files.exists(checkpoint)
        ? "to carry on after the epochs in '" + checkpoint + "', repeat the command"
        : "no epoch was whole yet";
  }

  @Override
  public void close() {
    ended.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(onInterrupt);
    } catch (IllegalStateException e) {
      // The JVM is ending, and the hook tells.
    }
  }
}
