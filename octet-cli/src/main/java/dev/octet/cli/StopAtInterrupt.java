package dev.octet.cli;

import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;

/**
 * Lets training end its step when the user presses Ctrl-C or the process is told to end, and says
 * what is kept. Were the JVM to end at once, LibTorch's threads would compute while the library is
 * taken down, and crash.
 */
final class StopAtInterrupt implements AutoCloseable {
  private final Runnable stop;
  private final Supplier<String> kept;
  private final Console console;
  private final Thread onInterrupt;
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile boolean written;

  /**
   * Watches until closed.
   *
   * @param stop makes the work end soon
   * @param kept what is there nevertheless, or would be next time
   */
  StopAtInterrupt(Runnable stop, Supplier<String> kept, Console console) {
    this.stop = stop;
    this.kept = kept;
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
    stop.run();
    console.complain("interrupted; waiting for the end of this step");
    try {
      ended.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!written) {
      console.complain("the model was not written; " + kept.get());
    }
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
