package dev.octet.engine;

/**
 * Something that many threads use and one closes: it is freed when it is closed and the last use
 * has ended, whichever comes later. Thread-safe.
 */
final class Shared {
  private final String closedMessage;
  private final Runnable free;
  private int users;
  private boolean closed;

  Shared(String closedMessage, Runnable free) {
    this.closedMessage = closedMessage;
    this.free = free;
  }

  /**
   * Begins a use, which {@link #leave} ends.
   *
   * @throws IllegalStateException if it is closed
   */
  void enter() {
    if (!tryEnter()) {
      throw new IllegalStateException(closedMessage);
    }
  }

  /** Begins a use if it is not closed. */
  synchronized boolean tryEnter() {
    if (!closed) {
      users++;
    }
    return !closed;
  }

  /** Ends a use. */
  synchronized void leave() {
    users--;
    if (closed && users == 0) {
      free.run();
    }
  }

  /** Lets no further use begin. Does nothing the second time. */
  synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (users == 0) {
      free.run();
    }
  }
}
